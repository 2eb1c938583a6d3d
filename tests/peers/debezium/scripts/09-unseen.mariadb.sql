-- While no connector is looking.
USE shop;
DROP TABLE copied;
DROP TABLE `dot.ted`;
CREATE TABLE `dot.ted` (k DATE PRIMARY KEY, `c.d` BIGINT NOT NULL);
CREATE TABLE newborn (id INT PRIMARY KEY);
ALTER TABLE `Kunden & Co` ADD COLUMN late BOOLEAN NOT NULL DEFAULT TRUE AFTER country, DROP COLUMN score;
RENAME TABLE alike TO `a like`;
USE `Über shop`;
RENAME TABLE plain TO shop.plain;
CREATE DATABASE brand_new;
CREATE TABLE brand_new.t (id INT PRIMARY KEY);
CREATE OR REPLACE TABLE shop.gone (k INT PRIMARY KEY);
INSERT INTO shop.newborn VALUES (1), (2);
