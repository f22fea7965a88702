"""What each benchmark asks, and how it reads answers. Nothing of a model runs here unisolated."""

from pathlib import Path

import pytest

from hansa.core.errors import UserError
from hansa.evals.humaneval import HumanEval, chat_program
from hansa.evals.infill import Infill
from hansa.evals.latency import Latency
from hansa.evals.mmlu import Mmlu, chosen
from hansa.evals.part import digest_of, part
from hansa.evals.problems import Problem
from hansa.evals.question import Answer

PROBLEM = Problem(
    "T/0",
    'import math\n\n\ndef f(x):\n    """Twice."""\n',
    "f",
    "    y = 2\n\n    return x * y\n",
    "def check(candidate):\n    assert candidate(2) == 4\n",
)


def _answer(text: str) -> Answer:
    return Answer(text=text, ttft_ms=1.0, total_ms=1.0)


@pytest.mark.parametrize(
    "said",
    [
        "```python\ndef f(x):\n    return 2 * x\n```",
        "Sure, here it is:\n\n```\ndef f(x):\n    return 2 * x\n```\nDone.",
        "```python\ndef f(x):\n    return 2 * x\n",
        "def f(x):\n    return 2 * x",
        "```python\nreturn 2 * x\n```",
        "    return 2 * x",
    ],
)
def test_a_program_is_found_in_what_was_said(said: str):
    names: dict[str, object] = {}
    exec(chat_program(PROBLEM, said), names)
    assert names["f"](2) == 4  # type: ignore[operator]  a function


def test_a_body_continues_where_the_prompt_was_cut():
    asked = HumanEval([PROBLEM], mode="complete").questions[0]
    assert asked.prompt.endswith('"""Twice."""')
    assert asked.kind == "complete"
    assert "\ndef " in asked.stop


async def test_a_line_counts_to_its_end():
    benchmark = Infill([PROBLEM], "single-line")
    first, last = benchmark.questions
    assert (first.suffix, first.newlines_max) == ("\n\n    return x * y\n", 1)
    score = await benchmark.score(last, _answer("\n    return x * y  \n\nprint("))
    assert (score.exact, score.similarity, score.passed) == (True, 1.0, None)
    assert not (await benchmark.score(last, _answer("\nreturn x * y"))).exact


async def test_a_bare_model_writes_the_newline_again():
    benchmark = Infill([PROBLEM], "single-line", prefix_only=True)
    first, last = benchmark.questions
    assert (first.prompt[-3:], first.suffix, first.newlines_max) == ('"""', "", 1)
    assert (await benchmark.score(last, _answer("\n    return x * y\nprint("))).exact
    assert (await benchmark.score(first, _answer("\n    y = 2\n"))).exact
    contradicts = await benchmark.score(first, _answer("    y = 2"))
    assert (contradicts.text, contradicts.exact) == ("", False)


async def test_several_lines_count_as_many_as_are_missing():
    benchmark = Infill([PROBLEM], "multi-line")
    both = benchmark.questions[1]
    assert both.newlines_max == 3
    score = await benchmark.score(both, _answer("\n    y = 2\n\n    return x * y\nmore"))
    assert score.exact


async def test_a_span_counts_wholly():
    benchmark = Infill([PROBLEM], "random-span")
    assert len(benchmark.questions) == 10
    assert all(each.newlines_max == -1 for each in benchmark.questions)


def test_latency_asks_the_same_completions_each_time(problems: tuple[Problem, ...]):
    asked = Latency(problems, count=20).questions
    assert asked == Latency(problems, count=20).questions
    assert len({each.task_id for each in asked}) == 20
    assert all(each.newlines_max == -1 for each in asked)


def test_a_part_is_chosen_over_all(problems: tuple[Problem, ...]):
    whole = HumanEval(problems)
    some = part(whole, 4).questions
    assert [each.task_id for each in some] == [f"HumanEval/{n}" for n in (0, 41, 82, 123)]
    assert part(whole, 1000) is whole
    assert digest_of(some) != digest_of(whole.questions)


@pytest.fixture
def mmlu(tmp_path: Path) -> Path:
    for name in ("dev", "test"):
        (tmp_path / name).mkdir()
    shown = "".join(f'"Example {n}?",a,b,c,d,{"ABCD"[n % 4]}\n' for n in range(7))
    (tmp_path / "dev" / "high_school_history_dev.csv").write_text(shown)
    asked = '"Which, of these?",one,two,three,four,C\nNext?,1,2,3,4,A\n'
    (tmp_path / "test" / "high_school_history_test.csv").write_text(asked)
    return tmp_path


async def test_mmlu_shows_five_and_asks_one(mmlu: Path):
    benchmark = Mmlu(mmlu)
    first, second = benchmark.questions
    assert first.task_id == "MMLU/high_school_history/0"
    assert "about high school history.\n\nExample 0?" in first.prompt
    assert first.prompt.count("Answer:") == 6
    assert first.prompt.endswith("Which, of these?\nA. one\nB. two\nC. three\nD. four\nAnswer:")
    assert (await benchmark.score(first, _answer(" C"))).exact
    assert not (await benchmark.score(second, _answer(" C"))).exact


@pytest.mark.parametrize(
    ("said", "letter"),
    [(" B", "B"), ("(D) because", "D"), ("The answer is C.", "C"), ("ABBA", ""), ("", "")],
)
def test_the_first_letter_alone_is_chosen(said: str, letter: str):
    assert chosen(said) == letter


def test_a_folder_that_is_not_mmlus_is_refused(tmp_path: Path, mmlu: Path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="holds no test"):
        Mmlu(tmp_path / "empty")
    (mmlu / "test" / "high_school_history_test.csv").write_text("a,b\n")
    with pytest.raises(UserError, match="row 1: no question"):
        Mmlu(mmlu)
