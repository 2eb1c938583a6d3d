"""What the suite says, as figures.

It counts in two ways. Its *report* has every test case once, with the assertions that hold in the end. Its *audit log* says so each time a case completes
with its message of success (CONFORMANCE-SUITE-0014): the two searches complete twice for each type, once when they have executed and once when they have
cleaned up, and a case that had nothing to do (a re-typing of a type without subtypes) completes without that message (0013). The figures that are known of
Egeria's own repositories, 269 test cases and 17,212 assertions for the pack of 33 types, are those of the log; both are kept here.
"""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

FULL = "CONFORMANT_FULL_SUPPORT"
NO_EVIDENCE = "UNKNOWN_STATUS"
EXAMINED_PROFILES = (
    *("Metadata sharing", "Reference copies", "Metadata maintenance", "Graph queries", "Historical search", "Entity proxies", "Soft-delete and restore"),
    *("Undo an update", "Reidentify instance", "Retype instance", "Rehome instance", "Entity search", "Relationship search", "Entity advanced search"),
    *("Relationship advanced search", "List the versions of each instance"),
)
"""The profiles for which the functional workbench of 4.2 has test cases. For Dynamic types, home classifications, external instances and
restoring a backup it has none."""
_COMPLETED = re.compile(
    r"(CONFORMANCE-SUITE-001[34]) The Open Metadata Conformance Test Case (\S+) has completed with "
    r"(\d+) successful assertions, (\d+) unsuccessful assertions, (\d+) unexpected exceptions"
)


@dataclass(frozen=True, slots=True)
class LogCounts:
    """What the audit log counts: completions with success, their assertions; and the worst that any completion said."""

    cases: int = 0
    assertions: int = 0
    failed: int = 0
    exceptions: int = 0


@dataclass(frozen=True, slots=True)
class Result:
    """One exam. `cases` and `assertions` are those of the log; `failed` are assertions, each once; an exception is one of them."""

    cases: int
    assertions: int
    failed: int
    exceptions: int
    report_cases: int
    report_assertions: int
    profiles: Mapping[str, str]
    failures: tuple[str, ...]

    @property
    def line(self) -> str:
        """The figures as the last line of an exam."""
        return f"{self.cases} test cases, {self.assertions} assertions, {self.failed} failed"

    def document(self) -> dict[str, Any]:
        """As it is kept."""
        return asdict(self)


def log_counts(log: str) -> LogCounts:
    """The completions that the suite's log tells of."""
    cases = assertions = 0
    failed: dict[str, int] = {}
    exceptions: dict[str, int] = {}
    for code, case, held, broken, thrown in _COMPLETED.findall(log):
        if code.endswith("4"):
            cases += 1
            assertions += int(held)
        failed[case] = max(failed.get(case, 0), int(broken))
        exceptions[case] = max(exceptions.get(case, 0), int(thrown))
    return LogCounts(cases, assertions, sum(failed.values()), sum(exceptions.values()))


def result_of(report: Mapping[str, Any], log: str) -> Result:
    """An exam from the suite's report (`OpenMetadataConformanceTestLabResults`) and its log."""
    (workbench,) = report["testLabResults"]["testResultsFromWorkbenches"]
    cases = [*(workbench.get("passedTestCases") or ()), *(workbench.get("failedTestCases") or ())]
    counted = log_counts(log)
    failures = [f"{case['testCaseId']}: {text}" for case in cases for text in case.get("unsuccessfulAssertions") or ()]
    thrown = [case for case in cases if case.get("conformanceException")]
    # The suite writes an exception among the unsuccessful assertions, too; where it did not, the exception is a failure of its own.
    failures += [f"{case['testCaseId']}: {_told(case['conformanceException'])}" for case in thrown if not case.get("unsuccessfulAssertions")]
    return Result(
        cases=counted.cases,
        assertions=counted.assertions,
        failed=max(len(failures), counted.failed, counted.exceptions),
        exceptions=max(len(thrown), counted.exceptions),
        report_cases=len(cases),
        report_assertions=sum(len(case.get("successfulAssertions") or ()) for case in cases),
        profiles={profile["name"]: profile["conformanceStatus"] for profile in workbench.get("profileResults") or ()},
        failures=tuple(failures),
    )


def complaints(result: Result, *, cases: int = 1, assertions: int = 1, profiles: tuple[str, ...] = ()) -> list[str]:
    """Why an exam is not passed, one sentence each: what failed, what is not full, what the suite did not find. `profiles` must have been examined."""
    found = list(result.failures)
    if result.failed and not found:
        found.append(f"the suite's log has {result.failed} failed assertions or exceptions that its report does not have")
    found += [f"profile {name}: {status}, expected {FULL}" for name, status in result.profiles.items() if status not in (FULL, NO_EVIDENCE)]
    found += [f"profile {name}: the suite has no evidence, expected {FULL}" for name in profiles if result.profiles.get(name) in (NO_EVIDENCE, None)]
    if result.cases < cases:
        found.append(f"{result.cases} test cases, expected at least {cases}: the member does not know all types of the pack, or the suite ended early")
    if result.assertions < assertions:
        found.append(f"{result.assertions} assertions, expected at least {assertions}: the suite found something unsupported and went on")
    return found


def _told(exception: Mapping[str, Any]) -> str:
    return str(exception.get("errorMessage") or exception)
