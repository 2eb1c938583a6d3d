"""The metadata collection of this member, whole: one object over one store, in the parts that OMRS groups its methods into."""

from cohort_sync.collection.checks import Checks
from cohort_sync.collection.classifications import Classifications
from cohort_sync.collection.context import CollectionContext
from cohort_sync.collection.control import Control
from cohort_sync.collection.copies import ReferenceCopies
from cohort_sync.collection.entities import Entities
from cohort_sync.collection.finds import Finds
from cohort_sync.collection.graph import GraphQueries
from cohort_sync.collection.reads import Reads
from cohort_sync.collection.relationships import Relationships
from cohort_sync.collection.type_maintenance import TypeMaintenance
from cohort_sync.collection.types import TypeQueries
from cohort_sync.store.protocol import Store


class MetadataCollection:
    """Everything that OMRSMetadataCollection offers. Every method takes the user who asks, and raises OMRSException when it refuses.

    What changes something takes an Author, writes one transaction, and announces it there.
    """

    def __init__(self, store: Store, context: CollectionContext) -> None:
        self.context = context
        self.types = TypeQueries(context)
        self.type_maintenance = TypeMaintenance(store, context)
        self.reads = Reads(store, context)
        self.finds = Finds(store, context)
        self.graph = GraphQueries(store, context)
        self.entities = Entities(store, context)
        self.classifications = Classifications(store, context)
        self.relationships = Relationships(store, context)
        self.control = Control(store, context)
        self.copies = ReferenceCopies(store, context)

    def metadata_collection_id(self, user: str) -> str:
        """The id under which this collection is registered in the cohort."""
        Checks(self.context, "getMetadataCollectionId").user(user)
        return self.context.collection_id
