"""The suite's figures are read as they are meant, and an exam that is not passed is never taken for one that is."""

import json
from pathlib import Path
from typing import Any

import pytest

from .full import without_suite_defect
from .functional import ASSERTIONS, CASES
from .performance import asks_for_an_unknown_type, calls, compared
from .report import EXAMINED_PROFILES, FULL, NO_EVIDENCE, complaints, log_counts, result_of

AT = "Wed Nov 25 02:08:30 UTC 2026 cts Information "


def line(case: str, held: int, *, failed: int = 0, thrown: int = 0, success: bool = True) -> str:
    code = "CONFORMANCE-SUITE-0014" if success else "CONFORMANCE-SUITE-0013"
    end = "  The message on completion was: fine" if success else ""
    return (
        f"{AT}{code} The Open Metadata Conformance Test Case {case} has completed with {held} successful assertions, {failed} unsuccessful assertions, "
        f"{thrown} unexpected exceptions and 0 discovered properties.{end}\n"
    )


def case(name: str, *, held: int = 2, failed: tuple[str, ...] = (), thrown: str = "") -> dict[str, Any]:
    return {
        "testCaseId": name,
        "successfulAssertions": [f"{name}-{number}: so" for number in range(held)],
        "unsuccessfulAssertions": list(failed),
        **({"conformanceException": {"exceptionClassName": "java.lang.Exception", "errorMessage": thrown}} if thrown else {}),
    }


def report(*passed: dict[str, Any], failed: tuple[dict[str, Any], ...] = (), profiles: dict[str, str] | None = None) -> dict[str, Any]:
    known = dict.fromkeys(EXAMINED_PROFILES, FULL) | {"Dynamic types": NO_EVIDENCE} if profiles is None else profiles
    workbench: dict[str, Any] = {"profileResults": [{"name": name, "conformanceStatus": status} for name, status in known.items()]}
    if passed:
        workbench["passedTestCases"] = list(passed)
    if failed:
        workbench["failedTestCases"] = list(failed)
    return {"testLabResults": {"testResultsFromWorkbenches": [workbench]}}


LOG = (
    "[main] WARN something else\n"
    + line("repository-server-ids", 5)
    + line("repository-entity-property-search-Asset", 3, success=False)
    + line("repository-entity-property-search-Asset", 167)
    + line("repository-entity-property-search-Asset", 169)
    + line("repository-graph-queries-<null>", 537)
)


def test_completions_with_success_are_counted_and_the_first_look_of_a_search_is_not() -> None:
    counts = log_counts(LOG)
    assert (counts.cases, counts.assertions, counts.failed, counts.exceptions) == (4, 5 + 167 + 169 + 537, 0, 0)


def test_what_a_case_had_wrong_counts_once_however_often_it_completes() -> None:
    counts = log_counts(line("a", 4, failed=2, success=False) + line("a", 9, failed=3, success=False) + line("b", 1, thrown=1, success=False))
    assert (counts.cases, counts.failed, counts.exceptions) == (0, 3, 1)


def test_the_figures_of_an_exam() -> None:
    result = result_of(report(case("repository-server-ids", held=5), case("repository-entity-property-search-Asset", held=169)), LOG)
    assert result.line == "4 test cases, 878 assertions, 0 failed"
    assert (result.report_cases, result.report_assertions) == (2, 174)
    assert complaints(result, cases=4, assertions=878, profiles=EXAMINED_PROFILES) == []
    assert json.loads(json.dumps(result.document()))["profiles"]["Graph queries"] == FULL


def test_failures_and_exceptions_are_told_and_counted() -> None:
    broken = case("c", failed=("c-07: 3 expected, 2 found",))
    thrown = case("d", thrown="caught TypeErrorException")
    both = case("e", thrown="caught TypeErrorException", failed=("Unexpected Exception Exception : caught TypeErrorException",))
    result = result_of(report(case("a"), failed=(broken, thrown, both)), line("c", 2, failed=1, success=False) + line("d", 2, thrown=1, success=False))
    assert result.line == "0 test cases, 0 assertions, 3 failed"
    assert result.exceptions == 2
    assert sorted(complaints(result, cases=0, assertions=0)) == [
        "c: c-07: 3 expected, 2 found",
        "d: caught TypeErrorException",
        "e: Unexpected Exception Exception : caught TypeErrorException",
    ]


def test_a_failure_that_only_the_log_has_is_a_failure() -> None:
    result = result_of(report(case("a")), line("a", 2, failed=1))
    assert result.failed == 1
    assert complaints(result) == ["the suite's log has 1 failed assertions or exceptions that its report does not have"]


