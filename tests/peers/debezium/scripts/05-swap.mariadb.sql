USE shop;
RENAME TABLE blue TO aside, green TO blue, aside TO green;
ALTER TABLE blue ADD since DATE;
-- A ring of three, and a new table with the shape of an old one between them.
CREATE TABLE four LIKE one;
RENAME TABLE one TO `the other`, two TO one, three TO two, `the other` TO three;
