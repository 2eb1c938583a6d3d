"""The registration protocol: ours at the start, as an answer and on leaving; the others', and what they think of our connection."""

import json
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from cohort_sync.cohort.inbound.decoding import decode_records
from cohort_sync.cohort.inbound.report import PeerReport, brief
from cohort_sync.cohort.registration import check_fresh_store, plan_leave, plan_start, sightings
from cohort_sync.cohort.registry_store import export_registry, import_registry
from cohort_sync.mapping.record import SourceRecord
from cohort_sync.ocf.connections_out import ConnectionMode, advice, registration_connection
from cohort_sync.omrs.codec import decode_event, encode_event
from cohort_sync.omrs.connections import AnyConnection, Connection, VirtualConnection
from cohort_sync.omrs.enums import EventErrorCode
from cohort_sync.omrs.enums import RegistryEventType as Kind
from cohort_sync.omrs.errors import ConfigurationError
from cohort_sync.omrs.events import ErrorSection, OMRSEvent, RegistrySection
from cohort_sync.omrs.precedence import Verdict
from cohort_sync.testing.cohort import BORN, Peer, Receiver

V = Verdict
PEER = Peer()
ADDRESS = "https://localhost:8765/servers/retail"
PLAIN = registration_connection(ConnectionMode.PLAIN, release="4.2", address=ADDRESS)
JAVA = Path(__file__).parents[1] / "golden" / "egeria-4.2" / "registry_registration_event.json"


def registered(peer: Peer = PEER, name: str = "collection", connection: AnyConnection | None = None, kind: Kind = Kind.REGISTRATION_EVENT) -> OMRSEvent:
    return peer.registers(kind, RegistrySection(registration_timestamp=BORN, metadata_collection_name=name, remote_connection=connection))


def started(receiver: Receiver, connection: AnyConnection | None = None, now: int = BORN + 10) -> Kind:
    writes, kind = plan_start(receiver.reader, receiver.context.member, connection, now)
    receiver.state = receiver.state.apply(writes, now)
    return kind


def registry_events(receiver: Receiver) -> list[tuple[Kind | None, int | None]]:
    sections = [event.registry_event_section for event in receiver.sent()]
    return [(section.registry_event_type, section.registration_timestamp) for section in sections if section is not None]


# ---------------------------------------------------------------- our own registration


def test_the_first_start_registers_and_later_ones_register_again_with_the_first_time() -> None:
    receiver = Receiver()
    assert started(receiver, PLAIN) is Kind.REGISTRATION_EVENT
    assert started(receiver, PLAIN, now=BORN + 99) is Kind.RE_REGISTRATION_EVENT
    asks = (Kind.REFRESH_REGISTRATION_REQUEST, None)
    assert registry_events(receiver) == [(Kind.REGISTRATION_EVENT, BORN + 10), asks, (Kind.RE_REGISTRATION_EVENT, BORN + 10), asks]
    assert {row.channel for row in receiver.state.outbox.values()} == {"registration"}


def test_a_registration_carries_who_we_are_and_a_refresh_request_no_collection_id() -> None:
    receiver = Receiver()
    started(receiver, PLAIN)
    registration, request = (json.loads(row.value) for row in receiver.state.outbox.values())
    assert registration["originator"] == {"metadataCollectionId": "ours", "serverName": "ours-server", "serverType": "Repository Proxy"}
    assert registration["registryEventSection"]["metadataCollectionName"] == "ours"
    assert registration["registryEventSection"]["remoteConnection"]["endpoint"] == {
        "class": "Endpoint",
        "headerVersion": 0,
        "networkAddress": ADDRESS,
        "address": ADDRESS,
    }
    assert request["originator"] == {"serverName": "ours-server", "serverType": "Repository Proxy"}
    assert request["registryEventSection"] == {"registryEventType": "REFRESH_REGISTRATION_REQUEST"}


def test_leaving_tells_the_cohort_and_forgets_it_and_the_next_start_registers_anew() -> None:
    receiver = Receiver()
    started(receiver)
    receiver.hear(registered())
    receiver.state = receiver.state.apply(plan_leave(receiver.reader, receiver.context.member, BORN + 20), BORN + 20)
    assert registry_events(receiver)[-1] == (Kind.UN_REGISTRATION_EVENT, None)
    assert receiver.reader.members() == []
    assert started(receiver) is Kind.REGISTRATION_EVENT


