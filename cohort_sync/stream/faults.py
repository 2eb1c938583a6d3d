"""The one place where errors of the Kafka clients become faults of ours.

aiokafka and kafka-python have separate error trees with the same names, so the sorting is by name. A fault is fatal when trying again cannot help: credentials,
rights, certificates, settings that the broker refuses. Everything else that a client raises is transient: the broker is away, moves, starts or is overloaded.
"""

import asyncio
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

from aiokafka.errors import KafkaError as AiokafkaError
from kafka.errors import KafkaError as AdminError

from cohort_sync.omrs.errors import CohortSyncError, FatalFault, TransientFault

FOREIGN_ERRORS: tuple[type[Exception], ...] = (AiokafkaError, AdminError, OSError, TimeoutError, asyncio.TimeoutError)
"""What the clients raise. Anything else is a bug and is not translated."""

_AUTHENTICATION = frozenset(
    {
        "AuthenticationFailedError",
        "AuthenticationMethodNotSupported",
        "IllegalSaslStateError",
        "SaslAuthenticationFailed",
        "SaslAuthenticationFailedError",
        "UnsupportedSaslMechanismError",
    }
)
_AUTHORIZATION = {
    "TopicAuthorizationFailedError": "READ, WRITE and DESCRIBE on the cohort topics, READ on the source topics",
    "GroupAuthorizationFailedError": "READ on the consumer group",
    "ClusterAuthorizationFailedError": "DESCRIBE on the cluster, and CREATE when topics are to be made",
    "TransactionalIdAuthorizationFailed": "WRITE on the transactional id",
}
_REFUSED = frozenset(
    {
        "IncompatibleBrokerVersion",
        "InvalidConfigurationError",
        "InvalidGroupIdError",
        "InvalidPartitionsError",
        "InvalidReplicationFactorError",
        "InvalidSessionTimeoutError",
        "InvalidTopicError",
        "KafkaConfigurationError",
        "PolicyViolationError",
        "UnsupportedVersionError",
    }
)


def as_fault(error: BaseException, doing: str) -> CohortSyncError:
    """The fault for an error of a Kafka client. `doing` completes the sentence "<doing> failed"; a fault of ours is given back as it is."""
    if isinstance(error, CohortSyncError):
        return error
    name = type(error).__name__
    if isinstance(error, ssl.SSLCertVerificationError):
        return FatalFault(
            f"{doing} failed: the broker's certificate was not accepted ({error.verify_message}); check kafka.ssl_cafile and the host names in the certificate"
        )
    if name in _AUTHENTICATION:
        return FatalFault(f"{doing} failed: the broker did not accept the credentials ({describe(error)}); check kafka.sasl_mechanism, user name and password")
    if name in _AUTHORIZATION:
        return FatalFault(f"{doing} failed: this user may not ({describe(error)}); the right it needs: {_AUTHORIZATION[name]}")
    if name == "UnsupportedCodecError":
        return FatalFault(f"{doing} failed: the records are compressed with a codec that is not installed here ({describe(error)}); install cramjam")
    if name in _REFUSED:
        return FatalFault(f"{doing} failed: the broker refused it for good ({describe(error)})")
    return TransientFault(f"{doing} failed: {describe(error)}")


def describe(error: BaseException) -> str:
    """An error in a few words for a person: its own text, or its name where it has none."""
    if isinstance(error, TimeoutError | asyncio.TimeoutError) and not str(error):
        return "no answer in time"
    return str(error).strip() or type(error).__name__


@contextmanager
def translated(doing: str) -> Iterator[None]:
    """Lets only faults of ours out of the block, with what was being done and the foreign error as the cause."""
    try:
        yield
    except FOREIGN_ERRORS as error:
        raise as_fault(error, doing) from error
