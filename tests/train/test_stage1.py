# pyright: basic, reportMissingImports=false
"""Stage 1 for real, in small: corpus to adapter to GGUF to another completion; `kill -9`."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from hansa.models.merging import merge
from hansa.training.record import losses_of, read_record

pytestmark = [pytest.mark.train, pytest.mark.timeout(600)]

RECIPE = """
name = "tiny"
base = "{base}"
seed = 3
precision = "{precision}"
[fim]
other_middle = "<issue_closed>"
window_chars = 200
middle_chars = 60
per_chars = 400
[fim.tokens]
prefix = "<issue_comment>"
suffix = "<issue_start>"
middle = ""
order = "spm"
[fim.cuts]
characters = 0.5
line = 0.5
[lora]
rank = 4
alpha = 8
first_layer = {first_layer}
[steps]
count = {count}
rows = 2
row_tokens = 192
learning_rate = {rate}
warmup = 2
checkpoint = 4
held_out_rows = 4
"""


TINY = {"precision": "fp32", "first_layer": 0, "count": 12, "rate": 0.01}


def train(
    tmp_path: Path, corpus: Path, run: str, *more: str, by: tuple[str, ...] = (sys.executable,),
    **settings: object,
) -> subprocess.Popen[bytes]:  # fmt: skip
    recipe = tmp_path / f"{run}.toml"
    recipe.write_text(RECIPE.format(**settings))
    command = [*by, "-m", "hansa.cli", "train", str(recipe), "--corpus", str(corpus),
               "--out", str(tmp_path / run), "--json", *more]  # fmt: skip
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env=os.environ | {"RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0", "OMP_NUM_THREADS": "1"},
    )  # fmt: skip


def finished(process: subprocess.Popen[bytes]) -> dict[str, object]:
    out, said = process.communicate(timeout=500)
    assert process.returncode == 0, said.decode()[-2000:]
    return json.loads(out[out.index(b"{") :])


def test_a_killed_run_goes_on_to_the_same_losses(tmp_path: Path, corpus: Path, tiny_base: Path):
    settings = TINY | {"base": tiny_base}
    finished(train(tmp_path, corpus, "whole", **settings))
    broken = train(tmp_path, corpus, "broken", **settings)
    latest = tmp_path / "broken/checkpoints/latest"
    while not latest.exists():
        assert broken.poll() is None
        os.sched_yield()
    broken.send_signal(signal.SIGKILL)
    broken.communicate()
    assert not (tmp_path / "broken/run.json").exists()
    finished(train(tmp_path, corpus, "broken", **settings))
    whole, again = (list(losses_of(tmp_path / run)) for run in ("whole", "broken"))
    took = sum(each.seconds for each in again)
    assert read_record(tmp_path / "broken").seconds >= round(took, 1), "of both starts"
    assert [each.step for each in again] == list(range(12))
    assert [each.loss for each in again] == pytest.approx([each.loss for each in whole], abs=1e-6)
    assert whole[-1].held_out is not None
    assert whole[-1].held_out < whole[3].held_out


def test_a_small_corpus_is_cut_anew_before_rows_are_taken_twice(
    tmp_path: Path, corpus: Path, tiny_base: Path
):
    finished(train(tmp_path, corpus, "long", **TINY | {"base": tiny_base, "count": 40}))
    assert read_record(tmp_path / "long").rows == 80


def test_two_processes_learn_the_same_however_they_are_started(
    tmp_path: Path, corpus: Path, tiny_base: Path
):
    """By Accelerate on one machine and by Ray Train, from the same recipe."""
    launcher = (
        str(Path(sys.executable).with_name("accelerate")), "launch", "--cpu",
        "--num_processes", "2", "--num_machines", "1", "--mixed_precision", "no",
        "--dynamo_backend", "no",
    )  # fmt: skip
    settings = TINY | {"base": tiny_base, "count": 4}
    finished(train(tmp_path, corpus, "accelerated", by=launcher, **settings))
    finished(train(tmp_path, corpus, "by_ray", "--ray", "2", **settings))
    first, second = (list(losses_of(tmp_path / run)) for run in ("accelerated", "by_ray"))
    assert [each.loss for each in first] == pytest.approx([each.loss for each in second], abs=1e-6)
    assert len(first) == 4


def test_corpus_to_adapter_to_gguf_to_another_completion(
    tmp_path: Path, corpus: Path, weights: Path
):
    settings = {
        "base": "smollm2-135m-instruct", "precision": "bf16", "first_layer": 27, "count": 8,
        "rate": 0.01,
    }  # fmt: skip
    said = finished(train(tmp_path, corpus, "run", **settings))
    run = tmp_path / "run"
    record = read_record(run)
    assert said["files"] == record.files
    assert record.last_held_out < 4
    assert (run / "losses.png").stat().st_size > 1000
    merged = run / "merged.gguf"
    merge(weights, run / "adapter.gguf", merged, lambda _done, _all: None)

    plain, adapted, folded = (
        completions(weights), completions(weights, run / "adapter.gguf"), completions(merged)
    )  # fmt: skip
    assert adapted != plain, "the adapter changes what is said"
    assert folded == adapted, "merged, it changes it alike"


def test_both_engines_say_the_same_with_the_adapter(tmp_path: Path, corpus: Path, weights: Path):
    """The order of rows in GGUF is right: transformers and llama.cpp choose the same tokens."""
    import torch
    from transformers import AutoTokenizer

    from hansa.models.catalog import card_of
    from hansa.training import lora
    from hansa.training.base_model import load_base
    from hansa.training.gguf_adapter import write_gguf
    from hansa.training.recipe import Lora

    base = load_base(weights, "fp32", card_of("smollm2-135m-instruct").profile)
    torch.manual_seed(5)
    model = lora.attach(base.model, Lora(rank=4, alpha=8.0))
    with torch.no_grad():
        for name, each in model.named_parameters():
            if "lora_B" in name:
                each.normal_(std=0.06)
    lora.save(model, tmp_path)
    write_gguf(tmp_path, tmp_path / "a.gguf", heads=9, kv_heads=3, name="random")
    prompt = "def add(first, second):\n    return"
    tokens = torch.tensor([base.tokenize(prompt)])
    with torch.no_grad():
        scores = torch.log_softmax(model(input_ids=tokens).logits[0, -1].float(), -1)
        bare = torch.log_softmax(load_base(weights, "fp32", base.profile).model(
            input_ids=tokens).logits[0, -1].float(), -1)  # fmt: skip
    tokenizer = AutoTokenizer.from_pretrained(weights.parent, gguf_file=weights.name)
    said = first_choices(weights, tmp_path / "a.gguf", prompt)
    ours = {tokenizer.decode([index]): float(scores[index]) for index in scores.topk(5).indices}
    close = [abs(said[text] - value) for text, value in ours.items() if text in said]
    assert len(close) >= 4
    assert max(close) < 0.35, (said, ours)
    assert float((scores - bare).abs().max()) > 1, "the adapter is strong enough to tell"


PROMPTS = ("def add(a, b):\n    return", "class Queue:\n    def", "import os\n\nfor name in")


def completions(model: Path, adapter: Path | None = None) -> list[str]:
    return [said["content"] for said in asked(model, adapter, PROMPTS, n_predict=8)]


def first_choices(model: Path, adapter: Path, prompt: str) -> dict[str, float]:
    (said,) = asked(model, adapter, [prompt], n_predict=1, n_probs=10)
    (token,) = said["completion_probabilities"]
    return {each["token"]: each["logprob"] for each in token["top_logprobs"]}


def asked(model: Path, adapter: Path | None, prompts, **more) -> list[dict]:
    """What llama.cpp answers, in a process of its own, greedy."""
    job = {
        "model": str(model),
        "adapter": str(adapter or ""),
        "prompts": list(prompts),
        "more": more,
    }
    done = subprocess.run(
        [sys.executable, "-c", _ASK], input=json.dumps(job).encode(), capture_output=True,
        check=True, timeout=300,
    )  # fmt: skip
    return json.loads(done.stdout.splitlines()[-1])


_ASK = """
import json, os, sys, urllib.request
import xllamacpp
job = json.load(sys.stdin)
params = xllamacpp.CommonParams()
params.model.path, params.hostnames, params.port = job["model"], ["127.0.0.1"], 0
params.n_ctx, params.n_parallel, params.warmup, params.verbosity = 512, 1, False, 0
params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 2
if job["adapter"]:
    info = xllamacpp.CommonAdapterLoraInfo()
    info.path, info.scale = job["adapter"], 1.0
    params.lora_adapters = [info]
server = xllamacpp.Server(params)
answers = []
for prompt in job["prompts"]:
    body = {"prompt": prompt, "temperature": 0, "cache_prompt": False} | job["more"]
    request = urllib.request.Request(
        server.listening_address + "/completion", json.dumps(body).encode(),
        {"content-type": "application/json"})
    answers.append(json.loads(urllib.request.urlopen(request, timeout=200).read()))
print(json.dumps(answers), flush=True)
os._exit(0)
"""
