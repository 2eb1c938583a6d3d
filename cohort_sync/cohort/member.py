"""Who we are in the cohort."""

import msgspec

from cohort_sync.omrs.events import PROTOCOL_V2, Originator


class LocalMember(msgspec.Struct, frozen=True, kw_only=True):
    """The identity under which this daemon registers and sends."""

    metadata_collection_id: str
    metadata_collection_name: str
    server_name: str
    server_type: str = "Repository Proxy"
    organization_name: str | None = None
    protocol: str = PROTOCOL_V2

    @property
    def originator(self) -> Originator:
        """What stands in every event of ours; its collection id is what receivers check a purge by ids against."""
        return Originator(
            metadata_collection_id=self.metadata_collection_id,
            server_name=self.server_name,
            server_type=self.server_type,
            organization_name=self.organization_name,
        )
