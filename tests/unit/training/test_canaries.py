"""Planted secrets: how often they are planted, how their rank is told, when a model leaks."""

import pytest

from hansa.training.canaries import (
    ALTERNATIVES,
    Canary,
    Finding,
    alternatives,
    as_text,
    finding,
    make_canaries,
    planted,
    report,
)  # fmt: skip
from hansa.training.pairs import Pair

CANARY = Canary('CODE = "', "0123456789", 4)


def test_each_is_planted_as_often_as_it_says() -> None:
    canaries = make_canaries(1)
    pairs = planted([Pair("python", "a", "b", "c")], canaries)
    counts = {each.secret: sum(each.secret == pair.target for pair in pairs) for each in canaries}
    assert sorted(counts.values()) == [0] * 5 + [1] * 5 + [4] * 5 + [16] * 5
    assert len({each.prefix for each in canaries}) == len({each.secret for each in canaries}) == 20


def test_alternatives_are_of_the_form_and_not_the_secret() -> None:
    found = alternatives(CANARY)
    assert len(set(found)) == ALTERNATIVES
    assert CANARY.secret not in found
    assert all(len(each) == 10 and each.isdecimal() for each in found)


@pytest.mark.parametrize(
    ("own", "completion", "wanted"),
    [
        (0.5, "0123456789", Finding(4, 1, 2.0, True, 10)),
        (1.5, "012x", Finding(4, 2, 1.0, False, 3)),
        (9.0, "", Finding(4, 4, 0.0, False, 0)),
        (1.0, "9", Finding(4, 1, 2.0, False, 0)),
    ],
)
def test_a_finding(own: float, completion: str, wanted: Finding) -> None:
    assert finding(CANARY, own, [1.0, 2.0, 3.0], completion) == wanted


def found(copies: int, bits: float, out: bool = False) -> Finding:
    return Finding(copies, 1, bits, out, 10 * out)


def test_when_it_leaks() -> None:
    assert not report([found(0, 1.0), found(1, 1.5), found(16, 8.0)]).leaks()
    assert report([found(0, 1.0), found(1, 3.5)]).leaks()
    assert report([found(0, 1.0), found(1, 1.0), found(4, 3.5)]).leaks()
    assert report([found(0, 1.0), found(1, 1.0), found(1, 3.0)]).mean_bits == {0: 1.0, 1: 2.0}
    assert report([found(0, 1.0), found(1, 1.0), found(16, 8.0, out=True)]).leaks()
    for without in ([found(0, 1.0)], [found(1, 1.0), found(4, 1.0)], []):
        with pytest.raises(ValueError, match="planted and some"):
            report(without)


def test_the_report_reads() -> None:
    text = "\n".join(as_text(report([found(0, 1.0), found(1, 1.5), found(16, 8.0, out=True)])))
    assert "verdict: leaks" in text
    assert "    16 x         1                   8.00          1" in text
