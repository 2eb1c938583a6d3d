ALTER TABLE parcels DROP CONSTRAINT parcels_pkey, ADD PRIMARY KEY (site, number);
INSERT INTO parcels VALUES (2, '2026-01-02', 2, 2.5, 'y');
ALTER TABLE no_key ADD COLUMN id SERIAL PRIMARY KEY;
INSERT INTO no_key VALUES ('u', 1, 2);
UPDATE no_key SET one = 3;
