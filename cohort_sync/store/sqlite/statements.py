"""Every statement of the SQLite store, by name. Rows go in and come out in the column order of `store/rows.py`.

Parameters are numbered (`?1`), so that one statement can take a row as it is. A statement that looks up many keys has `{keys}` where the list of
placeholders goes; `reader.placeholders` fills it in.
"""

from typing import Final

# ---- instances ----

_INSTANCES: Final = """
SELECT guid, kind, type_name, home, replicated_by, provenance, version, create_time, update_time, status, type_version, qualified_name, end1, end2, document
FROM instance
"""

INSTANCES: Final = _INSTANCES + "WHERE guid IN ({keys})"

# Of all members of a JSON list of GUIDs, as one JSON list.
INSTANCE_HEADS: Final = """
SELECT json_group_array(json_array(i.guid, i.kind, i.type_name, i.home, i.replicated_by, i.provenance, i.version, i.create_time, i.status, i.type_version))
FROM json_each(?1) AS wanted CROSS JOIN instance AS i ON i.guid = wanted.value
"""

RELATIONSHIPS_AT_END1: Final = _INSTANCES + "WHERE end1 IN ({keys})"

RELATIONSHIPS_AT_END2: Final = _INSTANCES + "WHERE end2 IN ({keys})"

SCAN: Final = _INSTANCES + "WHERE guid > ?1 ORDER BY guid LIMIT ?2"

SCAN_OF_KIND: Final = _INSTANCES + "WHERE guid > ?1 AND kind = ?3 ORDER BY guid LIMIT ?2"

SCAN_OF_HOME: Final = _INSTANCES + "WHERE home = ?3 AND guid > ?1 ORDER BY guid LIMIT ?2"

SCAN_OF_HOME_AND_KIND: Final = _INSTANCES + "WHERE home = ?3 AND guid > ?1 AND kind = ?4 ORDER BY guid LIMIT ?2"

# Steps from one home to the next in the index, instead of through all of its entries.
HOMES: Final = """
WITH RECURSIVE
  of_instances(home) AS (
    SELECT min(home) FROM instance
    UNION ALL SELECT (SELECT min(i.home) FROM instance i WHERE i.home > of_instances.home) FROM of_instances WHERE home IS NOT NULL),
  of_classifications(home) AS (
    SELECT min(home) FROM classification
    UNION ALL SELECT (SELECT min(c.home) FROM classification c WHERE c.home > of_classifications.home) FROM of_classifications WHERE home IS NOT NULL)
SELECT home FROM of_instances WHERE home IS NOT NULL UNION SELECT home FROM of_classifications WHERE home IS NOT NULL ORDER BY home
"""

COUNTS: Final = """
SELECT home, kind, type_name, count(*) FROM instance INDEXED BY instance_type
WHERE status <> 'DELETED' GROUP BY home, kind, type_name ORDER BY home, kind, type_name
"""

# The row that is about to be replaced moves into the history: valid from its own update until the update that replaces it.
SUPERSEDE: Final = """
INSERT INTO history (guid, version, valid_from, valid_to, kind, status, document)
SELECT guid, version, coalesce(update_time, create_time), ?2, kind, status, document FROM instance WHERE guid = ?1
"""

# The same for all members of a JSON object of GUIDs and their valid_to, in the order of the object.
SUPERSEDE_ALL: Final = """
INSERT INTO history (guid, version, valid_from, valid_to, kind, status, document)
SELECT guid, version, coalesce(update_time, create_time), new.value, i.kind, status, document
FROM json_each(?1) AS new CROSS JOIN instance AS i ON guid = new.key
"""

# Two updates instead of one upsert: a column that is set has all its indexes written again, and what is indexed hardly ever changes (measured: 1.4x).
REPLACE_SAME_PLACE: Final = """
UPDATE instance SET replicated_by = ?5, provenance = ?6, version = ?7, create_time = ?8, update_time = ?9, type_version = ?11, qualified_name = ?12,
  document = ?15
WHERE guid = ?1 AND kind = ?2 AND type_name = ?3 AND home = ?4 AND status = ?10 AND end1 IS ?13 AND end2 IS ?14
"""

