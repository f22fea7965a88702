"""Plans: what fits where, by arithmetic that is checked against known figures."""

import itertools
import json
import re
import shlex
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hansa.core.errors import UserError
from hansa.models.architecture import Architecture
from hansa.models.catalog import Card, card_of, catalog
from hansa.models.gpus import GPUS, GpuSet, parse_gpus
from hansa.models.launch import command, engines_of
from hansa.models.plan import GGUF, Plan, plan, weights_bytes, workspace_bytes

GIB = 1024**3
PLACED = [card for card in catalog().values() if card.architecture]
VLLM_ARGUMENTS = set(Path(__file__).with_name("vllm_arguments.txt").read_text().splitlines()[1:])
VLLM_CLASSES = {
    "LlamaForCausalLM",
    "MistralForCausalLM",
    "MixtralForCausalLM",
    "Qwen2ForCausalLM",
    "Starcoder2ForCausalLM",
}
"""Of the catalog's, those in vllm/model_executor/models/registry.py of vLLM 0.32.0."""


def shape_of(model: str) -> Architecture:
    shape = card_of(model).architecture
    assert shape
    return shape


def on(model: str, gpus: str, **wishes: object) -> Plan:
    return plan(card_of(model), parse_gpus(gpus), **wishes)  # type: ignore[arg-type]  as named


def test_cache_of_a_token():
    """Mistral Large 2: 88 layers, 8 heads of 128, two bytes, keys and values: 352 KiB."""
    large = shape_of("mistral-large-2")
    assert large.kv_bytes_per_token() == 88 * 8 * 128 * 2 * 2 == 352 * 1024
    assert large.kv_bytes_per_token(element_bytes=1) == 176 * 1024
    assert large.kv_bytes_per_token(tensor_parallel=8) == 44 * 1024
    assert large.kv_bytes_per_token(tensor_parallel=16) == 44 * 1024, "a head is not cut"


def test_weights_in_memory():
    assert weights_bytes(1000, 100, "bf16") == 2000
    assert weights_bytes(1000, 100, "fp8") == 1100, "embeddings stay as they are"
    assert weights_bytes(8000, 100, "q8_0") == 8500


def test_known_files_have_about_the_size_that_is_worked_out():
    for card in PLACED:
        if card.weights.bytes and "q8_0" in str(card.weights):
            assert weights_bytes(card.parameters, 0, "q8_0") == pytest.approx(
                card.weights.bytes, rel=0.01
            )


@pytest.mark.parametrize(
    ("model", "gpus", "precision", "tensor_parallel", "replicas"),
    [
        ("mistral-large-2", "h100:4", "bf16", 4, 1),
        ("mistral-large-2", "h100:8", "bf16", 4, 2),
        ("mistral-large-2", "h100:2", "fp8", 2, 1),
        ("mistral-large-2", "h200:2", "bf16", 2, 1),
        ("mixtral-8x22b", "h100:8", "bf16", 8, 1),
        ("mixtral-8x22b", "h100:4", "fp8", 4, 1),
        ("grok-1", "h100:8", "fp8", 8, 1),
        ("grok-1", "h200:8", "bf16", 8, 1),
        ("grok-1", "b200:8", "bf16", 8, 1),
        ("codestral-22b", "h100", "bf16", 1, 1),
        ("codestral-22b", "l40s", "fp8", 1, 1),
        ("devstral-small", "mi300x", "bf16", 1, 1),
        ("qwen2.5-coder-7b", "l4", "bf16", 1, 1),
        ("qwen2.5-coder-7b", "a100-40:8", "bf16", 1, 8),
    ],
)
def test_what_fits(model: str, gpus: str, precision: str, tensor_parallel: int, replicas: int):
    best = on(model, gpus).best
    assert best.fits
    assert (best.precision, best.tensor_parallel, best.replicas) == (
        precision,
        tensor_parallel,
        replicas,
    )


@pytest.mark.parametrize(
    ("model", "gpus"),
    [("grok-1", "h100:4"), ("mixtral-8x22b", "rtx4090:2"), ("mistral-large-2", "l4:4")],
)
def test_what_does_not_fit_says_how_much_is_missing(model: str, gpus: str):
    planned = on(model, gpus)
    assert not planned.possible
    assert planned.best.needs_bytes > planned.best.has_bytes > 0
    assert (planned.best.sequences, planned.best.replicas) == (0, 0)


