"""From a patch to the changes it makes: which files, their new bytes, and a diff to show."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from hansa.core.errors import Conflict, UserError
from hansa.editor.apply import unified_diff
from hansa.editor.document import read_source
from hansa.editor.journal import Change
from hansa.editor.patch.conflicts import Gathering
from hansa.editor.patch.merge import merge, merge_whole
from hansa.editor.patch.shapes import FilePatch
from hansa.editor.soundness import is_sound


@dataclass(frozen=True, slots=True)
class Plan:
    """Changes that are checked and not yet made."""

    root: Path
    changes: tuple[Change, ...]
    diff: str
    broken: tuple[str, ...]
    """Files that parse now and would not any more."""


def plan(target: Path, patches: Sequence[FilePatch]) -> Plan:
    """Say what `patches` do to `target`, a file or the folder that their names are below.

    Raises:
        UserError: a name that is not below, is missing or is not `target`'s; a file that is no
            UTF-8 text.
        Conflict: a hunk does not fit; nothing of the whole patch is to be made then. All that do
            not fit, in all files, are named.
    """
    base = _base(target, patches)
    changes: list[Change] = []
    diffs: list[str] = []
    broken: list[str] = []
    refused = Gathering()
    for patch in patches:
        path = target if patch.path is None or (len(patches) == 1 and not target.is_dir()) else (
            _below(base, patch.path))  # fmt: skip
        name = os.path.relpath(path, base).replace(os.sep, "/")
        with refused.going_on():
            old, new = _texts(path, name, patch)
            if old == new:
                raise Conflict(f"{name} is already as the patch says")
            changes.append(_change(path, old, new, executable=patch.executable))
            diffs.append(unified_diff(name, old, new))
            if _breaks(name, old, new):
                broken.append(name)
    refused.check()
    paths = [each.path.resolve() for each in changes]
    twice = next((each for each in paths if paths.count(each) > 1), None)
    if twice:
        raise UserError(f"the patch changes {twice} twice, by two names")
    return Plan(base, tuple(changes), "".join(diffs), tuple(broken))


def _breaks(name: str, old: str | None, new: str | None) -> bool:
    return old is not None and new is not None and is_sound(name, old) and not is_sound(name, new)


def _texts(path: Path, name: str, patch: FilePatch) -> tuple[str | None, str | None]:
    """The file's text before and after; None where there is no file."""
    if patch.creates and not (path.exists() and not path.stat().st_size):
        if os.path.lexists(path):
            raise Conflict(f"{name} is to be created, and is there already")
        return None, merge(name, "", patch.hunks)
    if patch.whole is not None and not os.path.lexists(path):
        return None, patch.whole
    old = read_source(path).text
    if patch.whole is not None:
        return old, merge_whole(name, old, patch.whole)
    new = merge(name, old, patch.hunks)
    if patch.deletes and new:
        raise Conflict(f"{name} is to be deleted, and has more text than the patch knows")
    return old, None if patch.deletes else new


def _change(path: Path, old: str | None, new: str | None, *, executable: bool) -> Change:
    return Change(
        path,
        None if old is None else old.encode(),
        None if new is None else new.encode(),
        0o755 if executable else 0o644,
    )


def _base(target: Path, patches: Sequence[FilePatch]) -> Path:
    """The folder that the names in the patch are relative to."""
    names = [each.path for each in patches]
    if target.is_dir():
        if None in names:
            raise UserError(f"{target} is a folder, and the patch names no file in it",
                            hint="name the file")  # fmt: skip
        return target.resolve()
    if names == [None]:
        return target.resolve().parent
    parts = target.absolute().parts
    for name in names:
        ours = PurePosixPath(name or "").parts
        if ours and parts[-len(ours) :] == ours:
            return Path(*parts[: -len(ours)]).resolve()
    if len(names) == 1 and PurePosixPath(names[0] or "").name == target.name:
        return target.resolve().parent
    shown = ", ".join(name or "no file" for name in names[:5])
    raise UserError(f"the patch is for {shown}, not for {target}",
                    hint="name its file, or the folder its names are below")  # fmt: skip


def _below(base: Path, name: str) -> Path:
    parts = PurePosixPath(name).parts
    path = base / name
    inside = path.resolve().is_relative_to(base)
    if not inside or not parts or ".." in parts or PurePosixPath(name).is_absolute():
        raise UserError(f"the patch names {name}, which is not below {base}")
    if ".git" in parts:
        raise UserError(f"the patch names {name}; what is in .git is not changed")
    return path
