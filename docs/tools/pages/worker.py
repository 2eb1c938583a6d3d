"""What a running worker shows: its pages, its metrics, its exit codes."""

import ast
import inspect

import msgspec
from prometheus_client.parser import text_string_to_metric_families

from cohort_sync.api import app
from cohort_sync.cli.asking import NOT_FINISHED
from cohort_sync.cohort.inbound.report import PeerReport, SecondMember, TypeConflict
from cohort_sync.observe import metrics
from cohort_sync.observe.health import Condition
from cohort_sync.observe.metrics import Metrics
from cohort_sync.observe.status import PartitionStatus, Presence, WorkerStatus
from cohort_sync.omrs.errors import ConfigurationError, FatalFault, StoreLocked
from cohort_sync.worker.run import BUG, STOPPED
from cohort_sync.worker.signals import LEFT_AT_ONCE
from pages.markdown import attribute_docs, code, complete, first_paragraph, prose, table, words_given_to

# ---------------------------------------------------------------- pages

PAGES = {
    "/livez": ("200 as long as the event loop answers.", '`{"alive": true}`'),
    "/readyz": ("200 when every condition holds, else 503.", "`ready`, `reasons` (one text for each condition that does not hold), `conditions`"),
    "/metrics": ("200, the Prometheus text format.", "[metrics](metrics.md)"),
    "/status": ("200. `cohort-sync status` asks it, and adds what is in the store.", "a WorkerStatus, below"),
}

CONDITIONS = (
    ("store", "The store is open, and it belongs to this member."),
    ("broker", "A Kafka broker was reached and the cohort topics are there; later: it takes what has to be sent, and the readers reach it."),
    ("cohort", "This member has joined, what the others say is read, and no cohort topic waits at a gap."),
    ("source <name>", "The topics of the source exist and are read: it is not halted, and no partition of it waits at a gap."),
)


def http_page() -> str:
    """Routes are those of the application; what is not explained stops the making of the page."""
    complete("pages of the worker", PAGES, _routes())
    parts = [
        "# The worker's pages\n\n"
        "On `http.host` and `http.port`. They change nothing, show no secrets and ask for no password: "
        "keep them on loopback, or behind something that guards them. Beside them are the [repository services](repository-services.md). "
        "All but `/metrics` are JSON with `Cache-Control: no-store`.\n\n",
        table(("GET", "answer", "body"), ((code(path), *told) for path, told in PAGES.items())),
        "\n## Conditions of readiness\n\nEach has `name`, `holds`, `reason` (empty when it holds) and `since` (epoch milliseconds).\n\n",
        table(("condition", "holds when"), ((code(name), text) for name, text in CONDITIONS)),
    ]
    for struct in (WorkerStatus, Presence, Condition, PartitionStatus):
        docs = attribute_docs(struct)
        fields = ((code(field.encode_name), _type(field.type), docs.get(field.name, "")) for field in msgspec.structs.fields(struct))
        parts.append(f"\n## {struct.__name__}\n\n{prose(struct.__doc__)}\n\n{table(('field', 'type', 'what it is'), fields)}")
    return "".join(parts)


def _routes() -> set[str]:
    tree = ast.parse(inspect.getsource(app))
    calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Route")
    return {path.value for call in calls if isinstance(path := call.args[0], ast.Constant) and isinstance(path.value, str)}


def _type(of: object) -> str:
    text = of.__name__ if isinstance(of, type) and not hasattr(of, "__args__") else str(of)
    return code(text.replace("cohort_sync.observe.health.", "").replace("cohort_sync.observe.status.", "").replace(", ...", ", …"))


# ---------------------------------------------------------------- metrics

ALARMS = {
    SecondMember.kind: "Another server sends with our metadata collection id. Stop one of the two.",
    PeerReport.kind: "Another member reports an error, about us or about somebody else; the log has it, with advice.",
    TypeConflict.kind: "A member announced a type whose name stands for another type here.",
    "loop_lag": "The event loop was late by a second or more.",
    "mapper_hung": "The run before this one was cut because a mapper hung (worker.mapper_seconds); counted at the start.",
}
EDGES = {"broker": "Events could not be sent.", "store": "A batch could not be committed."}


