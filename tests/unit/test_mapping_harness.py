"""Differences between a result and a golden file are told so that the file or the mapper can be mended."""

import pytest

from cohort_sync.mapping.harness import BadExpectation, Expectation, Result, differences, read_expectations

RESULT = Result(
    outcomes=["applied", "malformed", "applied"],
    reasons=["", "$: got no JSON", ""],
    entities={"RelationalTable": 2, "RelationalColumn": 4},
    relationships={"NestedSchemaAttribute": 4},
    classifications={"Anchors": 6},
    guids={"db::a": "g1", "db::b": "g2"},
)


def test_what_is_as_expected_gives_nothing() -> None:
    expected = Expectation(
        outcome_per_line=["applied", "malformed", "applied"],
        outcomes={"applied": 2, "malformed": 1},
        entities={"RelationalTable": 2, "RelationalColumn": 4},
        relationships={"NestedSchemaAttribute": 4},
        classifications={"Anchors": 6},
        guids={"db::a": "g1"},
        names=["db::b", "db::a"],
    )
    assert differences(RESULT, expected) == []
    assert differences(RESULT, Expectation()) == []


@pytest.mark.parametrize(
    ("expected", "told"),
    [
        (Expectation(outcome_per_line=["applied", "applied", "applied"]), ["line 2: malformed ($: got no JSON), expected applied"]),
        (Expectation(outcome_per_line=["applied"]), ["lines: 3 records, expected 1"]),
        (Expectation(outcomes={"applied": 3}), ["outcome: 2 applied, expected 3", "outcome: 1 malformed, expected 0"]),
        (
            Expectation(entities={"RelationalTable": 3, "Topic": 1, "RelationalColumn": 4}),
            ["entities: 2 RelationalTable, expected 3", "entities: 0 Topic, expected 1"],
        ),
        (Expectation(relationships={}), ["relationships: 4 NestedSchemaAttribute, expected 0"]),
        (Expectation(classifications={"Anchors": 5}), ["classifications: 6 Anchors, expected 5"]),
        (Expectation(guids={"db::a": "g9", "db::z": "g3"}), ["guids: 'db::a' is g1, expected g9", "guids: nothing is called 'db::z', expected g3"]),
        (Expectation(names=["db::a", "db::c"]), ["names: 'db::b' is there and not expected", "names: 'db::c' is not there"]),
    ],
)
def test_each_difference_is_a_sentence(expected: Expectation, told: list[str]) -> None:
    assert differences(RESULT, expected) == told


def test_a_file_of_expectations() -> None:
    read = read_expectations(b'{"metadataCollectionId": "x", "files": {"a.jsonl": {"lines": 3, "outcomePerLine": ["applied"], "entities": {"Topic": 1}}}}')
    assert read.files["a.jsonl"] == Expectation(outcome_per_line=["applied"], entities={"Topic": 1})
    with pytest.raises(BadExpectation, match=r"no expectations: Expected `int`, got `str` - at `\$\.files\[\.\.\.\]\.entities\[\.\.\.\]`"):
        read_expectations(b'{"files": {"a.jsonl": {"entities": {"Topic": "one"}}}}')
