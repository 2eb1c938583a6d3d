import ssl
from collections.abc import Mapping, Sequence
from typing import TypedDict

from kafka.structs import OffsetAndMetadata, TopicPartition

class ClusterDescription(TypedDict):
    cluster_id: str | None
    controller_id: int
    brokers: list[dict[str, object]]

class PartitionDescription(TypedDict):
    error_code: int
    partition_index: int
    leader_id: int
    replica_nodes: list[int]
    isr_nodes: list[int]

class TopicDescription(TypedDict):
    error_code: int
    name: str
    topic_id: object
    partitions: list[PartitionDescription]

class CreatedTopic(TypedDict):
    name: str
    error_code: int
    error_message: str | None

class CreateTopicsAnswer(TypedDict):
    topics: list[CreatedTopic]

class KafkaAdminClient:
    def __init__(
        self,
        *,
        bootstrap_servers: str | list[str] = ...,
        client_id: str = ...,
        request_timeout_ms: int = ...,
        bootstrap_timeout_ms: int = ...,
        security_protocol: str = ...,
        ssl_context: ssl.SSLContext | None = ...,
        ssl_check_hostname: bool = ...,
        sasl_mechanism: str | None = ...,
        sasl_plain_username: str | None = ...,
        sasl_plain_password: str | None = ...,
    ) -> None: ...
    config: dict[str, object]
    def close(self) -> None: ...
    def describe_cluster(self) -> ClusterDescription: ...
    def list_topics(self) -> list[str]: ...
    def describe_topics(self, topics: Sequence[str] | None = ...) -> list[TopicDescription]: ...
    def create_topics(
        self, new_topics: Mapping[str, Mapping[str, object]], timeout_ms: int | None = ..., *, raise_errors: bool = ..., wait_for_metadata: bool = ...
    ) -> CreateTopicsAnswer: ...
    def wait_for_topics(self, topic_names: Sequence[str], timeout_ms: int = ...) -> None: ...
    def delete_topics(self, topics: Sequence[str], timeout_ms: int | None = ..., raise_errors: bool = ...) -> CreateTopicsAnswer: ...
    def list_group_offsets(self, group_specs: Sequence[str]) -> dict[str, dict[TopicPartition, OffsetAndMetadata]]: ...