def metrics_page() -> str:
    """Names, types and labels as a scrape shows them, every metric driven once."""
    complete("alarms", ALARMS, words_given_to(".alarm") | {SecondMember.kind, PeerReport.kind, TypeConflict.kind})
    complete("alarms at zero", ALARMS, set(metrics.ALARMS))
    complete("edges", EDGES, words_given_to(".transient_fault"))
    complete("edges at zero", EDGES, set(metrics.EDGES))
    families = [
        (code(family.name + ("_total" if family.type == "counter" else "")), family.type, _labels(family.samples), family.documentation)
        for family in text_string_to_metric_families(_scrape())
        if not family.name.startswith("process_") and not family.name.endswith("_created")
    ]
    stages = sorted(words_given_to(".dead_letter", argument=1))
    return "".join(
        [
            "# Metrics\n\n`/metrics` of the worker, in the Prometheus text format. Counters start with the process. "
            "`process_*` are those of every Prometheus client (memory, CPU, open files).\n\n",
            table(("metric", "type", "labels", "what it is"), families),
            "\n## Labels\n\n",
            table(
                ("label", "values"),
                (
                    ("`flow`", "`cohort`, or the name of a source"),
                    ("`source`", "the name of a source"),
                    ("`channel`", "`registration`, `types` or `instances`: the cohort topic"),
                    ("`verdict`", "[verdicts](verdicts.md)"),
                    ("`event_type`", "the OMRS event type; empty for a record that is not taken apart (our own, undecodable, empty)"),
                    ("`outcome`", "[outcomes of a record](mappers.md#outcomes-of-a-record)"),
                    (
                        "`stage`",
                        f"{' or '.join(map(code, stages))}; the [stage](dead-letters.md#stages) is in the store"
                        if stages
                        else "[stages](dead-letters.md#stages)",
                    ),
                    ("`condition`", "[conditions of readiness](http.md#conditions-of-readiness)"),
                    *(("`alarm`", f"`{name}`: {text}") for name, text in ALARMS.items()),
                    *(("`edge`", f"`{name}`: {text}") for name, text in EDGES.items()),
                ),
            ),
        ]
    )


def _scrape() -> str:
    metrics = Metrics(version="0", member="m", metadata_collection_id="id", type_release="6.1")
    metrics.event_applied("stored", "NEW_ENTITY_EVENT")
    metrics.source_records("s", {"applied": 1})
    metrics.sent("instances")
    metrics.dead_letter("s", "decode")
    metrics.transient_fault("broker")
    metrics.alarm("loop_lag")
    metrics.gap("t")
    metrics.batch("s", 0.1, 1)
    metrics.loop_lag(0.1)
    metrics.position("t", 0, 1, 2)
    metrics.condition("store", holds=True)
    metrics.halted("s", is_halted=False)
    return metrics.render().decode()


def _labels(samples: "list[object]") -> str:
    names = {name: None for sample in samples for name in getattr(sample, "labels", {}) if name != "le"}
    if not samples:
        raise ValueError("a metric without a sample: drive it in _scrape")
    return ", ".join(map(code, names)) or "-"


# ---------------------------------------------------------------- exit codes


def exit_codes_page() -> str:
    """From the faults themselves."""
    rows = (
        (STOPPED, "all", "Done; the worker: stopped as it was told."),
        (
            FatalFault.exit_code,
            "all",
            "A fault that it cannot go on from, or what was asked for is not there. "
            "`demo`: the two members differ. `types check`, `types load`: something is wrong with the types. "
            "`worker`: also when a mapper hung (worker.mapper_seconds).",
        ),
        (ConfigurationError.exit_code, "all", f"{first_paragraph(ConfigurationError.__doc__)} Also: an option or a command that does not exist."),
        (StoreLocked.exit_code, "worker", first_paragraph(StoreLocked.__doc__)),
        (NOT_FINISHED, "requests", "`--wait` ended before the request did; it goes on."),
        (BUG, "worker", "An unexpected error, with its traceback in the log. Start it again: its store says where to go on."),
        (LEFT_AT_ONCE, "worker", "A second SIGTERM or SIGINT: it left at once. What was committed stays, what was not comes again."),
    )
    return (
        "# Exit codes\n\n" + table(("code", "command", "meaning"), rows) + "\nA supervisor should start the worker again after all of them but 0, 2 and 3: "
        "a wrong configuration and a store in use do not get better by themselves.\n"
    )
