"""Lines of sample files as records."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cohort_sync.mapping.samples import BadSample, read_sample, read_samples


def test_objects_are_json_text_strings_are_bytes_and_null_is_nothing() -> None:
    lines = [
        b'{"topic": "t", "key": {"id": 1}, "value": {"a": "\xc3\xa9"}, "headers": {"x": "y"}}',
        b'{"topic": "t", "key": "raw \\u00e9 \\n", "value": "{\\"cut", "headers": {}}',
        b'{"topic": "u", "key": null, "value": null}',
        b'{"topic": "u", "value": [1, 2.50, 12345678901234567890123]}',
    ]
    first, second, third, fourth = read_samples(lines)
    assert (first.topic, first.key, first.value, first.headers) == ("t", b'{"id": 1}', b'{"a": "\xc3\xa9"}', (("x", b"y"),))
    assert (second.key, second.value) == ("raw é \n".encode(), b'{"cut')
    assert (third.key, third.value) == (None, None)
    assert fourth.value == b"[1, 2.50, 12345678901234567890123]"


def test_the_offset_is_the_number_of_the_line_unless_the_line_says_otherwise() -> None:
    data = b'{"topic": "t"}\n\n{"topic": "t"}\n{"topic": "t", "offset": 70, "partition": 3, "timestamp": 5, "headers": [["a", "1"], ["a", "2"]]}\n'
    records = list(read_samples(data))
    assert [(one.offset, one.partition, one.timestamp) for one in records] == [(1, 0, -1), (3, 0, -1), (70, 3, 5)]
    assert records[2].headers == (("a", b"1"), ("a", b"2"))


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (b"{", "line 2: Input data was truncated"),
        (b"[]", "line 2: Expected `object`"),
        (b'{"value": 1}', "line 2: Object missing required field `topic`"),
        (b'{"topic": "t", "valeu": 1}', "line 2: Object contains unknown field `valeu`"),
        (b'{"topic": "t", "headers": {"a": 1}}', "line 2: Expected `str`"),
        (b'{"topic": "t", "value": "\xff"}', "line 2: "),
    ],
)
def test_a_line_that_is_no_sample(line: bytes, told: str) -> None:
    with pytest.raises(BadSample) as problem:
        list(read_samples([b'{"topic": "t"}', line]))
    assert str(problem.value).startswith(told)
    assert "expected an object with topic, key, value and headers" in str(problem.value)


@given(st.dictionaries(st.text(), st.text()) | st.lists(st.integers()) | st.text() | st.none())
def test_a_value_comes_out_as_it_went_in(value: object) -> None:
    one = read_sample(json.dumps({"topic": "t", "value": value}).encode())
    if isinstance(value, str):
        assert one.value == value.encode()
    else:
        assert (one.value and json.loads(one.value)) == value
