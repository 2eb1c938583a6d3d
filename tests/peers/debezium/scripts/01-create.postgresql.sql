-- Generated columns are in a snapshot; the stream has them, where they are stored, only if the publication says so (PostgreSQL 18).
CREATE PUBLICATION dbz_publication FOR ALL TABLES WITH (publish_generated_columns = stored);
CREATE TABLE carriers (
  id SERIAL PRIMARY KEY,
  name VARCHAR(60) NOT NULL,
  code CHAR(3) NOT NULL DEFAULT 'XXX',
  rate NUMERIC(9,3) DEFAULT 0,
  founded DATE,
  active BOOLEAN NOT NULL DEFAULT TRUE
);
COMMENT ON TABLE carriers IS 'who drives';
COMMENT ON COLUMN carriers.name IS 'as on the van';
CREATE TABLE parcels (
  site SMALLINT NOT NULL,
  day DATE NOT NULL,
  number BIGINT NOT NULL,
  weight REAL,
  note TEXT,
  doubled BIGINT GENERATED ALWAYS AS (number * 2) STORED,
  PRIMARY KEY (number, site, day)
);
CREATE TYPE mood AS ENUM ('sad', 'ok', 'it''s');
CREATE TABLE everything (
  a_small SMALLINT, an_int INTEGER, a_big BIGINT, a_numeric NUMERIC, a_numeric8 NUMERIC(8), a_numeric82 NUMERIC(8,2),
  a_real REAL, a_double DOUBLE PRECISION, a_money MONEY, a_bool BOOLEAN, a_bit BIT, some_bits BIT(12), a_varbit BIT VARYING(20),
  a_char CHAR, a_char9 CHAR(9), a_varchar VARCHAR, a_varchar200 VARCHAR(200), a_text TEXT, some_bytes BYTEA, a_name NAME,
  a_date DATE, a_time TIME, a_time3 TIME(3), a_timetz TIMETZ, a_timestamp TIMESTAMP, a_timestamp0 TIMESTAMP(0), a_timestamptz TIMESTAMPTZ, an_interval INTERVAL,
  a_uuid UUID, a_json JSON, a_jsonb JSONB, an_xml XML, an_inet INET, a_cidr CIDR, a_mac MACADDR, a_point POINT,
  some_ints INTEGER[], some_texts TEXT[], some_varchars VARCHAR[], a_mood mood, a_range INT4RANGE
);
CREATE TABLE defaults (
  id BIGSERIAL, small SMALLSERIAL, three INT NOT NULL DEFAULT 1 + 2, two INT DEFAULT 1 + 1, word TEXT NOT NULL DEFAULT 'word', nothing TEXT DEFAULT '',
  nought BIGINT DEFAULT 0, sure_nought BIGINT NOT NULL DEFAULT 0, sure_no BOOLEAN NOT NULL DEFAULT FALSE, no BOOLEAN DEFAULT FALSE, yes BOOLEAN NOT NULL DEFAULT TRUE,
  part REAL NOT NULL DEFAULT 1.5, short VARCHAR(9) DEFAULT 'x', minus INT DEFAULT -7, given BIGINT GENERATED ALWAYS AS IDENTITY, said BOOLEAN NOT NULL DEFAULT (1 = 1),
  unknown INT DEFAULT NULL, random REAL NOT NULL DEFAULT random(), q INT NOT NULL
);
INSERT INTO defaults (q) VALUES (1);
CREATE TABLE no_key (word VARCHAR(10));
INSERT INTO carriers (name) VALUES ('Blitz');
INSERT INTO parcels VALUES (1, '2026-01-01', 1, 1.5, 'x');
INSERT INTO everything (an_int) VALUES (1);
INSERT INTO no_key VALUES ('w');
