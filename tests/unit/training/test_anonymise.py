"""What comes out of the anonymiser could be anybody's: nothing planted survives anywhere."""

import keyword
import re
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hansa.training.anonymise import Scene, anonymise, extension_of
from hansa.training.pseudonyms import Pseudonyms
from hansa.training.vocabulary import Census, base_names, library_names

IDENTIFIER_PLACES = (
    "{} = 1", "def {}(a): pass", "class {}(object): x = 1", "import {}", "import os.{} as b",
    "from {} import *", "from . import a as {}", "a.{}(b)", "f({}=1)", "f(*{}, **b)",
    "@{}\ndef f(): ...",
    "a: {} = 2", "def f(*, {}: int = 1) -> None: ...", 'f"{{{}!r:>10}}"', 'f"{{{}=}}"',
    "lambda {}: 0", "[{} for a in b]", "{{{}: 1}}", "global {}", "type {} = int", "del {}",
    "match a:\n    case {}(b=1): pass", "match a:\n    case {{'k': 1, **{}}}: pass",
    "with a as {}: pass", "try: pass\nexcept {} as e: pass", "if ({} := 1): pass",
    "for {} in a: pass", "async def f():\n    await {}", "def f[{}](a): pass", "raise {}",
)  # fmt: skip
LITERAL_PLACES = (
    'a = "{}"', "a = '''{}'''", 'a = b"{}"', 'a = r"{}"', 'f(k="x {} y")', 'a = ["{}", 1]',
    'f"{}{{a}}"', 'f"{{a}} {}"', '"{}"', 'def f():\n    """{}"""', 'a = "b" "{}"', 'd["{}"]',
    "# {}", "a = 1  # {}", "#!/bin/{}\na = 1", "def f():\n    # {}\n    return 1", "a = 1 #{}",
    'a = f"""\n{}\n"""', "# type: {}", 'match a:\n    case "{}": pass', 'f"{{a:{}}}"', 'a = u"{}"',
    'a = "\\n{}"', 'f"{{{{{}}}}}"', 'class A:\n    "{}"\n    x = 1', '__all__ = ["{}"]',
)  # fmt: skip
LETTERS = string.ascii_letters + string.digits

marks = st.text(LETTERS, min_size=6, max_size=16)
names = st.tuples(
    st.sampled_from(["", "_", "__"]),
    st.sampled_from(["q", "Q"]),
    marks,
    st.sampled_from(["", "_", "_x", "__"]),
).map("".join)
secrets = st.text(LETTERS + "-_.+/=:@ é", min_size=6, max_size=40).map(lambda text: f"q{text}9")


def fresh(kept: frozenset[str] | None = None) -> Pseudonyms:
    return Pseudonyms(base_names() if kept is None else kept)


def once(text: str) -> str | None:
    done = anonymise(Scene("", text, ""), fresh())
    return done.text if done else None


@given(st.lists(st.tuples(st.sampled_from(IDENTIFIER_PLACES), names), min_size=1, max_size=5))
@settings(deadline=None, max_examples=60)
def test_no_planted_identifier_survives(planted: list[tuple[str, str]]):
    text = "\n".join(place.format(name) for place, name in planted) + "\n"
    done = once(text)
    assert done is not None, text
    assert once(done) is not None
    for _, name in planted:
        assert name.strip("_").replace("_", "").lower() not in done.replace("_", "").lower()


@given(st.lists(st.tuples(st.sampled_from(LITERAL_PLACES), secrets), min_size=1, max_size=4))
@settings(deadline=None, max_examples=60)
def test_no_planted_secret_survives(planted: list[tuple[str, str]]):
    text = "\n".join(place.format(secret) for place, secret in planted) + "\n"
    done = once(text)
    if done is None:  # Dropped is safe too; a format of a value cannot be anything.
        return
    for _, secret in planted:
        assert secret not in done
        assert not any(part in done for part in re.findall(r"[A-Za-z0-9]{6,}", secret))


@given(st.text(max_size=200))
@settings(deadline=None)
def test_any_text_is_made_anonymous_or_dropped(text: str):
    done = once(text)
    words = set(re.findall(r"\w+", done or ""))
    known = {*base_names(), *keyword.kwlist}
    assert all(_from_here(each, known) for each in words), done


