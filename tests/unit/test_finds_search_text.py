"""Java search expressions as literals or as RE2 (spec metadata-collection-semantics 5.3, 5.4)."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cohort_sync.omrs.search_text import Anchor, Expression, Literal, UnsupportedExpression, fold, java_pattern
from cohort_sync.store.find_regex import text_matcher


@pytest.mark.parametrize(
    ("expression", "literal"),
    [
        ("abc", Literal("abc")),
        ("", Literal("")),
        (r"\Qa.b*c\E", Literal("a.b*c")),
        (r".*\Qa.b\E.*", Literal("a.b", Anchor.CONTAINS)),
        (r"\Qa.b\E.*", Literal("a.b", Anchor.PREFIX)),
        (r".*\Qa.b\E", Literal("a.b", Anchor.SUFFIX)),
        (r"(?i)\Qabc\E", Literal("abc", ignore_case=True)),
        (r"(?i).*\Qabc\E.*", Literal("abc", Anchor.CONTAINS, ignore_case=True)),
        (r"\Qa\E\\E\Qb\E", Literal(r"a\Eb")),
        (r"\Qnot closed", Literal("not closed")),
        (r"a\.b\*", Literal("a.b*")),
        (r"abc.*", Literal("abc", Anchor.PREFIX)),
        (r".*", Literal("", Anchor.SUFFIX)),
        ("\\u0041\\x42\\0103\\t", Literal("ABC\t")),
    ],
)
def test_literals_in_disguise(expression: str, literal: Literal) -> None:
    assert java_pattern(expression) == literal


@given(st.text())
def test_what_java_quotes_is_the_text_itself(text: str) -> None:
    """`Pattern.quote` splits where the text has an end mark of its own."""
    quoted = "\\Q" + text.replace("\\E", "\\E\\\\E\\Q") + "\\E"
    assert java_pattern(quoted) == Literal(text)
    assert java_pattern(f".*{quoted}.*") == (Literal(text, Anchor.CONTAINS) if text else Literal("", Anchor.SUFFIX))


@given(st.text(), st.text(), st.text())
def test_a_literal_matches_where_its_anchor_says(before: str, text: str, after: str) -> None:
    value = before + text + after
    assert Literal(text, Anchor.CONTAINS).matches(value)
    assert Literal(text, Anchor.PREFIX).matches(text + after)
    assert Literal(text, Anchor.SUFFIX).matches(before + text)
    assert Literal(text.swapcase(), Anchor.CONTAINS, ignore_case=True).matches(value) or fold(text.swapcase()) != fold(text)
    assert Literal(text).matches(value) == (value == text)


@given(st.text(), st.text(), st.text())
def test_folding_keeps_parts(before: str, text: str, after: str) -> None:
    """What makes an index over folded text safe."""
    assert fold(text) in fold(before + text + after)


_PIECES = st.sampled_from(
    [
        "a",
        "b",
        "c",
        ".",
        ".*",
        "a*",
        "b+",
        "c?",
        "[ab]",
        "[^a]",
        "(ab)",
        "(?:a|bc)",
        "(a|b)*",
        r"\.",
        r"\d",
        r"\w+",
        "a{2}",
        "b{0,2}",
        "^",
        "$",
        "|",
        "1",
        "[a-c]+",
    ]
)


@given(st.lists(_PIECES, max_size=7), st.text(alphabet="abc1.", max_size=8))
def test_expressions_match_as_the_standard_library_says(pieces: list[str], text: str) -> None:
    expression = "".join(pieces)
    expected = re.fullmatch(expression, text) is not None
    pattern = java_pattern(expression)
    assert text_matcher(pattern)(text) == expected
    if isinstance(pattern, Expression) and expected:
        assert all(part in fold(text) for part in pattern.required)


@pytest.mark.parametrize(
    ("expression", "required"),
    [
        (r"abc[0-9]+def", ("abc", "def")),
        (r"abcd*e", ("abc", "e")),
        (r"ab+c", ("ab", "c")),
        (r"abc|def", ()),
        (r"x(abc|def)y", ("x", "y")),
        (r"x(abc)?", ("x",)),
        (r"(?i)ABC\d", ("abc",)),
    ],
)
def test_texts_that_every_match_contains(expression: str, required: tuple[str, ...]) -> None:
    pattern = java_pattern(expression)
    assert isinstance(pattern, Expression)
    assert pattern.required == required


@pytest.mark.parametrize(
    "expression",
    [
        "(?=a)b",
        "(?!a)b",
        "(?<=a)b",
        "(?<!a)b",
        "(?>a)b",
        r"(a)\1",
        r"(?<n>a)\k<n>",
        "a*+",
        "[a&&[b]]",
        "[a[b]]",
        r"\h",
        r"\R",
        "(a",
        "a)",
        "[a",
        "*a",
        "a{x}",
        "(?x)a",
        "\\",
        r"\ud800",
        "a" * 10_001,
    ],
)
def test_what_has_no_linear_counterpart_is_refused_with_a_reason(expression: str) -> None:
    with pytest.raises(UnsupportedExpression) as refused:
        java_pattern(expression)
    assert str(refused.value)


@pytest.mark.parametrize("expression", [r"a{1001}", r"\p{NoSuch}", "[b-a]"])
def test_what_re2_does_not_take_is_refused_when_it_is_compiled(expression: str) -> None:
    with pytest.raises(UnsupportedExpression, match="RE2"):
        text_matcher(java_pattern(expression))


def test_java_classes() -> None:
    matches = text_matcher(java_pattern(r"\p{Upper}\p{Lower}+[\s\p{Digit}]*\p{IsGreek}?"))
    assert matches("Order 12")
    assert matches("Order\x0b1Σ")
    assert not matches("order 12")


@pytest.mark.timeout(10)
def test_catastrophic_expression_is_linear() -> None:
    matches = text_matcher(java_pattern("(a*)*(a|aa)*(a?){50}b"))
    assert not matches("a" * 100_000)
