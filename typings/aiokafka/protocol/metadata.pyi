from collections.abc import Sequence

class MetadataRequest:
    def __init__(self, topics: list[str] | None = ..., allow_auto_topic_creation: bool | None = ...) -> None: ...

class MetadataResponse:
    brokers: Sequence[tuple[int, str, int, str | None]]
    cluster_id: str | None
