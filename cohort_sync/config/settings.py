"""The settings of a worker: every key, its type, its limits, its default and what it is for.

This module is the reference: the checks, the JSON Schema, `config show` and the messages are all made from these structs. Descriptions are written for the
person who edits the file. Units are in the names (`_seconds`, `_days`, `_bytes`).
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from cohort_sync.omrs.exchange import ExchangeRule

NonEmpty = Annotated[str, Meta(min_length=1)]
Names = tuple[NonEmpty, ...]

SECRET: dict[str, object] = {"writeOnly": True}
"""Marks a key whose value is never shown, logged or repeated in a message."""

PLAIN_NAME: dict[str, object] = {"expected": "a name of letters, digits, '.', '_' and '-'"}
HOST_PORT: dict[str, object] = {"expected": "host:port"}
"""What a pattern means in words, for messages."""


class Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of all sections: immutable, by name only, and a key that is not listed is an error."""


class MemberSettings(Section, frozen=True, kw_only=True):
    """Who this member is in the cohort."""

    name: Annotated[str, Meta(min_length=1, description="Server name that other members see.")]
    metadata_collection_id: Annotated[
        str,
        Meta(
            min_length=1,
            description="Identifier of our metadata collection, a UUID by custom. Unique in the cohort; it must not change once the store exists.",
        ),
    ]
    metadata_collection_name: Annotated[str, Meta(description="Display name of the metadata collection; empty means the server name.")] = ""
    server_type: Annotated[str, Meta(min_length=1, description="Server type that is put into registrations and events.")] = "Repository Proxy"
    organization: Annotated[str, Meta(description="Organization that is put into registrations and events; empty leaves it out.")] = ""


class CohortSettings(Section, frozen=True, kw_only=True):
    """The cohort and what is exchanged with it."""

    name: Annotated[
        str,
        Meta(
            pattern=r"^[A-Za-z0-9._-]+$",
            extra=PLAIN_NAME,
            description="Name of the cohort, part of its topic names.",
        ),
    ]
    topic_root: Annotated[
        str,
        Meta(
            pattern=r"^[A-Za-z0-9._-]*$",
            extra=PLAIN_NAME,
            description="The topicURLRoot of the other members' event bus; topic names begin with it and a dot. Empty for none.",
        ),
    ] = ""
    receive: Annotated[bool, Meta(description="Apply the events of other members; false makes a member that only announces.")] = True
    events_to_send: Annotated[ExchangeRule, Meta(description="Which of our events are sent.")] = ExchangeRule.ALL
    selected_types_to_send: Annotated[
        Names, Meta(description="Types (names or GUIDs, subtypes are not implied) for SELECTED_TYPES or DESELECTED_TYPES of events_to_send.")
    ] = ()
    included_zones_to_send: Annotated[Names, Meta(description="Only entities in one of these zones, for GOVERNANCE_ZONES of events_to_send.")] = ()
    excluded_zones_to_send: Annotated[Names, Meta(description="No entity in one of these zones, unless there are included ones.")] = ()
    events_to_process: Annotated[ExchangeRule, Meta(description="Which of the other members' events are processed.")] = ExchangeRule.ALL
    selected_types_to_process: Annotated[
        Names, Meta(description="Types (names or GUIDs, subtypes are not implied) for SELECTED_TYPES or DESELECTED_TYPES of events_to_process.")
    ] = ()
    included_zones_to_process: Annotated[Names, Meta(description="Only entities in one of these zones, for GOVERNANCE_ZONES of events_to_process.")] = ()
    excluded_zones_to_process: Annotated[Names, Meta(description="No entity in one of these zones, unless there are included ones.")] = ()
    events_to_save: Annotated[ExchangeRule, Meta(description="Which of the other members' instances are kept as reference copies.")] = ExchangeRule.ALL
    selected_types_to_save: Annotated[
        Names, Meta(description="Types (names or GUIDs, subtypes are not implied) for SELECTED_TYPES or DESELECTED_TYPES of events_to_save.")
    ] = ()
    included_zones_to_save: Annotated[Names, Meta(description="Only entities in one of these zones, for GOVERNANCE_ZONES of events_to_save.")] = ()
    excluded_zones_to_save: Annotated[Names, Meta(description="No entity in one of these zones, unless there are included ones.")] = ()
    zones_always: Annotated[bool, Meta(description="Apply the lists of zones under the other exchange rules too, which Egeria does not.")] = False