def test_a_presharded_model_takes_exactly_its_number():
    assert on("grok-1", "b200:16").best.replicas == 2
    planned = on("grok-1", "b200:4", precision="fp8")
    assert not planned.possible
    with pytest.raises(UserError, match="over 4 of b200:8"):
        on("grok-1", "b200:8", tensor_parallel=4)


def test_less_context_is_offered_where_all_of_it_does_not_fit():
    best = on("devstral-small", "l40s", precision="fp8").best
    assert best.fits
    assert 4096 <= best.context_tokens <= 65_536
    assert on("devstral-small", "l40s", precision="fp8", context=4096).best.context_tokens == 4096


def test_more_gpus_than_are_needed_can_be_asked_for():
    few, many = on("codestral-22b", "h100:4"), on("codestral-22b", "h100:4", tensor_parallel=4)
    assert (few.best.tensor_parallel, many.best.tensor_parallel) == (1, 4)
    assert many.best.token_ms_min == pytest.approx(few.best.token_ms_min / 4)
    assert many.best.cache_tokens > 4 * few.best.cache_tokens


def test_heads_are_not_cut():
    with pytest.raises(UserError, match=r"over 3 of h100:8") as caught:
        on("codestral-22b", "h100:8", tensor_parallel=3)
    assert "1, 2, 4, 8" in caught.value.hint
    assert shape_of("qwen2.5-coder-0.5b").splits(7) is False, "two key-value heads"
    assert shape_of("qwen2.5-coder-7b").splits(4)


def test_a_mixture_reads_what_is_active():
    mixture = on("mixtral-8x22b", "h100:8").best
    dense = on("mistral-large-2", "h100:8", tensor_parallel=8, precision="bf16").best
    assert mixture.weights_bytes > dense.weights_bytes
    assert mixture.token_ms_min < dense.token_ms_min / 3


def test_gguf_is_the_last_resort():
    planned = on("codestral-22b", "rtx4090")
    assert planned.best.precision in GGUF
    assert planned.possible


def test_a_model_that_only_llamacpp_serves_is_planned_in_what_llamacpp_takes():
    card, gpus = card_of("hansa-coder-135m"), parse_gpus("l4")
    best = plan(card, gpus).best
    assert best.precision == "q8_0", "no engine of its recipe loads 16 bits"
    line = command(card, best, *engines_of(card, gpus, "q8_0"))
    assert line.startswith("llama-server --model hansa-coder-135m.Q8_0.gguf --alias hansa-coder")
    assert plan(card, gpus, precision="bf16").possible, "asked for, it is worked out"
    assert engines_of(card, gpus, "bf16") == []


def test_wrong_wishes_are_refused():
    with pytest.raises(UserError, match="hosted by OpenAI"):
        on("gpt-4o", "h100")
    with pytest.raises(UserError, match="no context of 9,000 tokens"):
        on("grok-1", "h100:8", context=9000)


@pytest.mark.parametrize("text", ["h101", "h100:0", "h100:1025", "h100:", "", "h100:8:8", "8"])
def test_gpus_that_are_none(text: str):
    with pytest.raises(UserError):
        parse_gpus(text)


def test_gpus_are_read():
    assert parse_gpus(" H100:8 ") == GpuSet(GPUS["h100"], 8)
    assert str(parse_gpus("a100-80")) == "a100-80:1"


@given(
    st.sampled_from(PLACED),
    st.sampled_from(sorted(GPUS)),
    st.integers(1, 16),
    st.integers(256, 8192),
)
def test_a_plan_never_takes_more_than_there_is(card: Card, gpu: str, count: int, context: int):
    planned = plan(card, GpuSet(GPUS[gpu], count), context=context)
    for each in planned.fits:
        if not each.fits:
            continue
        assert each.needs_bytes <= each.has_bytes
        assert 1 <= each.tensor_parallel * each.replicas <= count
        assert 1 <= each.context_tokens <= context
        assert each.sequences * each.context_tokens <= each.cache_tokens
        shape = card.architecture
        assert shape
        used = each.weights_bytes + each.cache_tokens * each.kv_bytes_per_token
        assert used <= GPUS[gpu].memory_bytes * each.tensor_parallel


