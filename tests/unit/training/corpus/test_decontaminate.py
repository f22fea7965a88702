"""No document shares ten words in a row with the evals."""

import json
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hansa.core.errors import UserError
from hansa.training.corpus.decontaminate import RUN_WORDS, Evals, texts_of
from hansa.training.corpus.tokens import runs, word_hashes

WORDS = st.lists(st.sampled_from([f"w{n}" for n in range(40)]), min_size=0, max_size=60)


@given(WORDS, WORDS)
def test_it_finds_what_a_plain_search_finds(evals: list[str], document: list[str]):
    def plain(words: list[str]) -> set[tuple[str, ...]]:
        return {tuple(words[at : at + RUN_WORDS]) for at in range(len(words) - RUN_WORDS + 1)}

    found = Evals([" ".join(evals)]).leaks_into(word_hashes(" ".join(document)))
    assert found == bool(plain(evals) & plain(document))


@given(st.integers(0, 2**32), st.integers(0, 50), st.integers(0, 10))
def test_a_planted_leak_is_found_in_any_layout(seed: int, before: int, start: int):
    chance = random.Random(seed)
    problem = [f"name{chance.randrange(1000)}" for _ in range(RUN_WORDS + 10)]
    leak = problem[start : start + RUN_WORDS]
    spread = "".join(f"{each.upper()}{chance.choice([' ', '  ', '(', ', ', chr(10)])}"
                     for each in leak)  # fmt: skip
    document = "x = 1\n" * before + spread + "\ny = 2\n"
    assert Evals([" ".join(problem)]).leaks_into(word_hashes(document))
    shorter = " ".join(leak[:-1])
    assert not Evals([" ".join(problem)]).leaks_into(word_hashes(f"a {shorter} b"))


def test_runs_are_as_many_as_there_are_places():
    words = word_hashes("a b c d")
    assert [len(runs(words, length)) for length in (1, 4, 5)] == [4, 1, 0]
    assert len(set(runs(words, 2).tolist())) == 3


def test_a_short_text_is_counted_and_nothing_is_looked_for():
    evals = Evals(["return a + b"])
    assert (evals.texts, evals.too_short, len(evals.runs)) == (1, 1, 0)
    assert not evals.leaks_into(word_hashes("return a + b"))


def test_texts_of_json_lines_are_each_alone_and_together(tmp_path: Path):
    path = tmp_path / "evals.jsonl"
    path.write_text(json.dumps("one") + "\n\n" + json.dumps({"p": "two", "n": 3, "s": "four"}))
    assert texts_of(path) == ["one", "two", "four", "two\nfour"]


def test_what_is_not_json_is_refused(tmp_path: Path):
    path = tmp_path / "evals.jsonl"
    path.write_text("{")
    with pytest.raises(UserError, match="not JSON lines"):
        texts_of(path)
    with pytest.raises(UserError, match="cannot read"):
        texts_of(tmp_path / "none")
