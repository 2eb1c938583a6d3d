"""`make cts`: the functional workbench on the pack of 33 types, with what Egeria's own repository in memory reaches as the least."""

import time
from pathlib import Path

from .exam import circumstances, running_broker, running_exam, write_json
from .packs import PACK_OF_33, RELEASE
from .report import EXAMINED_PROFILES, NO_EVIDENCE, complaints, result_of

CASES, ASSERTIONS = 269, 17_212
"""What Egeria 4.2 in memory reaches with this pack. Graph queries are partial there; here they are among the profiles that must be full."""
LIMIT_SECONDS = 900.0


def examine(directory: Path, summary: Path) -> int:
    """Runs the exam, writes the summary, prints what is not as it should be and, last, the figures. The exit code."""
    began = time.monotonic()
    document: dict[str, object] = {**circumstances(), "release": RELEASE, "types": list(PACK_OF_33)}
    with running_broker(directory) as broker, running_exam(directory, broker, PACK_OF_33) as exam:
        print(f"Egeria's conformance suite examines cohort-sync with {len(PACK_OF_33)} types; its log: {exam.process.log}", flush=True)
        exam.wait(timeout=LIMIT_SECONDS - (time.monotonic() - began))
        result = result_of(exam.ask("report"), exam.log())
    seconds = round(time.monotonic() - began, 1)
    problems = complaints(result, cases=CASES, assertions=ASSERTIONS, profiles=EXAMINED_PROFILES)
    write_json(summary, {**document, "seconds": seconds, **result.document(), "problems": problems})
    for name, status in result.profiles.items():
        if status != NO_EVIDENCE:
            print(f"  {name:<35} {status}")
    print(f"{seconds:.0f} s; the suite's report has {result.report_cases} test cases, {result.report_assertions:,} assertions, each once; all in {summary}")
    for problem in problems:
        print(f"NOT PASSED: {problem}")
    print(result.line)
    return 1 if problems else 0
