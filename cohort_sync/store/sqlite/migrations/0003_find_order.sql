-- Finds of a type in each order that can be asked for: a page is read from the index, nothing is sorted.

CREATE INDEX find_owner_guid ON find_owner (kind, type_name, guid);
CREATE INDEX find_owner_created ON find_owner (kind, type_name, create_time, guid);
CREATE INDEX find_owner_updated ON find_owner (kind, type_name, update_time, guid);
