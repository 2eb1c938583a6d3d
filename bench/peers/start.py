"""From the start of a process to its registration event on the topic: of all members that this run has started."""

from bench.peers.stage import Stage, until_ready
from bench.results import Measurement, median

AT_LEAST = 3
OURS_SECONDS = 5
_COHORT = "start"


def measure(stage: Stage) -> list[Measurement]:
    """What the other parts have started counts; what is missing is started for it, one at a time."""
    stage.cohort(_COHORT)
    while len(stage.starts["ours"]) < AT_LEAST:
        with stage.ours(f"start-ours-{len(stage.starts['ours'])}", _COHORT) as worker:
            until_ready(worker)
    while len(stage.starts["Egeria"]) < AT_LEAST:
        with stage.egeria(f"start-egeria-{len(stage.starts['Egeria'])}", _COHORT) as member:
            member.wait_ready()
    return [
        median("ours: start to registered", stage.starts["ours"], "s", at_most=OURS_SECONDS),
        median("Egeria: start to registered", stage.starts["Egeria"], "s"),
    ]
