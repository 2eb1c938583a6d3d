-- Pages far behind the first, and finds while changes stream in.

-- What waits: 2 the instance came, 3 its kind, type or status changed, 0 neither. With those that are gone it is what changes the lists of instances.
ALTER TABLE find_queue ADD COLUMN move INTEGER NOT NULL DEFAULT 0;
UPDATE find_queue SET move = 3 WHERE gone = 0;
CREATE INDEX find_queue_moves ON find_queue (seq) WHERE gone + move > 0;                       -- lists without conditions
CREATE TRIGGER find_instance_came AFTER INSERT ON instance BEGIN INSERT INTO find_queue (guid, gone, move) VALUES (new.guid, 0, 2); END;
CREATE TRIGGER find_instance_moved AFTER UPDATE OF kind, type_name, status ON instance BEGIN
    INSERT INTO find_queue (guid, gone, move) VALUES (new.guid, 0, 3);
END;

-- With the status: what a find skips is counted off in the index.
DROP INDEX find_owner_type;
DROP INDEX find_owner_guid;
DROP INDEX find_owner_created;
DROP INDEX find_owner_updated;
CREATE INDEX find_owner_type ON find_owner (kind, type_name, status);                          -- in the order of the ids
CREATE INDEX find_owner_guid ON find_owner (kind, type_name, status, guid);
CREATE INDEX find_owner_created ON find_owner (kind, type_name, status, create_time, guid);
CREATE INDEX find_owner_updated ON find_owner (kind, type_name, status, update_time, guid);

-- How many owners there are, in blocks of 4096 ids: where a page begins is found by adding up.
CREATE TABLE find_block (
    kind       INTEGER NOT NULL,
    type_name  TEXT NOT NULL,
    status     TEXT NOT NULL,
    block      INTEGER NOT NULL,
    owners     INTEGER NOT NULL,
    PRIMARY KEY (kind, type_name, status, block)
) WITHOUT ROWID;
INSERT INTO find_block SELECT kind, type_name, status, id >> 12, count(*) FROM find_owner GROUP BY kind, type_name, status, id >> 12;

-- How many of them have a property: an order by it begins with those that have it not, if there are any.
CREATE TABLE find_holders (
    name       INTEGER NOT NULL,
    kind       INTEGER NOT NULL,
    type_name  TEXT NOT NULL,
    status     TEXT NOT NULL,
    owners     INTEGER NOT NULL,
    PRIMARY KEY (name, kind, type_name, status)
) WITHOUT ROWID;
INSERT INTO find_holders
SELECT v.name, o.kind, o.type_name, o.status, count(*) FROM find_value v JOIN find_owner o ON o.id = v.owner GROUP BY v.name, o.kind, o.type_name, o.status;