class KafkaSettings(Section, frozen=True, kw_only=True):
    """The event bus. The security keys reach all clients: consumer, producer and topic administration."""

    bootstrap_servers: Annotated[
        tuple[Annotated[str, Meta(pattern=r"^\S+:\d+$", extra=HOST_PORT)], ...], Meta(min_length=1, description="Brokers to ask first, each host:port.")
    ] = ("127.0.0.1:9092",)
    security_protocol: Annotated[
        Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"], Meta(description="How connections are secured, Kafka's security.protocol.")
    ] = "PLAINTEXT"
    sasl_mechanism: Annotated[
        Literal["", "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"], Meta(description="Kafka's sasl.mechanism; required by the SASL protocols.")
    ] = ""
    sasl_username: Annotated[str, Meta(description="User of the SASL mechanism.")] = ""
    sasl_password: Annotated[str, Meta(description="Password of the SASL mechanism.", extra_json_schema=SECRET)] = ""
    ssl_cafile: Annotated[str, Meta(description="PEM file with the authorities that sign the brokers' certificates; empty means the system's.")] = ""
    ssl_certfile: Annotated[str, Meta(description="PEM file with our own certificate, for brokers that ask for one.")] = ""
    ssl_keyfile: Annotated[str, Meta(description="PEM file with the key of ssl_certfile.")] = ""
    ssl_key_password: Annotated[str, Meta(description="Password of ssl_keyfile.", extra_json_schema=SECRET)] = ""
    ssl_check_hostname: Annotated[bool, Meta(description="Check that a broker's certificate names its host.")] = True
    session_timeout_seconds: Annotated[
        float,
        Meta(
            ge=1,
            le=1800,
            description="How long the broker waits for a worker that is gone before others get its source partitions; the broker may ask for at least 6.",
        ),
    ] = 10
    topic_refresh_seconds: Annotated[
        float,
        Meta(
            ge=0.5,
            le=3600,
            description="How often new topics are looked for that match a source's topic_pattern; "
            "topics that were missing at the start are looked for every second.",
        ),
    ] = 30
    create_topics: Annotated[bool, Meta(description="Create the cohort topics, with one partition each, when they are missing.")] = True
    replication_factor: Annotated[int, Meta(ge=1, le=32767, description="Replicas of topics that are created.")] = 1
    max_event_bytes: Annotated[
        int, Meta(ge=10_000, le=100_000_000, description="Largest event that is sent or accepted; the broker's message.max.bytes has to allow it.")
    ] = 1_000_000


class StoreSettings(Section, frozen=True, kw_only=True):
    """Where this member keeps its metadata, its positions and what it still has to send."""

    path: Annotated[str, Meta(min_length=1, description="SQLite file. Its directory must exist and be writable.")]
    history_days: Annotated[int, Meta(ge=0, le=36_500, description="How long earlier versions of instances are kept.")] = 30
    dead_letter_days: Annotated[int, Meta(ge=1, le=36_500, description="How long dead letters are kept once they are replayed or discarded.")] = 90
    guard_days: Annotated[
        int,
        Meta(ge=0, le=36_500, description="How long the position guards of objects that are gone are kept; 0 means for ever, which is safe for any replay."),
    ] = 0


class TypesSettings(Section, frozen=True, kw_only=True):
    """The open metadata types."""

    release: Annotated[Literal["6.1", "4.2"], Meta(description="Release of the open metadata types that the cohort uses.")] = "6.1"
    only: Annotated[
        tuple[NonEmpty, ...],
        Meta(
            description="Names of the types of the release that this member knows, for one that knows but a part; empty means all. "
            "The list must be closed: with a type also its supertypes, the types of its ends, a type that it may stand on."
        ),
    ] = ()
    archives: Annotated[tuple[NonEmpty, ...], Meta(description="Open metadata archives (.omarchive files) with further types, in the order of loading.")] = ()
    learn: Annotated[
        Literal["all", "custom", "none"],
        Meta(description="Which types are learned from the cohort: all, only those that are not open metadata types of this release, or none."),
    ] = "all"


class RegistrationSettings(Section, frozen=True, kw_only=True):
    """What other members are told about reaching this member."""

    connection: Annotated[
        Literal["auto", "plain", "virtual", "none"],
        Meta(description="Form of the connection in our registration; none means that the others cannot query us, only receive our events."),
    ] = "none"
    address: Annotated[
        str, Meta(description="URL root that is registered, for example https://host:port/servers/name; required unless connection is none.")
    ] = ""


class HttpSettings(Section, frozen=True, kw_only=True):
    """What the worker serves: its own pages (/livez, /readyz, /metrics, /status; they ask for no password) and the OMRS repository services."""

    host: Annotated[str, Meta(min_length=1, description="Address to listen on. Other than loopback only behind something that guards it.")] = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65535, description="Port to listen on; 0 means any free one, which `cohort-sync status` and the log tell.")] = 8765
    token: Annotated[
        str,
        Meta(description="Bearer token that callers of the repository services must send; empty asks for none.", extra_json_schema=SECRET),
    ] = ""
    max_results: Annotated[int, Meta(ge=1, le=1_000_000, description="Most instances in one answer of the repository services; a larger page is refused.")] = (
        10_000
    )
    max_body_bytes: Annotated[int, Meta(ge=10_000, le=1_000_000_000, description="Longest body that a caller of the repository services may send.")] = (
        16_000_000
    )
    find_seconds: Annotated[float, Meta(ge=0.1, le=3600, description="How long a find may take before it is cancelled and answered with an error.")] = 30
    insecure: Annotated[
        bool,
        Meta(description="Serve the repository services beyond this machine without a token. Java members up to 5.x send none when they call."),
    ] = False