@pytest.mark.parametrize("status", ["CONFORMANT_PARTIAL_SUPPORT", "NOT_CONFORMANT", "CONFORMANT_NO_SUPPORT"])
def test_a_profile_that_is_not_full(status: str) -> None:
    profiles = dict.fromkeys(EXAMINED_PROFILES, FULL) | {"Graph queries": status}
    result = result_of(report(case("a"), profiles=profiles), line("a", 2))
    assert complaints(result, profiles=EXAMINED_PROFILES) == [f"profile Graph queries: {status}, expected {FULL}"]


def test_a_profile_that_nothing_was_found_of() -> None:
    profiles = dict.fromkeys(EXAMINED_PROFILES[1:], FULL) | {"Graph queries": NO_EVIDENCE}
    found = complaints(result_of(report(case("a"), profiles=profiles), line("a", 2)), profiles=EXAMINED_PROFILES)
    assert found == [f"profile {name}: the suite has no evidence, expected {FULL}" for name in ("Metadata sharing", "Graph queries")]


def test_an_exam_that_is_too_short() -> None:
    found = complaints(result_of(report(case("a")), line("a", 2)), cases=CASES, assertions=ASSERTIONS)
    assert [text.partition(":")[0].partition(", expected")[0] for text in found] == ["1 test cases", "2 assertions"]


def test_calls_are_found_wherever_the_report_has_them() -> None:
    evidence = {"methodName": "addEntity", "elapsedTime": 7, "assertionId": "x"}
    nested = {"profileResults": [{"requirementResults": [{"positiveTestEvidence": [evidence, {**evidence, "elapsedTime": 5}]}]}], "methodName": None}
    assert list(calls(nested)) == [("addEntity", 7), ("addEntity", 5)]


def test_medians_beside_each_other() -> None:
    rows = compared({"a": [1, 2, 9], "b": [3], "only ours": [1]}, {"a": [1, 1, 1], "b": [3, 4]})
    assert {name: row["above"] for name, row in rows.items()} == {"a": True, "b": False, "only ours": False}
    assert rows["a"]["ours"] == {"calls": 3, "median": 2, "mean": 4.0, "worst": 9}
    assert rows["only ours"]["egeria"] is None


@pytest.mark.parametrize(("name", "expected"), [("SetSchemaType", True), ("Database", False)], ids=["outside of the pack", "of the pack"])
def test_a_retyping_outside_of_the_pack(name: str, expected: bool) -> None:
    failure = (
        "x: CTS test x caught exception TypeErrorException from method reTypeEntitySub whilst trying to retype entity to subtype from type SchemaElement.  "
        f"Exception message was : OMRS-REPOSITORY-404-004 The TypeDef {name} (guid = b2605d2d) passed on the newTypeDefSummary parameter is not known"
    )
    assert asks_for_an_unknown_type(failure) is expected
    assert not asks_for_an_unknown_type(failure.replace("OMRS-REPOSITORY-404-004", "OMRS-REPOSITORY-400-001"))


def test_the_launcher_and_the_pack_name_the_same_release() -> None:
    pom = (Path(__file__).parents[1] / "peers" / "egeria" / "pom.xml").read_text(encoding="utf-8")
    assert "<egeria>4.2</egeria>" in pom


GRAPHS = "repository-graph-queries-<null>"
BY_ZERO = "Unexpected Exception ArithmeticException : / by zero"


def test_a_graph_case_on_which_the_suite_itself_broke_is_not_examined() -> None:
    profiles = {"Graph queries": "NOT_CONFORMANT", "Entity search": FULL}
    broken = case(GRAPHS, failed=(BY_ZERO,), thrown="/ by zero")
    result, without = without_suite_defect(
        result_of(report(case("a"), failed=(broken,), profiles=profiles), line("a", 2) + line(GRAPHS, 9, failed=1, thrown=1))
    )
    assert without
    assert (result.failed, result.exceptions, result.profiles) == (0, 0, {"Entity search": FULL})
    assert complaints(result) == []


@pytest.mark.parametrize("failed", [(BY_ZERO, "graph-07: a neighbour is missing"), ("Unexpected Exception NullPointerException",)])
def test_any_other_failure_of_the_graph_case_is_one(failed: tuple[str, ...]) -> None:
    whole = result_of(report(case("a"), failed=(case(GRAPHS, failed=failed),)), line("a", 2))
    assert without_suite_defect(whole) == (whole, False)
    assert len(complaints(whole)) == len(failed)