def test_a_request_is_answered_once_a_batch_unless_it_is_older_than_our_start() -> None:
    receiver = Receiver()
    request = PEER.registers(Kind.REFRESH_REGISTRATION_REQUEST)
    assert receiver.verdict(request) is V.IGNORED
    started(receiver)
    sent_before = len(receiver.sent())
    report = receiver.hear(request, request, timestamp=BORN - 1)
    assert [result.verdict for result in report.results] == [V.IGNORED, V.IGNORED]
    assert receiver.verdicts(request, request) == [V.ANSWERED, V.ANSWERED]
    assert registry_events(receiver)[sent_before:] == [(Kind.RE_REGISTRATION_EVENT, BORN + 10)]


# ---------------------------------------------------------------- the others


def test_members_are_kept_by_their_collection_id_and_the_last_registration_wins() -> None:
    receiver = Receiver()
    assert receiver.verdicts(registered(name="first"), registered(Peer("peer-2")), registered(name="second", connection=PLAIN)) == [V.STORED] * 3
    receiver.hear(registered(name="third", kind=Kind.RE_REGISTRATION_EVENT), timestamp=BORN + 900)
    first, second = receiver.reader.members()
    assert (first.metadata_collection_id, first.metadata_collection_name, first.server_name) == ("peer-1", "third", "peer-1-server")
    assert (first.connection, first.first_seen, first.last_seen, first.registration_time) == (None, BORN + 500, BORN + 900, BORN)
    assert second.metadata_collection_id == "peer-2"


def test_the_connection_of_a_java_member_is_kept_as_it_came() -> None:
    receiver = Receiver()
    receiver.hear(json.dumps(json.loads(JAVA.read_bytes())).encode())
    (member,) = receiver.reader.members()
    assert member.server_name == "javaone"
    assert member.connection is not None
    assert json.loads(member.connection) == json.loads(JAVA.read_bytes())["registryEventSection"]["remoteConnection"]


def test_who_leaves_is_forgotten_and_who_has_no_id_is_not_kept() -> None:
    receiver = Receiver()
    receiver.hear(registered())
    nameless = replace(registered(), originator=replace(PEER.member.originator, metadata_collection_id=None))
    assert receiver.verdict(nameless) is V.IGNORED
    assert receiver.verdict(PEER.registers(Kind.UN_REGISTRATION_EVENT)) is V.REMOVED
    assert receiver.verdict(PEER.registers(Kind.UN_REGISTRATION_EVENT)) is V.DUPLICATE
    assert receiver.verdicts(registered(), PEER.registers(Kind.UN_REGISTRATION_EVENT), registered()) == [V.STORED, V.REMOVED, V.STORED]
    assert [member.metadata_collection_id for member in receiver.reader.members()] == ["peer-1"]
    assert receiver.verdict(PEER.registers(Kind.UNKNOWN_REGISTRY_EVENT)) is V.IGNORED


# ---------------------------------------------------------------- complaints


def complaint(about: str = "ours", connection: AnyConnection | None = PLAIN, protocol: str = "OMRS V1.0") -> OMRSEvent:
    error = ErrorSection(
        error_code=EventErrorCode.CONFLICTING_COLLECTION_ID,
        error_message="OCF-PROPERTIES-400-019",
        target_metadata_collection_id=about,
        target_remote_connection=connection,
    )
    return replace(PEER.registers(Kind.REGISTRATION_ERROR_EVENT), error_section=error, protocol_version_id=protocol)


def test_a_member_that_cannot_use_our_connection_is_told_of_with_what_to_set() -> None:
    receiver = Receiver()
    receiver.context = replace(receiver.context, connection_mode=ConnectionMode.VIRTUAL)
    receiver.hear(registered())
    report = receiver.hear(complaint())
    (alarm,) = report.alarms
    assert isinstance(alarm, PeerReport)
    assert alarm.about_us
    assert "Set registration.connection = 'plain'" in alarm.text
    (member,) = receiver.reader.members()
    assert member.problem is not None
    assert "cannot use our connection: OCF-PROPERTIES-400-019" in member.problem
    assert "'plain'" in member.problem
    receiver.hear(registered(kind=Kind.RE_REGISTRATION_EVENT))
    assert receiver.reader.members()[0].problem == member.problem
    started(receiver, PLAIN)
    assert receiver.reader.members()[0].problem is None


