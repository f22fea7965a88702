"""Which models a machine without a GPU carries: arithmetic on a rate that is given."""

import pytest

from hansa.models import speed
from hansa.models.catalog import card_of, catalog
from hansa.models.speed import Carried, carried, file_bytes

REFERENCE_BYTES_PER_S = 10.7e9
"""What the reference machine serves: 24 tokens of 98 MB in 0.22 s."""


def by_model(weights_per_s: float, memory_bytes: int = 1 << 40) -> dict[str, Carried]:
    return {each.model: each for each in carried(catalog().values(), weights_per_s, memory_bytes)}


def test_the_reference_machine_gives_the_figure_that_was_measured_there():
    embedded = by_model(REFERENCE_BYTES_PER_S)["smollm2-135m-instruct"]
    assert embedded.completion_ms == pytest.approx(220, rel=0.01)


def test_time_is_in_proportion_to_the_weights_that_are_read():
    found = by_model(100e9)
    small, large = found["qwen2.5-coder-1.5b"], found["qwen2.5-coder-7b"]
    assert large.completion_ms / small.completion_ms == pytest.approx(8098525600 / 1646573056)
    assert not large.in_time
    assert by_model(1000e9)["qwen2.5-coder-7b"].in_time


def test_the_fastest_comes_first():
    times = [each.completion_ms for each in carried(catalog().values(), 1e9, 1 << 40)]
    assert times == sorted(times)


def test_what_does_not_fit_memory_is_not_carried_however_fast():
    found = by_model(1e15, memory_bytes=1 << 30)
    assert not found["qwen2.5-coder-7b"].fits_memory
    assert not found["qwen2.5-coder-7b"].in_time
    assert found["qwen2.5-coder-0.5b"].in_time


def test_memory_is_weights_and_cache_and_engine():
    card = card_of("qwen2.5-coder-1.5b")
    found = by_model(1e9)[card.id]
    assert found.memory_bytes == 1646573056 + 2048 * 28_672 + 256 * 1024 * 1024


def test_only_single_gguf_files_count():
    assert file_bytes(card_of("grok-1")) == 0
    assert file_bytes(card_of("gpt-4o")) == 0
    assert file_bytes(card_of("smollm2-135m-instruct")) == 98_362_432
    assert file_bytes(card_of("qwen2.5-coder-0.5b")) == pytest.approx(525e6, rel=0.01), "worked out"


def test_the_rate_is_measured(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(speed, "COPY_BYTES", 1 << 20)
    assert 1e8 < speed.copied_per_second(2) < 1e13
    monkeypatch.setattr(speed, "copied_per_second", lambda threads: 20e9)
    assert speed.weights_per_second() == 10e9
