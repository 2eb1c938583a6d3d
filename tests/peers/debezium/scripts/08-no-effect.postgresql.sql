CREATE VIEW view_of_parcels AS SELECT number FROM parcels;
CREATE INDEX i_weight ON parcels (weight);
TRUNCATE TABLE parcels;
INSERT INTO parcels VALUES (3, '2026-01-03', 3, 2.5, 'z');
DELETE FROM parcels;
