"""`hansa model`, without a network."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from hansa.models import catalog, wheel
from hansa.models.catalog import Card, card_of
from hansa.models.weights import Hub, HubFile, Wheel
from support.hub import COMMIT, serve_hub
from support.hub import Hub as StandIn

DATA = b"weights"
FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Card:
    """The one model there is, of seven bytes; fetching it writes them."""
    real = card_of("smollm2-135m-instruct")
    assert isinstance(real.weights, Wheel)
    weights = msgspec.structs.replace(
        real.weights, sha256=hashlib.sha256(DATA).hexdigest(), bytes=len(DATA)
    )
    small = msgspec.structs.replace(real, weights=weights)

    def download(weights: Wheel, folder: Path) -> Path:
        path = folder / weights.file
        path.write_bytes(DATA)
        return path

    monkeypatch.setattr(catalog, "catalog", lambda: {small.id: small})
    monkeypatch.setattr(wheel, "_download", download)
    monkeypatch.setenv("HANSA_STATE_DIR", str(tmp_path / "state"))
    return small


def place(card: Card, tmp_path: Path, data: bytes = DATA) -> Path:
    assert isinstance(card.weights, Wheel)
    path = tmp_path / "state" / "models" / card.weights.file
    path.parent.mkdir(parents=True)
    path.write_bytes(data)
    return path


async def test_the_list_says_what_is_here(run, card: Card, tmp_path: Path):
    ran = await run("model", "list")
    assert ran.code == 0
    assert "not here; `hansa model pull` fetches it" in ran.out
    path = place(card, tmp_path)
    assert str(path) in (await run("model", "list")).out
    [row] = json.loads((await run("model", "list", "--json")).out)
    assert (row["id"], row["present"], row["path"]) == (card.id, True, str(path))


async def test_pull_prints_the_path_and_fetches_once(
    run, card: Card, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    path = tmp_path / "state" / "models" / FILE
    ran = await run("model", "pull", card.id)
    assert (ran.code, ran.out) == (0, f"{path}\n")
    assert "fetching the weights" in ran.err
    monkeypatch.setattr(wheel, "_download", None)
    again = await run("model", "pull", card.id, "--json")
    assert json.loads(again.out) == {"model": card.id, "path": str(path)}
    assert again.err == ""


async def test_a_state_folder_can_be_named(run, card: Card, tmp_path: Path):
    ran = await run("model", "pull", card.id, "--state-dir", str(tmp_path / "other"))
    assert ran.out == f"{tmp_path / 'other' / 'models' / FILE}\n"


async def test_verify(run, card: Card, tmp_path: Path):
    missing = await run("model", "verify", card.id)
    assert missing.code == 2
    assert "hint: fetch them with `hansa model pull" in missing.err
    path = place(card, tmp_path)
    assert card.weights.sha256 in (await run("model", "verify", card.id)).out
    assert json.loads((await run("model", "verify", card.id, "--json")).out)["path"] == str(path)
    path.write_bytes(b"Weights")
    damaged = await run("model", "verify", card.id)
    assert damaged.code == 1
    assert "is damaged" in damaged.err
    assert (await run("model", "pull", card.id)).code == 0
    assert path.read_bytes() == DATA


@pytest.mark.parametrize("verb", ["pull", "verify"])
async def test_an_unknown_model_is_wrong_use(run, card: Card, verb: str):
    ran = await run("model", verb, "gpt")
    assert ran.code == 2
    assert f"it has: {card.id}" in ran.err


@pytest.fixture
def on_hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[StandIn]:
    """One model whose weights are on a Hub of our own, found by the environment."""
    weights = Hub(repository="maker/model", files=(HubFile("tiny.gguf"),))
    tiny = msgspec.structs.replace(card_of("qwen2.5-coder-3b"), id="tiny", weights=weights)
    monkeypatch.setattr(catalog, "catalog", lambda: {tiny.id: tiny})
    monkeypatch.setenv("HANSA_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("HF_TOKEN_PATH", str(tmp_path / "no-token"))
    monkeypatch.delenv("HF_TOKEN", raising=False)
    with serve_hub(StandIn({"tiny.gguf": DATA})) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        yield hub


async def test_pull_from_the_hub_says_licence_path_and_commit(run, on_hub: StandIn, tmp_path: Path):
    ran = await run("model", "pull", "tiny", "--json")
    assert ran.code == 0, ran.err
    path = tmp_path / "state" / "models" / "tiny" / "tiny.gguf"
    assert json.loads(ran.out) == {
        "model": "tiny",
        "path": str(path),
        "commit": COMMIT,
        "sha256": hashlib.sha256(DATA).hexdigest(),
    }
    assert "(the Hub), once; licence LicenseRef-Qwen-Research" in ran.err
    assert "Research and evaluation only" in ran.err
    verified = json.loads((await run("model", "verify", "tiny", "--json")).out)
    assert verified["known"] == "as pinned when it was pulled"


async def test_a_revision_can_be_named(run, on_hub: StandIn):
    ran = await run("model", "pull", "tiny", "--revision", "v2")
    assert (ran.code, ran.out) == (2, "")
    assert "no such revision" in ran.err
    on_hub.branches = ("v2",)
    assert (await run("model", "pull", "tiny", "--revision", "v2")).code == 0


async def test_a_gated_model_says_what_to_do(run, on_hub: StandIn):
    on_hub.token = "hf_secret"
    ran = await run("model", "pull", "tiny")
    assert ran.code == 1
    assert "is gated" in ran.err
    assert "HF_TOKEN" in ran.err


async def test_the_whole_catalog_is_listed(run, tmp_path: Path):
    ran = await run("model", "list", "--state-dir", str(tmp_path))
    assert ran.code == 0
    rows = {line.split()[0]: line for line in ran.out.splitlines()[1:]}
    assert rows.keys() == catalog.catalog().keys()
    assert "141B, 39.2B active" in rows["mixtral-8x22b"]
    assert "92.0 claimed" in rows["claude-3.5-sonnet"]
    assert "hosted by Anthropic" in rows["claude-3.5-sonnet"]
    assert "6.1 measured" in rows["smollm2-135m-instruct"]


@pytest.mark.parametrize("name", catalog.catalog())
async def test_every_card_is_shown(run, name: str):
    ran = await run("model", "card", name)
    assert ran.code == 0
    card = card_of(name)
    assert card.licence in ran.out
    assert all(f"{each.percent:.1f} {each.status}" in ran.out for each in card.scores)
    facts = json.loads((await run("model", "card", name, "--json")).out)
    assert (facts["id"], facts["kind"]) == (name, card.kind)
    assert facts["active_parameters"] == card.active


async def test_a_card_says_what_is_not_known(run):
    assert "not known here; the pull takes it" in (await run("model", "card", "grok-1")).out
    known = (await run("model", "card", "qwen2.5-coder-1.5b")).out
    assert "29871c94d15727a6" in known
    assert "not checked here against the Hub" in known
    assert "gated: accept its terms" in (await run("model", "card", "codestral-22b")).out


async def test_a_plan_that_fits(run):
    ran = await run("model", "plan", "mixtral-8x22b", "--gpu", "h100:4")
    assert ran.code == 0
    assert "mixtral-8x22b fits h100:4 in fp8" in ran.out
    assert "vllm serve mistralai/Mixtral-8x22B-Instruct-v0.1" in ran.out
    found = json.loads(
        (await run("model", "plan", "mixtral-8x22b", "--gpu", "h100:4", "--json")).out
    )
    assert (found["fits"], found["plan"]["best"]["tensor_parallel"]) == (True, 4)
    assert set(found["commands"]) == {"vllm", "sglang"}


async def test_a_plan_that_does_not_fit_exits_1(run):
    ran = await run("model", "plan", "grok-1", "--gpu", "h100:4")
    assert ran.code == 1
    assert "grok-1 does not fit h100:4: needs 317.7 GiB, has 286.7 GiB" in ran.out
    as_json = await run("model", "plan", "grok-1", "--gpu", "h100:4", "--json")
    assert (as_json.code, json.loads(as_json.out)["fits"]) == (1, False)


async def test_a_plan_says_what_a_gpu_or_the_catalog_lacks(run):
    old = await run("model", "plan", "mixtral-8x22b", "--gpu", "a100-80:4", "--precision", "fp8")
    assert "keeps FP8 weights and computes in 16 bits" in old.out
    small = await run("model", "plan", "codestral-22b", "--gpu", "rtx4090")
    assert (small.code, "make one with llama.cpp, or take more GPUs" in small.err) == (0, True)
    ours = await run("model", "plan", "hansa-coder-135m", "--gpu", "l4", "--precision", "bf16")
    assert "no engine of its recipe (embedded, llama-server) loads bf16" in ours.err
    laptop = await run(
        "model", "plan", "qwen2.5-coder-7b", "--gpu", "rtx4090", "--precision", "q8_0",
        "--context", "4096", "--tensor-parallel", "1",
    )  # fmt: skip
    assert "llama-server --hf-repo ggml-org/Qwen2.5-Coder-7B-Q8_0-GGUF" in laptop.out
    eight = await run("model", "plan", "grok-1", "--gpu", "h100:8")
    assert "no, needs 316.4 GiB of 71.7 GiB" in eight.out, "a file of llama.cpp goes on one GPU"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("gpt-4o", "--gpu", "h100"), "hosted by OpenAI"),
        (("grok-1", "--gpu", "h9000"), "no set of GPUs known here"),
        (("grok-1",), "Missing option '--gpu'"),
    ],
)
async def test_a_plan_of_nothing_is_wrong_use(run, arguments: tuple[str, ...], said: str):
    ran = await run("model", "plan", *arguments)
    assert ran.code == 2
    assert said in ran.err
