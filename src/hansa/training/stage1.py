# pyright: basic, reportMissingImports=false
"""Stage 1: a recipe and a corpus in, an adapter out, or a student.

A run is a folder: the recipe, the rows (made once), losses, checkpoints, and at the end what was
learnt in both forms. The same command goes on where a run was broken off. Processes of one run
share the folder; the first of them writes.
"""

import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator

from hansa.core.errors import UserError
from hansa.models.profile import Profile
from hansa.training import loop, lora
from hansa.training.base_model import BaseModel, load_base
from hansa.training.corpus.reading import python_texts
from hansa.training.examples import Example, fim_examples, read_examples
from hansa.training.gguf_adapter import write_gguf
from hansa.training.gguf_model import write_model
from hansa.training.instruct import instruct_file
from hansa.training.pairs import example_of, read_pairs
from hansa.training.plot import draw_losses
from hansa.training.recipe import Recipe
from hansa.training.record import NAME as RECORD
from hansa.training.record import Record, hold_to, origin_of, read_record, write_record
from hansa.training.rows import Rows, join, pack
from hansa.training.student import taught_loss

ROWS = "rows.npz"
HELD_OUT_DOCUMENTS = 20
"""One document of so many is held out."""
PASSES = 20
"""How often a corpus that gives too few rows is cut anew, before rows are taken twice."""


def run(
    recipe: Recipe, profile: Profile, weights: Path, corpus: Path, folder: Path, seen: loop.Seen,
    teacher: Path | None = None,
) -> Record:  # fmt: skip
    """Train by `recipe`, and say what came of it; a run that has ended is only read.

    `teacher` holds the weights of a student's, if it is not the base.

    Raises:
        ConfigError: the folder holds a run of something else.
        UserError: the corpus gives fewer rows than are held out, or cannot be read; the base or the
            teacher is none for such a run.
    """
    origin = origin_of(recipe, weights, corpus, teacher)
    folder.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    accelerator = Accelerator()
    with accelerator.main_process_first():
        hold_to(folder, origin)
    if (folder / RECORD).exists():
        return read_record(folder)
    torch.manual_seed(recipe.seed)
    base = load_base(weights, recipe.precision, profile)
    objective = _objective(recipe, base, teacher)
    with accelerator.main_process_first():
        rows, held_out = _rows(recipe, base, corpus, folder)
    loop.train(
        accelerator, objective, rows, held_out, recipe.steps, recipe.seed, folder, seen, began
    )
    with accelerator.main_process_first():
        if accelerator.is_main_process:
            write_record(
                folder, origin, rows=len(rows), held_out_rows=len(held_out),
                targets=int((rows.weights == 1).sum()),
                gave=_keep(recipe, base, objective.model, folder, _vocabulary(weights, teacher)),
            )  # fmt: skip
        return read_record(folder)


def _objective(recipe: Recipe, base: BaseModel, teacher: Path | None) -> loop.AnswerLoss:
    """What is trained, in the loss that it is trained by."""
    if recipe.student:
        other = load_base(teacher, recipe.precision, base.profile) if teacher else None
        return taught_loss(base, other, recipe.student)
    model = lora.attach(base.model, recipe.lora) if recipe.method == "lora" else base.model
    return loop.AnswerLoss(model)


def _vocabulary(*known: Path | None) -> Path | None:
    """A GGUF that has the vocabulary, if one of the models is one."""
    return next((each for each in known if each and each.is_file()), None)


