"""Checks over several keys: what the types of the single keys cannot say. Each problem is (key, message)."""

import re
from collections import Counter
from pathlib import Path

from cohort_sync.config.settings import CohortSettings, KafkaSettings, Settings, SourceSettings
from cohort_sync.omrs.exchange import ExchangeRule

Problem = tuple[str, str]
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


def check(settings: Settings) -> list[Problem]:
    """Keys that need each other or exclude each other. Pure."""
    problems = _kafka(settings.kafka)
    if settings.store.path == ":memory:":
        problems.append(("store.path", 'got ":memory:", expected a file: what a worker has promised must outlive it'))
    problems += _exchange(settings.cohort)
    if settings.http.host not in LOOPBACK and not settings.http.token and not settings.http.insecure:
        problems.append(
            (
                "http.host",
                f'got "{settings.http.host}": the repository services would be open to everybody who reaches it; '
                "expected http.token to be set, or http.insecure = true where the network itself keeps others out",
            )
        )
    registration = settings.registration
    if registration.connection != "none" and not re.match(r"https?://\S+", registration.address):
        problems.append(
            ("registration.address", f'got "{registration.address}", expected a URL (http:// or https://) because connection is "{registration.connection}"')
        )
    if settings.worker.recovering and settings.worker.fresh_id:
        problems.append(("worker.fresh_id", "excludes worker.recovering; expected at most one of them to be true"))
    names = Counter(source.name for source in settings.sources)
    problems += [(f"sources.{name}.name", f"is used by {count} sources, expected a name of its own for each") for name, count in names.items() if count > 1]
    groups = Counter(source.group for source in settings.sources)
    problems += [
        (f"sources.{source.name}.group", f'"{source.group}" is used by several sources, expected a group of its own for each')
        for source in settings.sources
        if groups[source.group] > 1 and names[source.name] == 1
    ]
    for source in settings.sources:
        problems += _source(source)
    return problems


def missing_files(settings: Settings) -> list[Problem]:
    """Files and directories that a worker could not do without. Looks at the file system."""
    problems = []
    named = {
        "kafka.ssl_cafile": settings.kafka.ssl_cafile,
        "kafka.ssl_certfile": settings.kafka.ssl_certfile,
        "kafka.ssl_keyfile": settings.kafka.ssl_keyfile,
        "enterprise.ssl_cafile": settings.enterprise.ssl_cafile,
    }
    files = [(key, path) for key, path in named.items() if path] + [("types.archives", path) for path in settings.types.archives]
    problems += [(key, f"{path} is not there, expected a file") for key, path in files if not Path(path).is_file()]
    store = Path(settings.store.path)
    if store.is_dir():
        problems.append(("store.path", f"{store} is a directory, expected a file"))
    elif settings.store.path != ":memory:" and not store.parent.is_dir():
        problems.append(("store.path", f"the directory {store.parent} is not there; make it, and let the worker's user write to it"))
    return problems


def _exchange(cohort: CohortSettings) -> list[Problem]:
    """Lists without the rule that reads them, and rules without their list."""
    problems = []
    for what, rule, types, included, excluded in (
        ("send", cohort.events_to_send, cohort.selected_types_to_send, cohort.included_zones_to_send, cohort.excluded_zones_to_send),
        ("process", cohort.events_to_process, cohort.selected_types_to_process, cohort.included_zones_to_process, cohort.excluded_zones_to_process),
        ("save", cohort.events_to_save, cohort.selected_types_to_save, cohort.included_zones_to_save, cohort.excluded_zones_to_save),
    ):
        by_types = rule in (ExchangeRule.SELECTED_TYPES, ExchangeRule.DESELECTED_TYPES)
        if by_types and not types:
            problems.append((f"cohort.selected_types_to_{what}", f"is empty, expected types because events_to_{what} is {rule}"))
        if types and not by_types:
            problems.append(
                (f"cohort.selected_types_to_{what}", f"has no effect because events_to_{what} is {rule}; expected SELECTED_TYPES or DESELECTED_TYPES")
            )
        if rule is ExchangeRule.GOVERNANCE_ZONES and not included and not excluded:
            problems.append(
                (f"cohort.included_zones_to_{what}", f"is empty, as is excluded_zones_to_{what}; expected zones because events_to_{what} is {rule}")
            )
        if (included or excluded) and rule is not ExchangeRule.GOVERNANCE_ZONES and not cohort.zones_always:
            key = f"{'included' if included else 'excluded'}_zones_to_{what}"
            problems.append((f"cohort.{key}", f"has no effect because events_to_{what} is {rule}; expected GOVERNANCE_ZONES, or zones_always"))
    return problems


def _kafka(kafka: KafkaSettings) -> list[Problem]:
    problems = []
    sasl = kafka.security_protocol.startswith("SASL_")
    tls = kafka.security_protocol.endswith("SSL")
    if sasl:
        problems += [
            (f"kafka.{key}", f"is empty, expected a value because security_protocol is {kafka.security_protocol}")
            for key, value in (("sasl_mechanism", kafka.sasl_mechanism), ("sasl_username", kafka.sasl_username), ("sasl_password", kafka.sasl_password))
            if not value
        ]
    elif kafka.sasl_mechanism or kafka.sasl_username or kafka.sasl_password:
        problems.append(
            ("kafka.security_protocol", f"is {kafka.security_protocol} but sasl_ keys are set; expected SASL_SSL or SASL_PLAINTEXT, or no sasl_ keys")
        )
    if not tls and (kafka.ssl_cafile or kafka.ssl_certfile):
        problems.append(
            ("kafka.security_protocol", f"is {kafka.security_protocol} but certificates are set; expected SSL or SASL_SSL, or no ssl_cafile and ssl_certfile")
        )
    if bool(kafka.ssl_certfile) != bool(kafka.ssl_keyfile):
        lone, other = ("ssl_certfile", "ssl_keyfile") if kafka.ssl_certfile else ("ssl_keyfile", "ssl_certfile")
        problems.append((f"kafka.{other}", f"is empty, expected a file because {lone} is set"))
    return problems


def _source(source: SourceSettings) -> list[Problem]:
    label = f"sources.{source.name}"
    if source.topics and source.topic_pattern:
        return [(f"{label}.topic_pattern", "excludes topics; expected only one of them")]
    if not source.topics and not source.topic_pattern:
        return [(f"{label}.topics", "is empty, expected topic names (or topic_pattern)")]
    try:
        re.compile(source.topic_pattern)
    except re.error as error:
        return [(f"{label}.topic_pattern", f'got "{source.topic_pattern}", expected a regular expression: {error}')]
    return []
