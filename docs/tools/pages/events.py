"""What becomes of an event: verdicts, and dead letters with their stages."""

import msgspec

from cohort_sync.cli.dlq import STATES, DeadLetterReport
from cohort_sync.omrs.precedence import Verdict
from pages.markdown import code, complete, enum_docs, prose, table, words_given_to

STAGES = {
    "decode": "The bytes are not what they have to be: no OMRS event, no record of the kind that the mapper reads, or more than `kafka.max_event_bytes`.",
    "map": "What the mapper says cannot become an instance: a value that its attribute does not take, an end that was never put, two things of one name, "
    "an announcement over `kafka.max_event_bytes`.",
    "validate": "An event of another member that is incomplete or against its type, or whose type did not become known within `worker.parked_seconds`.",
    "apply": "The GUID belongs to another metadata collection already.",
}


def verdicts_page() -> str:
    """The verdicts, in the words of the code."""
    return (
        "# Verdicts\n\nWhat became of an event of another member, or of one instance in it. `cohort_sync_events_applied_total` counts them; "
        "`not_home`, `conflict` and `refused` are told in the log one by one.\n\n"
        + table(("verdict", "meaning"), ((code(name), text) for name, text in enum_docs(Verdict)))
    )


def dead_letters_page() -> str:
    """Stages, states and fields."""
    complete("stages of dead letters", STAGES, words_given_to("", keyword="stage"))
    fields = ((code(field.encode_name),) for field in msgspec.structs.fields(DeadLetterReport))
    return "".join(
        [
            "# Dead letters\n\nA record that cannot be used is kept whole: key, value, headers, place, stage and reason. Its neighbours are applied. "
            "A fault of the moment (broker, store, network) never makes one.\n\n## Stages\n\n",
            table(("stage", "what was wrong"), ((code(stage), text) for stage, text in STAGES.items())),
            "\n## States\n\n",
            table(("state", "meaning"), zip(map(code, STATES), ("nobody has dealt with it", "it was applied again", "it was given up"), strict=True)),
            f"\n## What `dlq list --json` says of each\n\n{prose(DeadLetterReport.__doc__)}\n\n",
            table(("field",), fields),
        ]
    )
