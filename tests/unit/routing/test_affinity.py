"""What a replica has read is remembered, up to a bound."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hansa.routing import affinity
from hansa.routing.affinity import BLOCK_CHARS, BLOCKS_MAX, PrefixMemory


@pytest.fixture
def memory() -> PrefixMemory:
    return PrefixMemory()


def test_a_prompt_that_goes_on_is_warm_up_to_where_it_differs(memory: PrefixMemory):
    old = "a" * BLOCK_CHARS + "b" * BLOCK_CHARS
    memory.remember("r", old)
    assert memory.warm_chars("r", old) == 2 * BLOCK_CHARS
    assert memory.warm_chars("r", old + "c" * 999) == 2 * BLOCK_CHARS
    assert memory.warm_chars("r", "a" * BLOCK_CHARS + "x") == BLOCK_CHARS
    assert memory.warm_chars("r", "x" + old) == 0
    assert memory.warm_chars("r", "") == 0


def test_replicas_do_not_share_a_cache(memory: PrefixMemory):
    memory.remember("r", "a" * BLOCK_CHARS)
    assert memory.warm_chars("s", "a" * BLOCK_CHARS) == 0


def test_the_same_block_elsewhere_is_not_warm(memory: PrefixMemory):
    memory.remember("r", "a" * BLOCK_CHARS + "b" * BLOCK_CHARS)
    assert memory.warm_chars("r", "b" * BLOCK_CHARS) == 0
    assert memory.warm_chars("r", "c" * BLOCK_CHARS + "b" * BLOCK_CHARS) == 0


def test_a_replica_that_was_restarted_is_forgotten(memory: PrefixMemory):
    memory.remember("r", "a" * BLOCK_CHARS)
    memory.remember("s", "a" * BLOCK_CHARS)
    memory.forget("r")
    assert memory.warm_chars("r", "a" * BLOCK_CHARS) == 0
    assert memory.warm_chars("s", "a" * BLOCK_CHARS) == BLOCK_CHARS


def test_memory_is_bounded_and_the_oldest_goes_first(
    memory: PrefixMemory, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(affinity, "ENTRIES_MAX", 3)
    for text in "abc":
        memory.remember("r", text)
    memory.remember("r", "a")
    memory.remember("r", "d")
    assert len(memory._seen) == 3
    assert [memory.warm_chars("r", text) for text in "abcd"] == [1, 0, 1, 1]


def test_only_the_beginning_of_a_long_prompt_is_remembered(memory: PrefixMemory):
    memory.remember("r", "a" * BLOCK_CHARS * (BLOCKS_MAX + 10))
    assert len(memory._seen) == BLOCKS_MAX


@given(st.text(max_size=2000), st.text(max_size=2000))
def test_what_is_warm_is_a_common_beginning(old: str, new: str):
    memory = PrefixMemory()
    memory.remember("r", old)
    warm = memory.warm_chars("r", new)
    assert new[:warm] == old[:warm]
    assert 0 <= warm <= min(len(old), len(new))
