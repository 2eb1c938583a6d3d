-- The store of one member. Column order is the order of the named tuples in store/rows.py.
--
-- What holds documents are rowid tables (clustering kilobyte documents by GUID was measured twice as slow to write); what holds small rows is WITHOUT ROWID.
-- Every index answers one question of the Reader, named beside it; an index that nobody asks is paid for with every row that is applied.

CREATE TABLE instance (
    guid            TEXT PRIMARY KEY NOT NULL,
    kind            INTEGER NOT NULL,
    type_name       TEXT NOT NULL,
    home            TEXT NOT NULL,
    replicated_by   TEXT,
    provenance      TEXT NOT NULL,
    version         INTEGER NOT NULL,
    create_time     INTEGER NOT NULL,
    update_time     INTEGER,
    status          TEXT NOT NULL,
    type_version    INTEGER NOT NULL,
    qualified_name  TEXT,
    end1            TEXT,
    end2            TEXT,
    document        BLOB NOT NULL
);
CREATE INDEX instance_home ON instance (home, guid, kind);                                     -- scan of a home, homes
CREATE INDEX instance_type ON instance (home, kind, type_name) WHERE status <> 'DELETED';      -- counts
CREATE INDEX instance_end1 ON instance (end1) WHERE end1 IS NOT NULL;                          -- relationships_of
CREATE INDEX instance_end2 ON instance (end2) WHERE end2 IS NOT NULL;                          -- relationships_of

CREATE TABLE history (
    id          INTEGER PRIMARY KEY,
    guid        TEXT NOT NULL,
    version     INTEGER NOT NULL,
    valid_from  INTEGER NOT NULL,
    valid_to    INTEGER NOT NULL,
    kind        INTEGER NOT NULL,
    status      TEXT NOT NULL,
    document    BLOB NOT NULL
);
CREATE INDEX history_guid ON history (guid);                                                   -- history, removal
CREATE INDEX history_end ON history (valid_to);                                                -- prune

CREATE TABLE classification (
    entity_guid  TEXT NOT NULL,
    name         TEXT NOT NULL,
    home         TEXT NOT NULL,
    version      INTEGER NOT NULL,
    create_time  INTEGER NOT NULL,
    document     BLOB NOT NULL,
    PRIMARY KEY (entity_guid, name)
);
CREATE INDEX classification_home ON classification (home, entity_guid, name);                  -- classifications_homed, homes

CREATE TABLE tombstone (
    guid         TEXT PRIMARY KEY NOT NULL,
    kind         INTEGER NOT NULL,
    type_name    TEXT NOT NULL,
    home         TEXT NOT NULL,
    create_time  INTEGER NOT NULL,
    version      INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE source_object (
    source   TEXT NOT NULL,
    key      TEXT NOT NULL,
    digest   BLOB NOT NULL,
    members  BLOB NOT NULL,
    PRIMARY KEY (source, key)
);

CREATE TABLE identity (
    identity  TEXT PRIMARY KEY NOT NULL,
    guid      TEXT NOT NULL,
    vacated   INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE guard (
    source       TEXT NOT NULL,
    name         TEXT NOT NULL,
    lineage      TEXT NOT NULL,
    position     TEXT NOT NULL,
    server       TEXT NOT NULL,
    topic        TEXT NOT NULL,
    partition    INTEGER NOT NULL,
    offset       INTEGER NOT NULL,
    written      INTEGER NOT NULL,   -- by the store's clock: what retention goes by
    PRIMARY KEY (source, name)
) WITHOUT ROWID;

CREATE TABLE memo (
    source  TEXT NOT NULL,
    key     TEXT NOT NULL,
    value   BLOB NOT NULL,
    PRIMARY KEY (source, key)
);

-- AUTOINCREMENT: a number is never given twice, not even after the rows above it are gone.
CREATE TABLE outbox (
    seq      INTEGER PRIMARY KEY AUTOINCREMENT,
    channel  TEXT NOT NULL,
    value    BLOB NOT NULL,
    created  INTEGER NOT NULL
);

CREATE TABLE dead_letter (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    flow        TEXT NOT NULL,
    stage       TEXT NOT NULL,
    reason      TEXT NOT NULL,
    topic       TEXT NOT NULL,
    partition   INTEGER NOT NULL,
    offset      INTEGER NOT NULL,
    timestamp   INTEGER NOT NULL,
    key         BLOB,
    value       BLOB,
    headers     BLOB NOT NULL,
    created     INTEGER NOT NULL,
    state       TEXT NOT NULL
);
CREATE INDEX dead_letter_state ON dead_letter (state);                                         -- dead_letters in a state, prune
CREATE INDEX dead_letter_open ON dead_letter (flow, stage) WHERE state = 'open';               -- dead_letter_counts

CREATE TABLE parked (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    type_name      TEXT NOT NULL,
    type_guid      TEXT NOT NULL,
    instance_guid  TEXT NOT NULL,
    topic          TEXT NOT NULL,
    partition      INTEGER NOT NULL,
    offset         INTEGER NOT NULL,
    timestamp      INTEGER NOT NULL,
    key            BLOB,
    value          BLOB NOT NULL,
    parked_at      INTEGER NOT NULL
);
CREATE INDEX parked_type ON parked (type_name);                                                -- parked of these types
CREATE INDEX parked_since ON parked (parked_at);                                               -- parked before a time

CREATE TABLE member (
    metadata_collection_id    TEXT PRIMARY KEY NOT NULL,
    metadata_collection_name  TEXT,
    server_name               TEXT,
    server_type               TEXT,
    organization_name         TEXT,
    registration_time         INTEGER,
    connection                BLOB,
    first_seen                INTEGER NOT NULL,
    last_seen                 INTEGER NOT NULL,
    problem                   TEXT
) WITHOUT ROWID;

CREATE TABLE learned_type (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    guid      TEXT UNIQUE NOT NULL,
    name      TEXT NOT NULL,
    kind      TEXT NOT NULL,
    version   INTEGER NOT NULL,
    document  BLOB NOT NULL
);

CREATE TABLE gap (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    topic       TEXT NOT NULL,
    partition   INTEGER NOT NULL,
    expected    INTEGER NOT NULL,
    first       INTEGER NOT NULL,
    last        INTEGER NOT NULL,
    answer      TEXT NOT NULL,
    seen        INTEGER NOT NULL
);

CREATE TABLE request (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    verb       TEXT NOT NULL,
    arguments  BLOB NOT NULL,
    created    INTEGER NOT NULL,
    state      TEXT NOT NULL,
    result     TEXT NOT NULL
);
CREATE INDEX request_state ON request (state);                                                 -- requests

CREATE TABLE fact (
    name   TEXT PRIMARY KEY NOT NULL,
    value  TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE position (
    cluster_id   TEXT NOT NULL,
    topic        TEXT NOT NULL,
    partition    INTEGER NOT NULL,
    topic_id     TEXT NOT NULL,
    next_offset  INTEGER NOT NULL,
    PRIMARY KEY (cluster_id, topic, partition)
) WITHOUT ROWID;
