"""Which search a codebase has: by words, and by meaning too where vectors were made of it."""

import contextlib
from collections.abc import Callable, Generator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from hansa.context.redact import redact

if TYPE_CHECKING:
    from hansa.index.hybrid import Hybrid
    from hansa.index.index import Hit, Index


@contextlib.contextmanager
def best_search(index: "Index", state_dir: Path) -> Generator[Callable[[str, int], list["Hit"]]]:
    """By both if `hansa index --vectors` has been run here, else by words."""
    from hansa.index.hybrid import vectors_path

    if not vectors_path(index.path).is_file():
        yield index.search
        return
    with open_hybrid(index, state_dir) as hybrid:
        yield hybrid.search


def without_secrets(hit: "Hit") -> "Hit":
    """The hit as people and agents may see it, and keep it in their logs.

    Redacted whole, before anybody cuts it: a part of a secret has no form to tell it by.
    """
    text, found = redact(hit.snippet.text, hit.snippet.path)
    if not found:
        return hit
    return replace(hit, snippet=msgspec.structs.replace(hit.snippet, text=text))


@contextlib.contextmanager
def open_hybrid(index: "Index", state_dir: Path) -> Generator["Hybrid"]:
    """The index with its vectors; fetches the embedding model (23 MB) the first time.

    Raises:
        UserError: the extra `vectors` is not installed.
        HansaError: the model cannot be fetched, or the disk is full.
    """
    from hansa.index.embedding import MiniLm, load_numpy
    from hansa.index.hybrid import Hybrid
    from hansa.models.embedding import fetch_embedding

    load_numpy()
    files = fetch_embedding(state_dir)
    with Hybrid(index, MiniLm(files.model, files.tokenizer)) as hybrid:
        yield hybrid