def test_what_4_2_says_of_a_virtual_connection_is_told_in_a_few_words() -> None:
    receiver = Receiver()
    said = decode_event(JAVA.with_name("registry_registration_error_event.json").read_bytes())
    error = said.error_section
    assert error is not None
    assert len(error.error_message or "") > 1_500
    receiver.context = replace(receiver.context, connection_mode=ConnectionMode.VIRTUAL)
    receiver.hear(registered(), replace(said, originator=PEER.member.originator, error_section=replace(error, target_metadata_collection_id="ours")))
    problem = receiver.reader.members()[0].problem
    assert problem == (
        "cannot use our connection: OMRS-CONNECTOR-400-004 The connection VirtualConnection (...) passed to the EnterpriseOMRSRepositoryConnector is invalid. "
        "Set registration.connection = 'plain' (it is a member of a release up to 5.x, which can use a plain connection only), or 'none' if no member needs to "
        "call this one."
    )


@pytest.mark.parametrize(
    ("message", "told"),
    [(None, ""), ("plain", "plain"), ("a {b {c}} d", "a (...) d"), ("a } b {", "a } b {"), ("x" * 400, "x" * 300 + "...")],
)
def test_a_long_message_is_told_briefly(message: str | None, told: str) -> None:
    assert brief(message) == told


def test_our_answer_to_a_request_makes_complaints_void() -> None:
    receiver = Receiver()
    started(receiver, PLAIN)
    receiver.hear(registered())
    receiver.hear(complaint())
    receiver.hear(registered(Peer("peer-2")), PEER.registers(Kind.REFRESH_REGISTRATION_REQUEST))
    assert [member.problem for member in receiver.reader.members()] == [None, None]


def test_complaints_about_others_or_about_our_id() -> None:
    receiver = Receiver()
    receiver.hear(registered())
    (about_other,) = receiver.hear(complaint(about="somebody")).alarms
    assert isinstance(about_other, PeerReport)
    assert not about_other.about_us
    assert receiver.reader.members()[0].problem is None
    (about_id,) = receiver.hear(complaint(connection=None)).alarms
    assert "has our metadata collection id" in about_id.text
    assert "not ours alone" in (receiver.reader.members()[0].problem or "")


@pytest.mark.parametrize(
    ("mode", "protocol", "expected"),
    [
        (ConnectionMode.VIRTUAL, "OMRS V1.0", "Set registration.connection = 'plain'"),
        (ConnectionMode.PLAIN, "OMRS V2.0", "Set registration.connection = 'virtual'"),
        (ConnectionMode.PLAIN, None, "Set registration.connection = 'virtual'"),
        (ConnectionMode.VIRTUAL, "OMRS V2.0", "secrets store settings of that member"),
        (ConnectionMode.PLAIN, "OMRS V1.0", "is 'plain' already"),
    ],
)
def test_what_to_set_follows_from_the_release_of_the_peer(mode: ConnectionMode, protocol: str | None, expected: str) -> None:
    assert expected in advice(mode, protocol)


# ---------------------------------------------------------------- our connection


@pytest.mark.parametrize(
    ("mode", "release", "kind"),
    [
        (ConnectionMode.NONE, "6.1", type(None)),
        (ConnectionMode.PLAIN, "6.1", Connection),
        (ConnectionMode.VIRTUAL, "4.2", VirtualConnection),
        (ConnectionMode.AUTO, "4.2", Connection),
        (ConnectionMode.AUTO, "5.4", Connection),
        (ConnectionMode.AUTO, "6.1", VirtualConnection),
    ],
)
def test_the_form_of_our_connection(mode: ConnectionMode, release: str, kind: type) -> None:
    assert type(registration_connection(mode, release=release, address=ADDRESS)) is kind


