ALTER TABLE carriers RENAME TO drivers;
INSERT INTO drivers (name, code) VALUES ('Hagel', 'HAG');