REPLACE_ANY_PLACE: Final = """
UPDATE instance SET kind = ?2, type_name = ?3, home = ?4, replicated_by = ?5, provenance = ?6, version = ?7, create_time = ?8, update_time = ?9, status = ?10,
  type_version = ?11, qualified_name = ?12, end1 = ?13, end2 = ?14, document = ?15
WHERE guid = ?1 AND NOT (kind = ?2 AND type_name = ?3 AND home = ?4 AND status = ?10 AND end1 IS ?13 AND end2 IS ?14)
"""

INSERT_INSTANCE: Final = """
INSERT INTO instance (guid, kind, type_name, home, replicated_by, provenance, version, create_time, update_time, status, type_version, qualified_name, end1,
  end2, document)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15) ON CONFLICT DO NOTHING
"""

# What waits for the find index (0002_finds.sql): one GUID, or all members of a JSON list, in the order of the list.
NOTE: Final = "INSERT INTO find_queue (guid, gone) VALUES (?1, 0)"

NOTE_ALL: Final = "INSERT INTO find_queue (guid, gone) SELECT value, 0 FROM json_each(?1)"

DELETE_INSTANCE: Final = "DELETE FROM instance WHERE guid = ?1"

HISTORY: Final = "SELECT guid, version, valid_from, valid_to, kind, status, document FROM history WHERE guid = ?1 ORDER BY id DESC"

DELETE_HISTORY: Final = "DELETE FROM history WHERE guid = ?1"

PRUNE_HISTORY: Final = "DELETE FROM history WHERE id IN (SELECT id FROM history WHERE valid_to < ?1 ORDER BY valid_to LIMIT ?2)"

# ---- classifications ----

CLASSIFICATIONS: Final = (
    "SELECT entity_guid, name, home, version, create_time, document FROM classification WHERE entity_guid IN ({keys}) ORDER BY entity_guid, name"
)

CLASSIFICATION_HEADS: Final = """
SELECT json_group_array(json_array(c.entity_guid, c.name, c.home, c.version, c.create_time))
FROM json_each(?1) AS wanted CROSS JOIN classification AS c ON c.entity_guid = wanted.value
"""

CLASSIFICATIONS_HOMED: Final = """
SELECT entity_guid, name, home, version, create_time, document FROM classification
WHERE home = ?1 AND (entity_guid, name) > (?2, ?3) ORDER BY entity_guid, name LIMIT ?4
"""

CLASSIFICATION_COUNTS: Final = """
SELECT i.home, c.name, count(*) FROM classification c JOIN instance i ON i.guid = c.entity_guid
WHERE i.kind = 1 AND i.status <> 'DELETED' GROUP BY i.home, c.name ORDER BY i.home, c.name
"""

PUT_CLASSIFICATION: Final = """
INSERT INTO classification (entity_guid, name, home, version, create_time, document) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
ON CONFLICT (entity_guid, name) DO UPDATE SET home = ?3, version = ?4, create_time = ?5, document = ?6
"""

DELETE_CLASSIFICATION: Final = "DELETE FROM classification WHERE entity_guid = ?1 AND name = ?2"

DELETE_CLASSIFICATIONS: Final = "DELETE FROM classification WHERE entity_guid = ?1"

CLASSIFICATION_HISTORY: Final = """
SELECT entity_guid, name, version, create_time, ended, removed, document FROM classification_history WHERE entity_guid = ?1 ORDER BY id DESC
"""

SUPERSEDE_CLASSIFICATION: Final = """
INSERT INTO classification_history (entity_guid, name, version, create_time, ended, removed, document)
SELECT entity_guid, name, version, create_time, ?3, ?4, document FROM classification WHERE entity_guid = ?1 AND name = ?2
"""

DELETE_CLASSIFICATION_HISTORY: Final = "DELETE FROM classification_history WHERE entity_guid = ?1"

PRUNE_CLASSIFICATION_HISTORY: Final = (
    "DELETE FROM classification_history WHERE id IN (SELECT id FROM classification_history WHERE ended < ?1 ORDER BY ended LIMIT ?2)"
)

# ---- the tombstone ledger ----

TOMBSTONES: Final = "SELECT guid, kind, type_name, home, create_time, version FROM tombstone WHERE guid IN ({keys})"

