"""The metadata collection of this member, whole: one object over one store, in the parts that OMRS groups its methods into."""

from cohort_sync.collection.checks import Checks
from cohort_sync.collection.context import CollectionContext
from cohort_sync.collection.finds import Finds
from cohort_sync.collection.reads import Reads
from cohort_sync.collection.types import TypeQueries
from cohort_sync.store.protocol import Store


class MetadataCollection:
    """Everything that OMRSMetadataCollection offers. Every method takes the user who asks, and raises OMRSException when it refuses."""

    def __init__(self, store: Store, context: CollectionContext) -> None:
        self.context = context
        self.types = TypeQueries(context)
        self.reads = Reads(store, context)
        self.finds = Finds(store, context)

    def metadata_collection_id(self, user: str) -> str:
        """The id under which this collection is registered in the cohort."""
        Checks(self.context, "getMetadataCollectionId").user(user)
        return self.context.collection_id
