"""A repository followed while people work on it: changes go into the index as they are saved."""

import threading
from collections.abc import Iterator
from pathlib import Path

import watchfiles

from hansa.index.index import Index, IndexReport
from hansa.index.walk import CLOSED_FOLDERS

DEBOUNCE_MS = 50
"""The longest that changes are collected while more arrive."""

QUIET_MS = 10
"""Nothing new for this long, and they are taken in."""

LISTEN_MS = 200
"""How long one wait lasts at most; then it is seen whether to stop."""


def follow(index: Index, stop: threading.Event) -> Iterator[tuple[list[str], IndexReport]]:
    """Update, then take in changes until `stop` is set; yields paths and what they changed.

    The first report is of the update itself and has no paths; the watch is on before it begins, so
    nothing falls between the two. Ends by itself on SIGINT.

    Raises:
        StorageError: as `Index.update`.
    """
    notices = watchfiles.watch(
        index.root,
        watch_filter=lambda _change, path: _worth_a_look(index.root, path),
        debounce=DEBOUNCE_MS,
        step=QUIET_MS,
        rust_timeout=LISTEN_MS,
        yield_on_timeout=True,
        stop_event=stop,
        raise_interrupt=False,
        ignore_permission_denied=True,
    )
    first = True
    for batch in notices:
        paths = sorted({Path(path).relative_to(index.root).as_posix() for _, path in batch})
        if first:
            first = False
            report = index.update()
            index.warm()
            yield [], report
        elif paths:
            report = index.refresh(paths)
            if report.added or report.changed or report.removed:
                yield paths, report


def _worth_a_look(root: Path, path: str) -> bool:
    try:
        parts = Path(path).relative_to(root).parts
        path.encode()
    except ValueError:  # Not below the root, or a name that is not UTF-8.
        return False
    return bool(parts) and not CLOSED_FOLDERS.intersection(parts)