PUT_TOMBSTONE: Final = "INSERT OR REPLACE INTO tombstone (guid, kind, type_name, home, create_time, version) VALUES (?1, ?2, ?3, ?4, ?5, ?6)"

DELETE_TOMBSTONE: Final = "DELETE FROM tombstone WHERE guid = ?1"

# ---- sources: objects, identities, guards, memos ----

OBJECTS: Final = "SELECT source, key, digest, members FROM source_object WHERE source = ? AND key IN ({keys})"

OBJECT_KEYS: Final = "SELECT key FROM source_object WHERE source = ?1 AND key >= ?2 ORDER BY key"

OBJECTS_AFTER: Final = "SELECT source, key, digest, members FROM source_object WHERE source = ?1 AND key > ?2 ORDER BY key LIMIT ?3"

PUT_OBJECT: Final = """
INSERT INTO source_object (source, key, digest, members) VALUES (?1, ?2, ?3, ?4) ON CONFLICT (source, key) DO UPDATE SET digest = ?3, members = ?4
"""

DELETE_OBJECT: Final = "DELETE FROM source_object WHERE source = ?1 AND key = ?2"

IDENTITIES: Final = "SELECT identity, guid, vacated FROM identity WHERE identity IN ({keys})"

PUT_IDENTITY: Final = "INSERT OR REPLACE INTO identity (identity, guid, vacated) VALUES (?1, ?2, ?3)"

GUARDS: Final = "SELECT source, name, lineage, position, server, topic, partition, offset FROM guard WHERE source = ? AND name IN ({keys})"

PUT_GUARD: Final = """
INSERT OR REPLACE INTO guard (source, name, lineage, position, server, topic, partition, offset, written) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
"""

PRUNE_GUARDS: Final = "DELETE FROM guard WHERE (source, name) IN (SELECT source, name FROM guard WHERE written < ?1 LIMIT ?2)"

MEMO: Final = "SELECT value FROM memo WHERE source = ?1 AND key = ?2"

MEMO_KEYS: Final = "SELECT key FROM memo WHERE source = ?1 AND key >= ?2 ORDER BY key"

PUT_MEMO: Final = "INSERT INTO memo (source, key, value) VALUES (?1, ?2, ?3) ON CONFLICT (source, key) DO UPDATE SET value = ?3"

DELETE_MEMO: Final = "DELETE FROM memo WHERE source = ?1 AND key = ?2"

# ---- outbox ----

OUTBOX: Final = "SELECT seq, channel, value, created FROM outbox ORDER BY seq LIMIT ?1"

# Numbers are given in order and only the oldest rows are ever deleted, so there is no need to count; a count would go through every page of every event.
OUTBOX_SIZE: Final = "SELECT coalesce((SELECT max(seq) FROM outbox) - (SELECT min(seq) FROM outbox) + 1, 0)"

ADD_OUTBOX: Final = "INSERT INTO outbox (channel, value, created) VALUES (?1, ?2, ?3)"

ACKNOWLEDGE: Final = "DELETE FROM outbox WHERE seq <= ?1"

# ---- dead letters and parked instances ----

_DEAD_LETTERS: Final = "SELECT id, flow, stage, reason, topic, partition, offset, timestamp, key, value, headers, created, state FROM dead_letter "

DEAD_LETTERS: Final = _DEAD_LETTERS + "WHERE id > ?1 ORDER BY id LIMIT ?2"

DEAD_LETTERS_IN_STATE: Final = _DEAD_LETTERS + "WHERE state = ?3 AND id > ?1 ORDER BY id LIMIT ?2"

DEAD_LETTER: Final = _DEAD_LETTERS + "WHERE id = ?1"

DEAD_LETTER_COUNTS: Final = (
    "SELECT flow, stage, count(*) FROM dead_letter INDEXED BY dead_letter_open WHERE state = 'open' GROUP BY flow, stage ORDER BY flow, stage"
)

ADD_DEAD_LETTER: Final = """
INSERT INTO dead_letter (flow, stage, reason, topic, partition, offset, timestamp, key, value, headers, created, state)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
"""

SET_DEAD_LETTER_STATE: Final = "UPDATE dead_letter SET state = ?2 WHERE id = ?1"

