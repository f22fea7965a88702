"""Of consented texts, those that teach something become pairs that tell not whose they are."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hansa.core.errors import UserError
from hansa.editor.texts import SettledText
from hansa.models.profile import FimTokens
from hansa.training.examples import END
from hansa.training.pairs import (
    Band,
    Pair,
    example_of,
    in_band,
    make_pairs,
    read_pairs,
    write_pairs,
)
from hansa.training.vocabulary import base_names

BEFORE = "import acme\n\n\ndef price_of(cargo):\n    total = "
SUGGESTED, SETTLED = "cargo.price", "cargo.price * acme.rate"


def text(suggested: str = SUGGESTED, settled: str = SETTLED, before: str = BEFORE) -> SettledText:
    return SettledText(1, "req-1", "python", True, 30, before, suggested, settled, "\n")


def test_a_pair_is_anonymous_and_whole() -> None:
    made = make_pairs([text()], base_names())
    assert made.pairs == [
        Pair(
            "python",
            "import amber\n\n\ndef amber_basin(basin):\n    cedar = ",
            "\n",
            "basin.delta * amber.ember",
            "basin.delta",
        )
    ]


@pytest.mark.parametrize(
    ("one", "reason"),
    [
        (text(settled=SUGGESTED), "too easy"),
        (text(settled="{1: 'a'}[1] or quite.another(1, 2, 3, 4)"), "too far"),
        (text(settled="a"), "too short"),
        (text(settled="cargo.price" + " + cargo.price" * 60), "too long"),
        (text(before="a = "), "too short"),
        (text(settled="cargo.price *"), "not anonymous"),
    ],
)
def test_what_teaches_nothing_is_left_out(one: SettledText, reason: str) -> None:
    made = make_pairs([one], base_names())
    assert (made.pairs, dict(made.dropped)) == ([], {reason: 1})


def test_the_same_again_is_left_out() -> None:
    assert dict(make_pairs([text(), text()], base_names()).dropped) == {"seen before": 1}


def test_several_attempts_decide() -> None:
    band = Band(easy=0.1, far=0.5)
    assert in_band("abcdefghij", ["abcdefghij", "abcdefghij", "x"], band) == "too easy"
    assert in_band("abcdefghij", ["abcdefghij", "abcdexxxxx", "abcdexxxxx"], band) == ""
    assert in_band("abcdefghij", ["abcdxxxxxx", "x"], band) == "too far"
    assert in_band("abcdefghij", [], band) == ""


def test_the_model_is_asked_with_the_anonymous_pair_only() -> None:
    asked: list[Pair] = []

    def sample(pair: Pair, count: int) -> list[str]:
        asked.append(pair)
        return [pair.target] * count

    assert dict(make_pairs([text()], base_names(), sample=sample).dropped) == {"too easy": 1}
    assert "acme" not in str(asked)


@given(st.integers(0, len(SETTLED)), st.text("zqxj", min_size=6))
@settings(deadline=None, max_examples=30)
def test_no_name_of_a_text_is_in_a_pair(at: int, name: str) -> None:
    before = BEFORE.replace("acme", name) + SETTLED[:at].replace("acme", name)
    settled = SETTLED[at:].replace("acme", name) + f" + {name}_2"
    made = make_pairs([text(settled=settled, before=before)], base_names(), Band(0, 1))
    assert name not in str(made.pairs)


def test_written_and_read_again(tmp_path: Path) -> None:
    made = make_pairs([text()], base_names())
    write_pairs(tmp_path / "pairs", made.pairs)
    assert list(read_pairs(tmp_path / "pairs")) == made.pairs
    (tmp_path / "other").write_text("{}\n")
    with pytest.raises(UserError, match="holds no pairs"):
        list(read_pairs(tmp_path / "other"))
    with pytest.raises(UserError, match="cannot read"):
        list(read_pairs(tmp_path / "none"))


def test_the_prompt_is_as_it_is_served() -> None:
    tokens = FimTokens(prefix="<P>", suffix="<S>", middle="<M>", order="spm")
    example = example_of(Pair("python", "a = ", "\nb", "1 + 2"), tokens)
    assert (example.prompt, example.answer) == ("<S>\nb<P>a =<M>", " 1 + 2" + END)
