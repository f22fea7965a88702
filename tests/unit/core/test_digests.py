import json
import math

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hansa.core.digests import canonical_json, parse_canonical, salted_digest, sha256_hex
from hansa.core.errors import IntegrityError

SAFE = st.integers(-(2**53) + 1, 2**53 - 1)
FLOATS = st.floats(-1e15, 1e15)
VALUES = st.recursive(
    st.none() | st.booleans() | SAFE | FLOATS | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


class Coin(msgspec.Struct, frozen=True):
    worth: int
    name: str = ""


@given(VALUES)
def test_canonical_json_is_a_fixed_point(value: object) -> None:
    once = canonical_json(value)
    assert canonical_json(json.loads(once)) == once


@given(st.dictionaries(st.text(), SAFE, max_size=8))
def test_the_order_of_keys_does_not_matter(value: dict[str, int]) -> None:
    assert canonical_json(value) == canonical_json(dict(reversed(value.items())))


class Deep(msgspec.Struct, frozen=True):
    zebra: tuple[Coin, ...]
    alpha: str
    flag: bool
    _under: int = 0


@given(st.lists(st.builds(Coin, SAFE, st.text()), max_size=4), st.text(), st.booleans(), SAFE)
def test_the_quick_way_writes_what_the_standard_asks_for(
    coins: list[Coin], text: str, flag: bool, number: int
) -> None:
    deep = Deep(tuple(coins), text, flag, number)
    assert canonical_json(deep) == canonical_json(msgspec.to_builtins(deep))


@pytest.mark.parametrize("worth", [2**53, -(2**53), 10**16])
def test_integers_too_large_are_refused_in_structs_too(worth: int) -> None:
    with pytest.raises(IntegrityError, match="no canonical JSON"):
        canonical_json(Coin(worth))


def test_the_example_of_the_standard() -> None:
    """Source: RFC 8785, section 3.2.2 (input) and 3.2.4 (bytes)."""
    value = {
        "numbers": [333333333.33333329, 1e30, 4.50, 2e-3, 1e-27],
        "string": '\u20ac$\u000f\nA\'B"\\\\"/',
        "literals": [None, True, False],
    }
    assert canonical_json(value).decode() == (
        '{"literals":[null,true,false],'
        '"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],'
        '"string":"\u20ac$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
    )


@pytest.mark.parametrize("value", [math.nan, math.inf, 2**53, {"a": -(2**60)}])
def test_what_has_no_canonical_form_is_refused(value: object) -> None:
    with pytest.raises(IntegrityError, match="no canonical JSON"):
        canonical_json(value)


@given(SAFE, st.text())
def test_structs_are_read_back(worth: int, name: str) -> None:
    coin = Coin(worth, name)
    assert parse_canonical(canonical_json(coin), Coin) == coin


@pytest.mark.parametrize(
    "data",
    [
        b'{"name":"x","worth": 1}',
        b'{"worth":1,"name":"x"}',
        b'{"name":"x","worth":2,"worth":1}',
        b'{"extra":0,"name":"x","worth":1}',
        b'{"worth":1}',
        b'{"name":"x","worth":1.0}',
        b'{"name":"\\u0078","worth":1}',
        b'{"name":"x","worth":9007199254740993}',
        b'{"name":"x"}',
        b"",
        b"\xff",
        b'{"extra":' + b"[" * 100_000,
    ],
)
def test_only_one_encoding_of_a_document_is_read(data: bytes) -> None:
    with pytest.raises(IntegrityError):
        parse_canonical(data, Coin)


def test_a_salted_digest_needs_its_salt() -> None:
    assert salted_digest("s", "text") != salted_digest("t", "text") != sha256_hex(b"text")
    assert len(salted_digest("", "")) == 64
