"""Texts are off until asked by name, bounded, of one language, and erased without a trace."""

from pathlib import Path

import pytest

from hansa.editor import texts as module
from hansa.editor.events import Events
from hansa.editor.texts import AROUND_CHARS_MAX, SETTLED_CHARS_MAX, SettledText, Texts, around

SECRET = "zq_secret_line"


def text(language: str = "python", settled: str = SECRET) -> SettledText:
    return SettledText(1, "req-1", language, True, 30, "a = 1\n", "b = 1", settled, "\n")


def test_consent_to_events_is_not_consent_to_texts(tmp_path: Path) -> None:
    Events(tmp_path).switch(on=True)
    texts = Texts(tmp_path)
    texts.record(text())
    texts.switch(on=False)
    assert (texts.is_on(), list(texts.all()), texts.erase()) == (False, [], 0)
    assert not texts.path.exists()


def test_kept_while_on_and_only_python(tmp_path: Path) -> None:
    texts = Texts(tmp_path)
    texts.switch(on=True)
    texts.record(text())
    texts.record(text("rust"))
    texts.switch(on=False)
    texts.record(text(settled="c = 1"))
    assert list(texts.all()) == [text()]
    assert texts.path.stat().st_mode & 0o077 == 0


def test_the_oldest_go_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TEXTS_MAX", 2)
    texts = Texts(tmp_path)
    texts.switch(on=True)
    for number in range(4):
        texts.record(text(settled=str(number)))
    assert [each.settled for each in texts.all()] == ["2", "3"]


def test_erased_leaves_nothing_in_the_file(tmp_path: Path) -> None:
    texts = Texts(tmp_path)
    texts.switch(on=True)
    texts.record(text())
    assert SECRET.encode() in texts.path.read_bytes()
    assert texts.erase() == 1
    assert SECRET.encode() not in texts.path.read_bytes()
    assert texts.is_on()


def test_around_takes_whole_statements() -> None:
    function = "def f():\n    return 1\n\n\n"
    code = function * 600
    start = code.index("return", len(code) // 2)
    sides = around(code, start, start + len("return 1"))
    assert sides is not None
    before, after = sides
    assert before.startswith("def f():\n    return 1\n")
    assert after.endswith("\n\n\n")
    assert AROUND_CHARS_MAX - 100 < len(before) <= AROUND_CHARS_MAX
    assert AROUND_CHARS_MAX - 100 < len(after) <= AROUND_CHARS_MAX
    assert around("a = 1\n", 0, 5) == ("", "\n")


def test_around_gives_up_inside_of_something_long() -> None:
    long = "f(\n" + "    1,\n" * 2_000 + ")\n"
    assert around(long, 7_000, 7_001) is None
    assert around(long, 10, 11) is None
    assert around("a = 1\n" * 1_000, 0, SETTLED_CHARS_MAX + 1) is None