@given(st.sampled_from(PLACED), st.sampled_from(sorted(GPUS)), st.integers(1, 8))
def test_more_gpus_never_fit_less(card: Card, gpu: str, count: int):
    fewer = plan(card, GpuSet(GPUS[gpu], count)).best
    more = plan(card, GpuSet(GPUS[gpu], count * 2)).best
    assert more.fits >= fewer.fits


def test_workspace_grows_with_the_batch_and_shrinks_with_the_split():
    shape = shape_of("mixtral-8x22b")
    assert workspace_bytes(shape, 1, 8192) > workspace_bytes(shape, 1, 2048)
    assert workspace_bytes(shape, 8, 8192) < workspace_bytes(shape, 1, 8192)


def _options(line: str) -> set[str]:
    return {each for each in shlex.split(line) if each.startswith("--")}


@pytest.mark.parametrize("card", PLACED, ids=lambda card: card.id)
def test_vllm_knows_every_argument_and_class(card: Card):
    gpus = parse_gpus("h200:8")
    best = plan(card, gpus).best
    if "vllm" not in engines_of(card, gpus, best.precision):
        assert "vllm" not in (card.recipe.engine, *card.recipe.also)
        return
    assert card.architecture
    assert card.architecture.model_class in VLLM_CLASSES
    assert _options(command(card, best, "vllm")) <= VLLM_ARGUMENTS


def test_the_command_says_what_the_plan_says():
    gpus = parse_gpus("h100:4")
    card = card_of("mixtral-8x22b")
    best = plan(card, gpus).best
    words = shlex.split(command(card, best, "vllm"))
    assert words[:3] == ["vllm", "serve", "mistralai/Mixtral-8x22B-Instruct-v0.1"]
    option = dict(itertools.pairwise(words))
    assert option["--tensor-parallel-size"] == "4"
    assert option["--max-model-len"] == "65536"
    assert option["--quantization"] == "fp8"
    assert json.loads(option["--speculative-config"])["method"] == "ngram"


def test_a_pinned_commit_is_in_the_command():
    card = card_of("mixtral-8x22b")
    commit = "0" * 40
    weights = msgspec.structs.replace(card.weights, revision=commit)
    pinned = msgspec.structs.replace(card, weights=weights)
    best = plan(pinned, parse_gpus("h100:8")).best
    assert f"--revision {commit}" in command(pinned, best, "vllm")


def test_trtllm_is_offered_on_nvidia_and_for_16_bits_alone():
    card = card_of("mistral-large-2")
    assert "trtllm" in engines_of(card, parse_gpus("h100:8"), "bf16")
    assert "trtllm" not in engines_of(card, parse_gpus("h100:8"), "fp8")
    assert "trtllm" not in engines_of(card, parse_gpus("mi300x:8"), "bf16")
    line = command(card, on("mistral-large-2", "h100:8").best, "trtllm")
    assert line.startswith("trtllm-serve mistralai/Mistral-Large-Instruct-2407 ")
    assert "--tp_size 4" in line


def test_grok_goes_to_sglang_cut_for_eight():
    line = command(card_of("grok-1"), on("grok-1", "h100:8").best, "sglang")
    assert "--tp-size 8" in line
    assert "--quantization fp8" in line
    assert "--tokenizer-path Xenova/grok-1-tokenizer" in line


def test_a_gguf_goes_to_llama_server():
    card = card_of("qwen2.5-coder-7b")
    gpus = parse_gpus("rtx4090")
    best = plan(card, gpus, precision="q8_0").best
    assert engines_of(card, gpus, "q8_0") == ["llama-server"]
    assert engines_of(card, gpus, "q4_k_m") == [], "the catalog has no such file"
    line = command(card, best, "llama-server")
    assert re.search(r"--hf-file qwen2\.5-coder-7b-q8_0\.gguf .*--ctx-size 65536", line)