SET_DEAD_LETTER_REASON: Final = "UPDATE dead_letter SET stage = ?2, reason = ?3 WHERE id = ?1"

PRUNE_DEAD_LETTERS: Final = (
    "DELETE FROM dead_letter WHERE id IN (SELECT id FROM dead_letter WHERE state IN ('replayed', 'discarded') AND created < ?1 ORDER BY id LIMIT ?2)"
)

_PARKED: Final = "SELECT id, type_name, type_guid, instance_guid, topic, partition, offset, timestamp, key, value, parked_at FROM parked "

PARKED: Final = _PARKED + "ORDER BY id LIMIT ?1"

PARKED_BEFORE: Final = _PARKED + "WHERE parked_at < ?2 ORDER BY id LIMIT ?1"

PARKED_OF_TYPES: Final = _PARKED + "WHERE parked_at < ? AND type_name IN ({keys}) ORDER BY id LIMIT ?"

PARKED_SIZE: Final = "SELECT count(*) FROM parked"

ADD_PARKED: Final = """
INSERT INTO parked (type_name, type_guid, instance_guid, topic, partition, offset, timestamp, key, value, parked_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
"""

DELETE_PARKED: Final = "DELETE FROM parked WHERE id = ?1"

# ---- the cohort: members, types, gaps, requests, facts ----

MEMBERS: Final = """
SELECT metadata_collection_id, metadata_collection_name, server_name, server_type, organization_name, registration_time, connection, first_seen, last_seen,
  problem
FROM member ORDER BY metadata_collection_id
"""

PUT_MEMBER: Final = """
INSERT OR REPLACE INTO member (metadata_collection_id, metadata_collection_name, server_name, server_type, organization_name, registration_time, connection,
  first_seen, last_seen, problem)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
"""

DELETE_MEMBER: Final = "DELETE FROM member WHERE metadata_collection_id = ?1"

TYPES: Final = "SELECT guid, name, kind, version, document FROM learned_type ORDER BY id"

PUT_TYPE: Final = """
INSERT INTO learned_type (guid, name, kind, version, document) VALUES (?1, ?2, ?3, ?4, ?5)
ON CONFLICT (guid) DO UPDATE SET name = ?2, kind = ?3, version = ?4, document = ?5
"""

DELETE_TYPE: Final = "DELETE FROM learned_type WHERE guid = ?1"

GAPS: Final = "SELECT topic, partition, expected, first, last, answer, seen FROM gap ORDER BY id DESC"

ADD_GAP: Final = "INSERT INTO gap (topic, partition, expected, first, last, answer, seen) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"

_REQUESTS: Final = "SELECT id, verb, arguments, created, state, result FROM request "

REQUESTS: Final = _REQUESTS + "ORDER BY id"

REQUESTS_IN_STATE: Final = _REQUESTS + "WHERE state IN ({keys}) ORDER BY id"

REQUEST: Final = _REQUESTS + "WHERE id = ?1"

ADD_REQUEST: Final = "INSERT INTO request (verb, arguments, created, state, result) VALUES (?1, ?2, ?3, ?4, ?5)"

SET_REQUEST_RESULT: Final = "UPDATE request SET state = ?2, result = ?3 WHERE id = ?1"

FACT: Final = "SELECT value FROM fact WHERE name = ?1"

PUT_FACT: Final = "INSERT OR REPLACE INTO fact (name, value) VALUES (?1, ?2)"

DELETE_FACT: Final = "DELETE FROM fact WHERE name = ?1"

# ---- positions ----

POSITIONS: Final = "SELECT cluster_id, topic, partition, topic_id, next_offset FROM position ORDER BY cluster_id, topic, partition"

POSITION: Final = "SELECT next_offset FROM position WHERE cluster_id = ?1 AND topic = ?2 AND partition = ?3"

START_POSITION: Final = "INSERT INTO position (cluster_id, topic, partition, topic_id, next_offset) VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING"

MOVE_POSITION: Final = "UPDATE position SET topic_id = ?4, next_offset = ?6 WHERE cluster_id = ?1 AND topic = ?2 AND partition = ?3 AND next_offset = ?5"
