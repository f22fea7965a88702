"""Plans for a completion: within their budget, and the same beginning keystroke after keystroke."""

from dataclasses import dataclass
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hansa.context.budget import Limits, fit_lines, share_out
from hansa.context.candidates import Codebase, Document
from hansa.context.gather import SNIPPET_HEAD_CHARS, CompletionPlan, gather, wants_more_lines
from hansa.wire.requests import Snippet

LINES = st.lists(
    st.text(st.characters(codec="utf-8", exclude_characters="\n\r"), max_size=60), max_size=120
)
CODE = LINES.map("\n".join)


@dataclass(frozen=True)
class Hit:
    snippet: Snippet


def searching(*snippets: Snippet) -> Codebase:
    return Codebase(lambda query, limit: [Hit(each) for each in snippets][:limit])


def shown_chars(plan: CompletionPlan) -> int:
    snippets = sum(len(s.text) + len(s.path) + SNIPPET_HEAD_CHARS for s in plan.snippets)
    return len(plan.prefix) + len(plan.typed) + len(plan.suffix) + snippets


@given(CODE, CODE, CODE, st.integers(20, 600), st.integers(0, 3))
def test_a_plan_keeps_its_budget(
    before: str, after: str, other: str, tokens: int, snippets_max: int
) -> None:
    limits = Limits(prompt_tokens=tokens, snippets_max=snippets_max)
    found = searching(Snippet("other.py", 1, 9, other), Snippet("more.py", 1, 9, other))
    plan = gather(Document("a.py", before + after), len(before), found, limits)
    assert shown_chars(plan) <= tokens * limits.chars_per_token
    assert len(plan.snippets) <= snippets_max


@given(CODE, CODE)
def test_a_plan_shows_the_text_right_at_the_cursor(before: str, after: str) -> None:
    plan = gather(Document("a.py", before + after), len(before), None)
    assert before.endswith(plan.prefix + plan.typed)
    assert after.startswith(plan.suffix)
    assert plan.typed.strip(" \t") in {"", "\n"}
    hidden = before[: len(before) - len(plan.prefix + plan.typed)]
    assert plan.start_line == hidden.count("\n") + 1


@given(LINES, CODE, st.text(st.characters(codec="ascii", min_codepoint=32), max_size=100))
def test_typing_a_line_only_adds_to_the_prompt(above: list[str], after: str, typed: str) -> None:
    before = "".join(f"{line}\n" for line in above)
    queries: list[str] = []

    def search(query: str, limit: int) -> list[Hit]:
        queries.append(query)
        return [Hit(Snippet("other.py", 1, 1, query))]

    plans = [
        gather(
            Document("a.py", before + typed[:size] + "\n" + after),
            len(before) + size,
            Codebase(search),
        )
        for size in range(len(typed) + 1)
    ]
    assert len(set(queries)) <= 1
    assert len({plan.snippets for plan in plans}) == 1
    for earlier, later in pairwise(plans):
        assert (later.prefix + later.typed).startswith(earlier.prefix)


def test_the_first_line_shown_moves_in_steps() -> None:
    lines = [f"value_{number} = compute({number})" for number in range(400)]
    starts = [
        gather(Document("a.py", "\n".join(lines[:count]) + "\n"), _length(lines[:count]), None)
        for count in range(100, 164)
    ]
    assert len({plan.start_line for plan in starts}) <= 64 / 8 + 1


def _length(lines: list[str]) -> int:
    return len("\n".join(lines)) + 1


@given(st.integers(200, 4000))
def test_a_line_longer_than_the_budget_is_cut(length: int) -> None:
    text = "x" * length
    plan = gather(Document("a.py", text), length, None, Limits(prompt_tokens=100))
    assert 0 < len(plan.prefix) <= 300
    assert text.endswith(plan.prefix)


def test_what_is_shown_already_is_not_shown_again() -> None:
    text = "def area(side):\n" + "    pass\n" * 20
    here = Snippet("a.py", 1, 5, "def area(side):")
    there = Snippet("b.py", 7, 8, "def edge(side):\n    return side\n")
    plan = gather(Document("a.py", text), len(text), searching(here, there))
    assert [(each.path, each.start_line, each.end_line) for each in plan.snippets] == [
        ("b.py", 7, 8)
    ]


def test_the_query_has_the_words_around_the_cursor() -> None:
    text = "class Basket:\n    def total(self):\n" + "        self.weigh(apples)\n" * 8
    plan = gather(Document("a.py", text), len(text), searching())
    assert {"Basket", "weigh", "apples"} <= set(plan.query.split())


def test_near_the_top_the_query_has_the_words_below() -> None:
    plan = gather(Document("a.py", "\n\nclass Basket:\n    pass\n"), 0, searching())
    assert "Basket" in plan.query.split()


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("def f():\n    ", "\nx = 1", True),
        ("def f():", "", True),
        ("call(", "\n", True),
        ("x = ", "\n", False),
        ("call(", ")", False),
        ("", "", True),
    ],
)
def test_where_more_than_a_line_is_wanted(before: str, after: str, expected: bool) -> None:
    assert wants_more_lines(before, after) is expected


def test_one_line_stops_at_its_end_unless_the_newline_is_still_to_come() -> None:
    assert gather(Document("a.py", "x = "), 4, None).stop == ("\n",)
    assert gather(Document("a.py", "a\n    )"), 6, None).stop == ()


@given(CODE, st.integers(0, 500))
def test_fit_lines_keeps_whole_lines(text: str, chars_max: int) -> None:
    kept = fit_lines(text, chars_max)
    assert len(kept) <= chars_max
    assert text.startswith(kept)
    assert kept in {"", text} or text[len(kept)] == "\n"


@given(st.integers(1, 10_000), st.integers(0, 3))
def test_shares_add_up_to_no_more_than_the_whole(tokens: int, snippets_max: int) -> None:
    shares = share_out(Limits(prompt_tokens=tokens, snippets_max=snippets_max))
    assert shares.prefix_chars + shares.suffix_chars + shares.snippet_chars <= tokens * 3
