CREATE DATABASE shop;
CREATE DATABASE `Über shop`;
USE shop;
CREATE TABLE customers (
  id INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  first_name VARCHAR(80) NOT NULL COMMENT 'as on the card',
  email VARCHAR(255) NOT NULL DEFAULT 'nobody@example.org',
  score DECIMAL(10,2) DEFAULT 0.50,
  born DATE,
  seen DATETIME(3) DEFAULT NULL,
  kind ENUM('person','firm; "ltd"','it''s') NOT NULL DEFAULT 'person',
  tags SET('a','b'),
  active BOOLEAN NOT NULL DEFAULT TRUE,
  UNIQUE KEY one_mail (email)
) COMMENT 'who buys';
CREATE TABLE order_lines (
  order_id BIGINT UNSIGNED NOT NULL,
  line SMALLINT NOT NULL,
  item CHAR(12) CHARACTER SET latin1 NOT NULL,
  quantity INT(5) UNSIGNED ZEROFILL NOT NULL DEFAULT 1,
  price DECIMAL(12,4) NOT NULL,
  total DECIMAL(20,4) GENERATED ALWAYS AS (quantity * price) STORED,
  label VARCHAR(60) AS (CONCAT(item, ' x ', quantity)) VIRTUAL,
  note TEXT,
  PRIMARY KEY (line, order_id)
);
CREATE TABLE everything (
  a_tiny TINYINT, a_small SMALLINT UNSIGNED, a_medium MEDIUMINT, an_int INTEGER, a_big BIGINT,
  a_float FLOAT, a_float7 FLOAT(7,3), a_double DOUBLE, a_real REAL, a_double15 DOUBLE PRECISION(15,2) UNSIGNED, a_numeric NUMERIC(8), a_dec DEC(6,1),
  a_bit BIT, some_bits BIT(12), a_bool BOOL,
  a_date DATE, a_time TIME, a_time6 TIME(6), a_datetime DATETIME, a_timestamp TIMESTAMP NULL, a_timestamp6 TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6), a_year YEAR,
  a_char CHAR, a_char9 CHARACTER(9), a_varchar VARCHAR(200), a_national NCHAR(4), a_nvarchar NATIONAL VARCHAR(40), a_charvarying CHAR VARYING(33),
  a_binary BINARY(16), a_varbinary VARBINARY(300), a_tinytext TINYTEXT, a_text TEXT, a_text9 TEXT(900), a_mediumtext MEDIUMTEXT, a_longtext LONGTEXT,
  a_tinyblob TINYBLOB, a_blob BLOB, a_mediumblob MEDIUMBLOB, a_longblob LONGBLOB,
  a_json JSON, a_uuid UUID, a_point POINT, a_geometry GEOMETRY
);
CREATE TABLE defaults (
  at_once DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP, at_change DATETIME DEFAULT NOW() ON UPDATE NOW(), sum INT DEFAULT (1 + 1), id VARCHAR(36) DEFAULT (UUID()),
  minus INT NOT NULL DEFAULT -3, nought INT NOT NULL DEFAULT 0, part DECIMAL(5,2) DEFAULT 1.50, nothing CHAR(3) DEFAULT '', quotes VARCHAR(20) DEFAULT 'it''s "x" \\',
  bits BIT(3) DEFAULT b'101', day DATE DEFAULT '2026-01-02', moment DATETIME(2) DEFAULT '2026-01-02 03:04:05.67', noon TIME NOT NULL DEFAULT '12:00:00',
  year YEAR DEFAULT 2026, off BOOLEAN DEFAULT FALSE, words TEXT DEFAULT 'abc', unknown DOUBLE DEFAULT NULL, lump BLOB DEFAULT 'x'
) COMMENT 'what is "there"\nwithout saying; it''s not all';
CREATE TABLE no_key (word VARCHAR(10), UNIQUE KEY (word));
CREATE TABLE plain (id INT PRIMARY KEY);
CREATE TABLE blue (id INT PRIMARY KEY, is_blue INT);
CREATE TABLE green (id INT PRIMARY KEY, is_green INT);
CREATE TABLE one (id INT PRIMARY KEY, a INT);
CREATE TABLE two (id INT PRIMARY KEY, b INT);
CREATE TABLE three (id INT PRIMARY KEY, c INT);
CREATE TABLE `Über shop`.`wörter` (`größe` INT PRIMARY KEY, `日本` VARCHAR(5));