class EnterpriseSettings(Section, frozen=True, kw_only=True):
    """The federated view below `/enterprise` of the repository services: all members of the cohort as one."""

    enabled: Annotated[
        bool,
        Meta(description="Answer federated queries: the other members are called at the addresses that they have registered. Without it they are refused."),
    ] = False
    member_seconds: Annotated[float, Meta(ge=0.1, le=600, description="How long another member has for each answer.")] = 10
    token: Annotated[str, Meta(description="Bearer token that is sent to the other members; empty sends none.", extra_json_schema=SECRET)] = ""
    ssl_cafile: Annotated[str, Meta(description="PEM file with the authorities that sign the other members' certificates; empty means the usual ones.")] = ""


class WorkerSettings(Section, frozen=True, kw_only=True):
    """How the worker works."""

    batch_size: Annotated[int, Meta(ge=1, le=10_000, description="Most records of one transaction.")] = 1000
    drain_seconds: Annotated[float, Meta(ge=0, le=3600, description="How long a stop waits for what is under way.")] = 20
    max_consecutive_dead_letters: Annotated[
        int,
        Meta(ge=20, le=1_000_000, description="So many bad records of a source in a row halt this source, because then the source or its settings are wrong."),
    ] = 20
    mapper_seconds: Annotated[
        float,
        Meta(
            ge=0,
            le=86_400,
            description="How long a mapper may take for one record. One that takes longer hangs: the worker ends with exit code 1, and after its restart the "
            "record becomes a dead letter without being mapped again. 0 means that nobody watches.",
        ),
    ] = 60
    parked_seconds: Annotated[
        float, Meta(ge=0, le=31_536_000, description="How long an event whose type is not known waits for the type before it becomes a dead letter.")
    ] = 3600
    on_gap: Annotated[
        Literal["stop", "resume"],
        Meta(description="What to do when the broker no longer has the records that come next: stop and tell, or go on after the gap."),
    ] = "stop"
    recovering: Annotated[
        bool,
        Meta(
            description="Start with an empty store although this metadata collection id is registered already: versions begin high, everything is sent again."
        ),
    ] = False
    fresh_id: Annotated[
        bool,
        Meta(description="Start with an empty store although this metadata collection id is registered already, because the other one is known to be gone."),
    ] = False


class LogSettings(Section, frozen=True, kw_only=True):
    """What is logged, to standard error."""

    level: Annotated[Literal["debug", "info", "warning", "error"], Meta(description="Least severe level that is logged.")] = "info"
    format: Annotated[
        Literal["auto", "json", "console"], Meta(description="json is one object a line, console is for people; auto picks console on a terminal.")
    ] = "auto"


class SourceSettings(Section, frozen=True, kw_only=True):
    """A third-party source: where its change events are and which mapper reads them."""

    name: Annotated[
        str,
        Meta(
            pattern=r"^[A-Za-z0-9._-]+$", extra=PLAIN_NAME, description="Unique name of the source; it is part of what the store remembers and must not change."
        ),
    ]
    mapper: Annotated[str, Meta(min_length=1, description="Name of the mapper (entry point group cohort_sync.mappers).")]
    topics: Annotated[tuple[NonEmpty, ...], Meta(description="Topics to read.")] = ()
    topic_pattern: Annotated[str, Meta(description="Regular expression of the topics to read, instead of topics.")] = ""
    group: Annotated[str, Meta(description="Consumer group; empty means cohort-sync.<member name>.<source name>.")] = ""
    delete_mode: Annotated[
        Literal["purge", "delete"], Meta(description="What the others are told about an object that is gone: purge it, or keep it as deleted.")
    ] = "purge"
    options: Annotated[dict[str, str], Meta(description="The mapper's own settings, all of them text.")] = {}


class Settings(Section, frozen=True, kw_only=True):
    """Configuration of one cohort-sync member."""

    member: MemberSettings
    cohort: CohortSettings
    store: StoreSettings
    kafka: KafkaSettings = KafkaSettings()
    types: TypesSettings = TypesSettings()
    registration: RegistrationSettings = RegistrationSettings()
    http: HttpSettings = HttpSettings()
    enterprise: EnterpriseSettings = EnterpriseSettings()
    worker: WorkerSettings = WorkerSettings()
    log: LogSettings = LogSettings()
    sources: tuple[SourceSettings, ...] = ()
