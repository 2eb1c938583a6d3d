-- While no connector is looking.
DROP TABLE no_key;
CREATE TABLE newborn (id INT PRIMARY KEY);
INSERT INTO newborn VALUES (1);
ALTER TABLE drivers ADD COLUMN late BOOLEAN DEFAULT TRUE, DROP COLUMN rate;
