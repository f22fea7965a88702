# pyright: basic, reportMissingImports=false
"""A pruned student learns from its teacher's logits, and drafts for it in llama.cpp."""

from pathlib import Path

import msgspec
import pytest

from hansa.core.errors import UserError
from hansa.engines.llamacpp_child import DraftModel, LlamaCppConfig
from hansa.models.profile import FimTokens
from hansa.training.recipe import PLAIN_CHAT, Fim, Recipe, Steps, Student
from hansa.training.record import losses_of
from support.learner import make_base, make_packed_base
from support.llamacpp import asked, serving

pytestmark = [pytest.mark.train, pytest.mark.timeout(600)]

RECIPE = Recipe(
    name="tiny", base="", seed=3, method="full", precision="fp32",
    fim=Fim(tokens=FimTokens("<P>", "<S>", "", "spm"), other_middle="<S>", window_chars=200,
            middle_chars=60, per_chars=400),
    student=Student(layers=(0, 2), kl_weight=1.0),
    steps=Steps(count=40, rows=2, row_tokens=384, learning_rate=0.003, warmup=2, checkpoint=10,
                held_out_rows=4, context_weight=1.0),
)  # fmt: skip
PROMPT = "def add(first, second):\n    return"


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_packed_base(tmp_path_factory.mktemp("base"), layers=3)


def run(recipe: Recipe, base: Path, corpus: Path, folder: Path, seen=None, teacher=None):
    from hansa.training import stage1

    seen = seen or (lambda _step, _loss, _speed: None)
    return stage1.run(recipe, PLAIN_CHAT, base, corpus, folder, seen, teacher)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, base: Path, corpus: Path) -> Path:
    """A run that has ended."""
    folder = tmp_path_factory.mktemp("trained") / "run"
    run(RECIPE, base, corpus, folder)
    return folder


def test_it_has_its_layers_and_comes_nearer_to_its_teacher(trained: Path):
    from safetensors.numpy import load_file

    kept = load_file(trained / "model/model.safetensors")
    assert {name.split(".")[2] for name in kept if ".layers." in name} == {"0", "1"}
    first, *_, last = losses_of(trained)
    assert last.held_out is not None
    assert last.held_out < first.loss / 2, "the divergence alone is the loss"


def test_untrained_it_says_what_the_bases_layers_say(base: Path):
    import torch

    from hansa.training.base_model import load_base
    from hansa.training.student import divergence, taught_loss

    whole = load_base(base, "fp32", PLAIN_CHAT)
    tokens = torch.tensor([whole.tokenize(PROMPT)])
    names = ("self_attn.v_proj.weight", "mlp.up_proj.weight")
    last = [whole.model.get_parameter(f"model.layers.2.{each}").clone() for each in names]
    loss = taught_loss(whole, None, Student(layers=(0, 2)))
    pruned, teacher = loss.model, loss.teacher
    assert all(
        torch.equal(pruned.get_parameter(f"model.layers.1.{each}"), value)
        for each, value in zip(names, last, strict=True)
    )
    ours, theirs = (each(input_ids=tokens).logits[0] for each in (pruned, teacher))
    assert float(divergence(theirs, theirs, 2.0).abs().max()) < 1e-5
    by_hand = (theirs.softmax(-1) * (theirs.log_softmax(-1) - ours.log_softmax(-1))).sum(-1)
    assert torch.allclose(divergence(ours, theirs, 1.0), by_hand, atol=1e-4)


def test_a_run_that_was_broken_off_goes_on_to_the_same_losses(
    tmp_path: Path, trained: Path, base: Path, corpus: Path
):
    import torch

    def end(step: int, _loss: float, _speed: float) -> None:
        if step == 16:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        run(RECIPE, base, corpus, tmp_path / "run", end)
    kept = torch.load(tmp_path / "run/checkpoints/step-0000010/state.pt", weights_only=True)
    assert not [name for name in kept["trained"] if "teacher" in name]
    assert not [name for name in kept["trained"] if ".layers.2." in name]
    run(RECIPE, base, corpus, tmp_path / "run")
    whole, again = ([each.loss for each in losses_of(at)] for at in (trained, tmp_path / "run"))
    assert again == pytest.approx(whole, abs=1e-6)


def test_a_teacher_of_another_vocabulary_is_refused_by_name(
    tmp_path: Path, base: Path, corpus: Path
):
    other = make_base(tmp_path / "other")
    student = Student(layers=(0,), teacher=str(other))
    recipe = msgspec.structs.replace(RECIPE, student=student)
    with pytest.raises(UserError, match=f"teacher {other} has another vocabulary") as refused:
        run(recipe, base, corpus, tmp_path / "run", teacher=other)
    assert "hansa distil" in refused.value.hint


def test_layers_that_the_base_does_not_have_are_refused(tmp_path: Path, base: Path, corpus: Path):
    recipe = msgspec.structs.replace(RECIPE, student=Student(layers=(0, 3)))
    with pytest.raises(UserError, match="3 layers, counted from 0, and no 3"):
        run(recipe, base, corpus, tmp_path / "run")


def test_its_gguf_says_in_llama_cpp_what_it_says_in_transformers(trained: Path):
    import torch

    from hansa.training.base_model import load_base

    ours = load_base(trained / "model", "fp32", PLAIN_CHAT)
    with torch.no_grad():
        logits = ours.model(input_ids=torch.tensor([ours.tokenize(PROMPT)])).logits[0, -1]
    scores = logits.log_softmax(-1)
    with serving(LlamaCppConfig(str(trained / "model.gguf"), 1, 1, 512)) as url:
        # A letter, for half a character would not be told; the five are those before the grammar.
        said = asked(url, PROMPT, n_predict=1, n_probs=5, grammar="root ::= [a-z]+")
    (token,) = said["completion_probabilities"]
    top = {each["id"]: each["logprob"] for each in token["top_logprobs"]}
    assert len(top) == 5
    assert max(abs(float(scores[each]) - value) for each, value in top.items()) < 0.2
    assert float(scores.max() - scores.median()) > 2, "it is sure enough to tell"


def test_it_drafts_for_its_base(trained: Path, base: Path):
    alone = LlamaCppConfig(str(base), 1, 1, 512, speculates=False)
    drafted = msgspec.structs.replace(alone, draft=DraftModel(str(trained / "model.gguf")))
    with serving(alone) as url:
        assert "draft_n" not in asked(url, PROMPT, n_predict=16)["timings"]
    with serving(drafted) as url:
        timings = asked(url, PROMPT, n_predict=16)["timings"]
    assert timings["draft_n"] >= timings["draft_n_accepted"] >= 0
    assert timings["draft_n"] > 0
