"""What every command's output promises, whatever it has to print."""

import io
from contextlib import redirect_stdout

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cohort_sync.cli.output import harmless, moment, print_table


@given(text=st.text())
def test_a_terminal_acts_on_nothing(text: str) -> None:
    shown = harmless(text)
    assert all(char.isprintable() or char == "\t" for char in shown)
    assert [char for char in text if char.isprintable()] == [char for char in text if char in shown and char.isprintable()]


def test_text_that_does_no_harm_is_left_as_it_is() -> None:
    assert harmless("Größe\t[bold]x[/bold] 表 \\n") == "Größe\t[bold]x[/bold] 表 \\n"
    assert harmless("a\x1b[2Jb\nc\u202ed\x9be") == "a\\x1b[2Jb\\nc\\u202ed\\x9be"


def test_cells_are_not_read_as_markup_and_not_cut_in_a_pipe() -> None:
    output = io.StringIO()
    with redirect_stdout(output):
        print_table("t", ("a", "b"), [("[red]x[/red]", "y" * 200), (None, 0)], right=("b",))
    assert "[red]x[/red]" in output.getvalue()
    assert "y" * 200 in output.getvalue()
    assert output.getvalue().splitlines()[-2].split() == ["-", "0"]


def test_a_table_without_rows_is_its_title() -> None:
    output = io.StringIO()
    with redirect_stdout(output):
        print_table("Members: 0", ("a", "b"), [])
    assert output.getvalue() == "Members: 0\n  none\n"


@pytest.mark.parametrize(
    ("millis", "shown"),
    [(None, "-"), (0, "1970-01-01 00:00:00Z"), (1_700_000_000_999, "2023-11-14 22:13:20Z"), (10**18, str(10**18)), (-(10**18), str(-(10**18)))],
)
def test_times(millis: int | None, shown: str) -> None:
    assert moment(millis) == shown