@given(st.sampled_from(IDENTIFIER_PLACES), names, st.data())
@settings(deadline=None)
def test_wherever_the_cut_is_the_parts_make_the_whole(place: str, name: str, data: st.DataObject):
    text = f"a = 1  # {name}\n{place.format(name)}\n# {name}\nb = '{name}'\n"
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    cut = anonymise(Scene(text[:start], text[start:end], text[end:]), fresh())
    assert cut is not None
    assert cut.text == once(text)


def test_a_cut_inside_of_a_name_takes_in_the_whole_name():
    done = anonymise(Scene("total = ship", "ments + 1", "\n"), fresh(frozenset({"total"})))
    assert done == Scene("total = ", "amber + 1", "\n")


def test_one_name_in_all_texts_of_a_set_and_one_stem_in_all_forms():
    shared = fresh()
    first = anonymise(
        Scene("", "class UserRow: pass\nuser_row = UserRow()\nUSER_ROW = 1\n", ""), shared
    )
    second = anonymise(Scene("", "_userRow = zebra\n", ""), shared)
    assert first is not None
    assert second is not None
    assert first.text == "class AmberBasin: pass\namber_basin = AmberBasin()\nAMBER_BASIN = 1\n"
    assert second.text == "_amberBasin = amber\n"


def test_different_names_stay_different():
    shared = fresh()
    many = [f"name{a}{b}" for a in "abcdefghij" for b in string.ascii_lowercase]
    many += [f"two_{each}" for each in many]
    given_names = [shared.name(each) for each in many]
    assert len(set(given_names)) == len(many)


def test_literals_keep_their_kind_and_are_told_apart():
    done = once("a = (17, 18, 17, 0x1F, 2.75, 3j, 'x y', b'zz', 'x y', 1, 0.5, ', ', 'rb')\n")
    assert done == ("a = (3, 4, 3, 0x3, 2.5, 5j, 'text1', b'text2', 'text1', 1, 0.5, ', ', 'rb')\n")


def test_comments_go_with_their_lines():
    assert once("# one\na = 1  # two\n    # three\nb = 2\n# four") == "a = 1\nb = 2\n"


@pytest.mark.parametrize(
    "text",
    ["def f(:", "a = $b", "x = 'open", "a = 1\nthis is prose and no code\n", "\ud800", "\x00a = 1"],
)
def test_what_does_not_parse_is_dropped(text: str):
    assert once(text) is None


def test_a_name_is_told_only_if_public_and_used_by_enough():
    census = Census()
    for developer in ("one", "two", "three"):
        for file in ("a", "b"):
            census.count(developer, file, "import json\njson.dumps(our_secret)\n")
    census.count("one", "c", "import pathlib\n" * 9)
    kept = census.kept(developers_min=3, files_min=6)
    assert {"json", "dumps", "self", "print"} <= kept
    assert not {"our_secret", "pathlib"} & kept
    assert "json" not in census.kept(developers_min=4)
    assert "json" not in census.kept(developers_min=3, files_min=7)
    assert "our_secret" in census.kept(["our_secret"], files_min=6)
    with pytest.raises(ValueError, match="at least one"):
        census.kept(developers_min=0)


def test_what_is_kept_stays():
    text = "import json\nfor i in range(2):\n    print(json.dumps(i))\n"
    done = anonymise(Scene("", text, ""), fresh(base_names() | library_names()))
    assert done is not None
    assert done.text == text


@pytest.mark.parametrize(
    ("path", "told"),
    [("/srv/acme/plan.py", ".py"), ("C:\\acme\\x.TS", ".ts"), ("secret", ""), ("a.ourkind", ""),
     ("a.b/c", "")],
)  # fmt: skip
def test_of_a_path_its_extension_is_told(path: str, told: str):
    assert extension_of(path) == told


def _from_here(word: str, known: set[str]) -> bool:
    """Whether a word is of the language, or one of ours."""
    ours = re.compile(
        r"_{0,2}(?:[a-z]{5}_?){1,2}\d*_{0,2}|text\d+|Text|0[xob][0-9a-f]+|\d+j?|[rbuft]+"
    )
    return word in known or ours.fullmatch(word.lower()) is not None or len(word) == 1