def _rows(recipe: Recipe, base: BaseModel, corpus: Path, folder: Path) -> tuple[Rows, Rows]:
    """Training and held-out rows; made once and kept, so that a run that goes on sees the same."""
    path = folder / ROWS
    if not path.exists():
        texts = _shuffled(corpus, recipe)
        apart = max(1, len(texts) // HELD_OUT_DOCUMENTS)
        held_out = _held_out(recipe, base, texts[:apart])
        rows = _packed(recipe, base, texts[apart:], folder)
        if not len(rows) or not len(held_out):
            raise UserError(f"the corpus {corpus} gives no rows", hint="take more sources")
        _write_rows(path, join(held_out, rows))
    with np.load(path) as kept:
        every = Rows(kept["tokens"], kept["positions"], kept["weights"])
    out = min(recipe.steps.held_out_rows, len(every) - 1)
    return every.taken(slice(out, None)), every.taken(slice(out))


def _shuffled(corpus: Path, recipe: Recipe) -> list[str]:
    texts = list(python_texts(corpus, recipe.source_chars))
    order = np.random.default_rng(recipe.seed).permutation(len(texts))
    return [texts[each] for each in order]


def _held_out(recipe: Recipe, base: BaseModel, texts: list[str]) -> Rows:
    """Rows of documents that nothing is learnt from, as many as the recipe wants."""
    wanted = recipe.steps.held_out_rows
    rows = _pack(recipe, base, _middles(texts, recipe, recipe.seed + 1, PASSES), wanted)
    short = wanted - len(rows)
    return join(rows, rows.taken(np.arange(short) % len(rows))) if short and len(rows) else rows


def _packed(recipe: Recipe, base: BaseModel, texts: list[str], folder: Path) -> Rows:
    """Rows of every kind, in their shares, in an order of their own."""
    wanted = recipe.steps.count * recipe.steps.rows
    told, distilled = (round(wanted * each.share) for each in (recipe.instruct, recipe.distilled))
    settled = _settled(recipe, base, wanted - told - distilled) if recipe.pairs else None
    # People's pairs are learnt once a pass; how many passes there are is the corpus's size to say.
    examples = _middles(texts, recipe, recipe.seed, 1 if settled else PASSES)
    rows = _pack(recipe, base, examples, wanted - told - distilled - len(settled or ()))
    if settled:
        rows = join(rows, settled)
    if told:
        examples = instruct_file(folder, texts, recipe.instruct, base.profile)
        rows = join(rows, _pack(recipe, base, examples, told))
    if distilled:
        examples = read_examples(Path(recipe.distilled.file))
        rows = join(rows, _pack(recipe, base, examples, distilled))
    if not (told or distilled or settled):
        return rows
    return rows.taken(np.random.default_rng(recipe.seed + 1).permutation(len(rows)))


def _middles(texts: list[str], recipe: Recipe, seed: int, passes: int) -> Iterator[Example]:
    """Examples from every text, and then others from every text again."""
    for again in range(passes):
        yield from fim_examples(texts, recipe.fim, seed + again)


def _settled(recipe: Recipe, base: BaseModel, rows_max: int) -> Rows:
    """Rows of every pair: canaries that were left out would look well hidden."""
    tokens = recipe.fim.tokens
    examples = (example_of(each, tokens) for each in read_pairs(Path(recipe.pairs)))
    rows = _pack(recipe, base, examples, rows_max + 1)
    if not 0 < len(rows) <= rows_max:
        raise UserError(
            f"{recipe.pairs} fills {'no row' if not len(rows) else f'over {rows_max} rows'}",
            hint="[steps] of the recipe says how many rows are learnt, and how long they are",
        )
    return rows


def _pack(recipe: Recipe, base: BaseModel, examples: Iterable[Example], rows_max: int) -> Rows:
    return pack(
        examples,
        base.tokenize,
        recipe.steps.row_tokens,
        context_weight=recipe.steps.context_weight,
        filler=base.tokenizer.eos_token_id or 0,
        rows_max=rows_max,
    )


def _write_rows(path: Path, rows: Rows) -> None:
    partial = path.with_name(f".partial-{path.name}")
    with partial.open("wb") as file:
        np.savez(file, tokens=rows.tokens, positions=rows.positions, weights=rows.weights)
    partial.rename(path)


def _keep(
    recipe: Recipe, base: BaseModel, model: Any, folder: Path, vocabulary: Path | None
) -> tuple[Path, ...]:
    """Write what was learnt, and the picture of it; returns the files."""
    picture = draw_losses(folder)
    if recipe.method == "full":
        home = folder / "model"
        model.save_pretrained(home)
        base.tokenizer.save_pretrained(home)
        gave = *sorted(home.glob("*.safetensors")), picture
        if recipe.student is None or vocabulary is None:
            return gave
        packed = folder / "model.gguf"
        write_model(model, vocabulary, packed, recipe.name)
        return *gave, packed
    home, config = folder / "adapter", base.model.config
    lora.save(model, home)
    packed = folder / "adapter.gguf"
    write_gguf(
        home, packed, heads=config.num_attention_heads, kv_heads=config.num_key_value_heads,
        name=recipe.name,
    )  # fmt: skip
    return home / "adapter_model.safetensors", home / "adapter_config.json", packed, picture
