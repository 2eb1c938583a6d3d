"""Every operation of the table with what it does."""

from cohort_sync.api.omrs.call import Handler
from cohort_sync.api.omrs.handlers_around import AROUND_HANDLERS
from cohort_sync.api.omrs.handlers_control import CONTROL_HANDLERS
from cohort_sync.api.omrs.handlers_read import READ_HANDLERS, get_entity_detail, get_metadata_collection_id, get_relationship
from cohort_sync.api.omrs.handlers_write import WRITE_HANDLERS

WITHOUT_USER_HANDLERS: dict[str, Handler] = {
    "getMetadataCollectionIdWithoutUser": get_metadata_collection_id,
    "getEntityDetailWithoutUser": get_entity_detail,
    "getRelationshipWithoutUser": get_relationship,
}
HANDLERS: dict[str, Handler] = {**READ_HANDLERS, **WRITE_HANDLERS, **CONTROL_HANDLERS, **WITHOUT_USER_HANDLERS, **AROUND_HANDLERS}
