"""What a run was made from and what came of it: `run.json`, from the run's own data alone."""

import importlib.metadata
from collections.abc import Iterator
from pathlib import Path

import msgspec

from hansa import __version__
from hansa.core.digests import sha256_hex
from hansa.core.errors import ConfigError, NotFound, UserError
from hansa.core.files import write_atomic
from hansa.models.fetching import digest_of
from hansa.training.corpus.manifest import NAME as MANIFEST
from hansa.training.recipe import Recipe

NAME = "run.json"
ORIGIN = "origin.json"
LOSSES = "losses.jsonl"
LIBRARIES = ("torch", "transformers", "peft", "accelerate", "gguf", "flwr")


class Loss(msgspec.Struct, frozen=True):
    step: int
    loss: float
    held_out: float | None = None
    seconds: float = 0.0
    """Since the step before, or since this start of the run."""


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """All that decides what a run learns; written before the first step."""

    recipe: Recipe
    base_sha256: str
    corpus_sha256: str
    """Of the corpus's manifest, which holds the digests of all that is in it."""
    start_sha256: str = ""
    """Of the adapter that it goes on from, if it does."""
    distilled_sha256: str = ""
    """Of what a teacher said, if that is learnt."""
    pairs_sha256: str = ""
    """Of the file of pairs, if one is learnt."""
    teacher_sha256: str = ""
    """Of the file of a student's teacher, if it is one and not the base."""


class Record(msgspec.Struct, frozen=True, kw_only=True):
    tool: str
    recipe: Recipe
    base_sha256: str
    corpus_sha256: str
    start_sha256: str = ""
    distilled_sha256: str = ""
    pairs_sha256: str = ""
    teacher_sha256: str = ""
    """As in Origin."""
    rows: int
    held_out_rows: int
    targets: int
    """Tokens that were learnt from in one pass over the rows."""
    libraries: dict[str, str]
    seconds: float
    """Until the last step, over all starts; steps done twice after a crash count twice."""
    first_held_out: float
    last_held_out: float
    files: dict[str, str]
    """Digests of what the run gave, by name."""


def losses_of(folder: Path) -> Iterator[Loss]:
    """What was noted, one a step; a step done twice after a crash counts as done last."""
    by_step = {each.step: each for each in _noted(folder)}
    yield from (by_step[step] for step in sorted(by_step))


def seconds_of(folder: Path) -> float:
    """What a run has taken so far, over all its starts."""
    return round(sum(each.seconds for each in _noted(folder)), 1)


def _noted(folder: Path) -> Iterator[Loss]:
    path = folder / LOSSES
    for line in path.read_bytes().splitlines() if path.exists() else ():
        try:
            yield msgspec.json.decode(line, type=Loss)
        except msgspec.DecodeError:
            continue  # The line that a crash cut off.


def note(folder: Path, loss: Loss) -> None:
    """Append a step, on a line of its own also where a crash cut off the one before."""
    with (folder / LOSSES).open("ab+") as file:
        file.seek(max(0, file.tell() - 1))
        begin = b"\n" if file.read(1) not in (b"", b"\n") else b""
        file.write(begin + msgspec.json.encode(loss) + b"\n")


def origin_of(recipe: Recipe, weights: Path, corpus: Path, teacher: Path | None = None) -> Origin:
    """Raises NotFound if one of the files that the recipe names, or the corpus, is not there."""
    start = Path(recipe.lora.start) / "adapter_model.safetensors" if recipe.lora.start else None
    distilled = Path(recipe.distilled.file) if recipe.distilled.share else None
    pairs = Path(recipe.pairs) if recipe.pairs else None
    for path in (corpus / MANIFEST, start, distilled, pairs):
        if path is not None and not path.is_file():
            raise NotFound(f"{path} is not there, and the run needs it")
    return Origin(
        recipe=recipe,
        base_sha256=digest_of(weights) if weights.is_file() else "",
        corpus_sha256=sha256_hex((corpus / MANIFEST).read_bytes()),
        start_sha256=digest_of(start) if start else "",
        distilled_sha256=digest_of(distilled) if distilled else "",
        pairs_sha256=digest_of(pairs) if pairs else "",
        teacher_sha256=digest_of(teacher) if teacher and teacher.is_file() else "",
    )


def hold_to(folder: Path, origin: Origin) -> None:
    """Write down what a run learns when it starts; a run that goes on has to learn the same.

    Raises:
        ConfigError: the folder holds a run of something else.
    """
    path = folder / ORIGIN
    said = msgspec.json.format(msgspec.json.encode(origin), indent=2) + b"\n"
    if not path.exists():
        write_atomic(path, said)
        return
    before = msgspec.json.decode(path.read_bytes(), type=Origin)
    if before != origin:
        names = [name for name in Origin.__struct_fields__
                 if getattr(before, name) != getattr(origin, name)]  # fmt: skip
        raise ConfigError(
            f"{folder} holds a run with another {names[0].removesuffix('_sha256')}",
            hint="a run goes on with what it began with; give a new folder for another",
        )


def write_record(
    folder: Path, origin: Origin, *,
    rows: int, held_out_rows: int, targets: int, gave: tuple[Path, ...],
) -> Record:  # fmt: skip
    """Write `run.json` into a run's folder, and return what it says."""
    held = [each.held_out for each in losses_of(folder) if each.held_out is not None]
    record = Record(
        tool=f"hansa {__version__}",
        **{name: getattr(origin, name) for name in Origin.__struct_fields__},
        rows=rows,
        held_out_rows=held_out_rows,
        targets=targets,
        libraries=dict(_versions()),
        seconds=seconds_of(folder),
        first_held_out=held[0] if held else 0.0,
        last_held_out=held[-1] if held else 0.0,
        files={str(each.relative_to(folder)): digest_of(each) for each in gave},
    )
    write_atomic(folder / NAME, msgspec.json.format(msgspec.json.encode(record), indent=2) + b"\n")
    return record


def read_record(folder: Path) -> Record:
    """Raises NotFound if the folder holds no finished run, UserError if what it says is none."""
    try:
        return msgspec.json.decode((folder / NAME).read_bytes(), type=Record)
    except OSError as error:
        raise NotFound(
            f"{folder} holds no run that has ended", hint="`hansa train` makes one, or goes on"
        ) from error
    except msgspec.DecodeError as error:
        raise UserError(f"{folder / NAME} is no record of a run: {error}") from error


def _versions() -> Iterator[tuple[str, str]]:
    for name in LIBRARIES:
        try:
            yield name, importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