def test_a_virtual_connection_has_one_inert_connection_inside() -> None:
    connection = registration_connection(ConnectionMode.VIRTUAL, release="6.1", address=ADDRESS)
    wire = msgspec.to_builtins(connection)
    (embedded,) = wire["embeddedConnections"]
    inner = embedded["embeddedConnection"]
    assert inner["endpoint"]["networkAddress"] == "inert.topic"
    assert inner["connectorType"]["connectorProviderClassName"].endswith(".InMemoryOpenMetadataTopicProvider")
    assert wire["connectorType"]["connectorProviderClassName"].endswith(".OMRSRESTRepositoryConnectorProvider")
    java = json.loads(JAVA.read_bytes())["registryEventSection"]["remoteConnection"]["connectorType"]
    assert wire["connectorType"]["connectorProviderClassName"] == java["connectorProviderClassName"]


def test_a_connection_needs_an_address() -> None:
    with pytest.raises(ConfigurationError, match=r"registration\.address"):
        registration_connection(ConnectionMode.AUTO, release="6.1", address="")


# ---------------------------------------------------------------- a new store under a known id


def test_an_empty_store_under_a_known_id_needs_to_be_told() -> None:
    receiver = Receiver()
    member = receiver.context.member
    values = [registered(Peer("ours")), registered(), Peer("ours").registers(Kind.UN_REGISTRATION_EVENT)]
    records = [SourceRecord("registration", 0, i, BORN, b"old-key", encode_event(event)) for i, event in enumerate(values)]
    seen = sightings(decode_records(records, b"our-key"), member)
    assert [sighting.record.offset for sighting in seen] == [0, 2]
    with pytest.raises(ConfigurationError, match=r"--recovering.*--fresh-id") as refused:
        check_fresh_store(seen, member, registered=False, recovering=False, fresh_id=False)
    assert "registration-0@2" in str(refused.value)
    check_fresh_store(seen, member, registered=True, recovering=False, fresh_id=False)
    check_fresh_store(seen, member, registered=False, recovering=True, fresh_id=False)
    check_fresh_store(seen, member, registered=False, recovering=False, fresh_id=True)
    check_fresh_store([], member, registered=False, recovering=False, fresh_id=False)
    assert sightings(decode_records(records, b"old-key"), member) == []


# ---------------------------------------------------------------- Java's registry store


def test_the_registry_travels_in_the_form_of_java() -> None:
    receiver = Receiver()
    started(receiver, PLAIN)
    receiver.hear(registered(connection=PLAIN), registered(Peer("peer-2")))
    data = export_registry(receiver.reader, receiver.context.member, PLAIN)
    wire = json.loads(data)
    assert "class" not in wire["localRegistration"]
    assert wire["localRegistration"]["registrationTime"] == BORN + 10
    assert wire["localRegistration"]["repositoryConnection"]["class"] == "Connection"
    assert [one["metadataCollectionId"] for one in wire["remoteRegistrations"]] == ["peer-1", "peer-2"]
    fresh = Receiver()
    fresh.state = fresh.state.apply(import_registry(data, fresh.context.member, BORN + 500), BORN)
    assert export_registry(fresh.reader, fresh.context.member, PLAIN) == data
    assert fresh.reader.members() == receiver.reader.members()
    assert started(fresh, PLAIN) is Kind.RE_REGISTRATION_EVENT


@pytest.mark.parametrize("data", [b"", b"[]", b"{", b'{"localRegistration":{"registrationTime":"soon"}}', b'{"remoteRegistrations":[1]}', b"\xff"])
def test_a_corrupt_registry_is_told(data: bytes) -> None:
    with pytest.raises(ConfigurationError, match="cohort registry"):
        import_registry(data, Receiver().context.member, BORN)


def test_a_registry_of_another_member_is_refused_and_members_without_id_are_left_out() -> None:
    member = Receiver().context.member
    with pytest.raises(ConfigurationError, match="this member is 'ours'"):
        import_registry(b'{"localRegistration":{"metadataCollectionId":"theirs"}}', member, BORN)
    writes = import_registry(b'{"remoteRegistrations":[{"serverName":"x"},{"metadataCollectionId":"ours"},{"metadataCollectionId":"m"}]}', member, BORN)
    assert list(writes.members) == ["m"]


def test_what_we_send_decodes_to_what_we_meant() -> None:
    receiver = Receiver()
    started(receiver, registration_connection(ConnectionMode.VIRTUAL, release="6.1", address=ADDRESS))
    for row in receiver.state.outbox.values():
        assert encode_event(decode_event(row.value)) == row.value
