"""A run learns to its end what it began with; what it noted survives a crash in a line."""

from pathlib import Path

import msgspec
import pytest

from hansa.core.errors import ConfigError, NotFound
from hansa.models.profile import FimTokens
from hansa.training.recipe import Cuts, Fim, Lora, Recipe, Steps, Student, read_recipe
from hansa.training.record import Loss, Origin, hold_to, losses_of, note, origin_of, write_record
from support.repository import ROOT

RECIPES = ROOT / "recipes"
RECIPE = Recipe(
    name="tiny", base="base",
    fim=Fim(tokens=FimTokens("<p>", "<s>", "", "spm"), other_middle="<m>"), steps=Steps(count=1),
)  # fmt: skip


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus/manifest.json").write_text("{}")
    return tmp_path / "corpus"


def test_a_run_of_something_else_is_refused(tmp_path: Path, corpus: Path):
    run = tmp_path / "run"
    hold_to(run, origin_of(RECIPE, tmp_path, corpus))
    hold_to(run, origin_of(RECIPE, tmp_path, corpus))
    with pytest.raises(ConfigError, match="another recipe"):
        hold_to(run, origin_of(msgspec.structs.replace(RECIPE, seed=2), tmp_path, corpus))
    (corpus / "manifest.json").write_text('{"more": 1}')
    with pytest.raises(ConfigError, match="another corpus"):
        hold_to(run, origin_of(RECIPE, tmp_path, corpus))


def test_the_adapter_it_goes_on_from_is_part_of_it(tmp_path: Path, corpus: Path):
    recipe = msgspec.structs.replace(RECIPE, lora=Lora(start=str(tmp_path)))
    with pytest.raises(NotFound, match="adapter_model"):
        origin_of(recipe, tmp_path, corpus)
    (tmp_path / "adapter_model.safetensors").write_bytes(b"weights")
    assert len(origin_of(recipe, tmp_path, corpus).start_sha256) == 64


def test_a_line_that_a_crash_cut_off_is_passed_over(tmp_path: Path):
    for step, loss in ((0, 3.0), (1, 2.0), (1, 1.5)):
        note(tmp_path, Loss(step, loss))
    with (tmp_path / "losses.jsonl").open("ab") as file:
        file.write(b'{"step": 2, "lo')
    assert list(losses_of(tmp_path)) == [Loss(0, 3.0), Loss(1, 1.5)]
    note(tmp_path, Loss(2, 1.0))
    assert list(losses_of(tmp_path))[2:] == [Loss(2, 1.0)], "the run goes on, on a line of its own"


def test_what_a_run_took_is_of_all_its_starts(tmp_path: Path):
    for step, seconds in ((0, 9.0), (1, 2.0), (1, 8.0), (2, 2.0)):
        note(tmp_path, Loss(step, 1.0, seconds=seconds))
    origin = Origin(recipe=RECIPE, base_sha256="", corpus_sha256="")
    record = write_record(tmp_path, origin, rows=1, held_out_rows=1, targets=1, gave=())
    assert record.seconds == 21.0
    assert len(list(losses_of(tmp_path))) == 3


def test_a_students_teacher_is_part_of_it(tmp_path: Path, corpus: Path):
    teacher = tmp_path / "teacher.gguf"
    teacher.write_bytes(b"weights")
    assert origin_of(RECIPE, tmp_path, corpus).teacher_sha256 == ""
    assert len(origin_of(RECIPE, tmp_path, corpus, teacher).teacher_sha256) == 64


@pytest.mark.parametrize("text", [b"\xff", b"name = 1", b"[fim"])
def test_a_recipe_that_cannot_be_followed_is_said(tmp_path: Path, text: bytes):
    path = tmp_path / "recipe.toml"
    path.write_bytes(text)
    with pytest.raises(ConfigError, match=r"recipe\.toml"):
        read_recipe(path)


def test_cuts_without_weight_are_refused():
    with pytest.raises(ValueError, match="zero"):
        Cuts(characters=0)


@pytest.mark.parametrize("layers", [(), (1, 0), (1, 1)])
def test_a_students_layers_are_named_in_their_order(layers: tuple[int, ...]):
    with pytest.raises(ValueError, match="in their order"):
        Student(layers=layers)


def test_a_student_is_trained_whole(tmp_path: Path):
    text = (RECIPES / "draft-135m.toml").read_text()
    path = tmp_path / "recipe.toml"
    path.write_text(text)
    student = read_recipe(path).student
    assert student is not None
    assert len(student.layers) == 6
    path.write_text(text.replace('"full"', '"lora"'))
    with pytest.raises(ConfigError, match="a student is trained whole"):
        read_recipe(path)
    path.write_text(text.replace("kl_weight = ", "kl_weight = 1"))
    with pytest.raises(ConfigError, match="kl_weight"):
        read_recipe(path)
