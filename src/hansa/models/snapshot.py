"""Weights from the Hub on disk: a folder that appears whole, with a pin that says what it is."""

import contextlib
import os
import shutil
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from hashlib import sha256
from pathlib import Path

import msgspec

from hansa.core.errors import IntegrityError, NotFound, StorageError
from hansa.core.files import write_atomic
from hansa.models.fetching import Progress, digest_of
from hansa.models.hub import HubClient, Snapshot
from hansa.models.part import Part, Remote
from hansa.models.weights import Hub, HubFile

PIN = "pin.json"


class Pin(msgspec.Struct, frozen=True):
    """What was fetched, from where: later checks compare with this."""

    repository: str
    revision: str
    """As it was asked for."""
    commit: str
    files: tuple[HubFile, ...]

    @property
    def sha256(self) -> str:
        """Of the one file; of several, the digest of what `sha256sum` prints for them, by name."""
        if len(self.files) == 1:
            return self.files[0].sha256
        lines = (f"{each.sha256}  {each.name}\n" for each in sorted(self.files, key=_name))
        return sha256("".join(lines).encode()).hexdigest()


def read_pin(folder: Path) -> Pin | None:
    """The pin beside weights; None if there is none, or one that cannot be read."""
    try:
        return msgspec.json.decode((folder / PIN).read_bytes(), type=Pin)
    except (FileNotFoundError, NotADirectoryError, msgspec.DecodeError):
        return None


def fetch_snapshot(
    client: HubClient,
    weights: Hub,
    snapshot: Snapshot,
    target: Path,
    revision: str,
    progress: Progress,
) -> Pin:
    """Put the files of `weights` in `snapshot` into the folder `target`, all or none.

    What had arrived when an earlier try broke is used again. `revision` is noted in the pin.

    Raises:
        NotFound: no such repository, revision or file.
        FetchFailed: the Hub refused, or could not be reached.
        IntegrityError: the Hub has other weights than the catalog names.
        StorageError: the disk is too small, full or read-only.
    """
    remotes = select(weights, snapshot)
    parts_folder = target.with_name(f".resume-{target.name}")
    parts_folder.mkdir(parents=True, exist_ok=True)
    _forget_others(parts_folder, remotes)
    write_atomic(parts_folder / PIN, snapshot.commit.encode())
    by_content = {each.etag: Part(parts_folder, each) for each in remotes}
    _require_room(parts_folder, by_content.values())
    parts = {each.name: by_content[each.etag] for each in remotes}
    total = sum(each.bytes for each in remotes)
    done = 0
    for remote in remotes:
        part = parts[remote.name]
        before = done
        progress(before + part.size, total)
        client.download(
            snapshot, remote, part, lambda here, before=before: progress(before + here, total)
        )
        done += remote.bytes
    pin = Pin(weights.repository, revision, snapshot.commit, ())
    return _install(parts, parts_folder, target, pin)


def select(weights: Hub, snapshot: Snapshot) -> list[Remote]:
    """The files to fetch, checked against what the catalog knows of them, before any is fetched.

    Raises:
        NotFound: one is not there, or none matches.
        IntegrityError: one has another digest or size than the catalog names.
    """
    there = {each.name: each for each in snapshot.files}
    where = f"{snapshot.repository} at {snapshot.commit[:12]}"
    for known in weights.files:
        remote = there.get(known.name)
        if remote is None:
            raise NotFound(f"{where} has no file {known.name}")
        _require_same(known, remote, where)
    if weights.files:
        return [there[each.name] for each in weights.files]
    found = [
        each
        for each in snapshot.files
        if any(fnmatchcase(each.name, pattern) for pattern in weights.include)
    ]
    if not found:
        raise NotFound(f"{where} has no file like {', '.join(weights.include)}")
    return found


def _require_same(known: HubFile, remote: Remote, where: str) -> None:
    other_digest = known.sha256 and remote.sha256 != known.sha256
    if other_digest or (known.bytes and remote.bytes != known.bytes):
        raise IntegrityError(
            f"{where} has another {known.name} than the catalog names",
            hint="pull the revision the catalog names, or bring Hansa up to date",
        )


def _require_room(folder: Path, parts: Iterable[Part]) -> None:
    missing = sum(each.remote.bytes - each.size for each in parts)
    free = shutil.disk_usage(folder).free
    if missing > free:
        raise StorageError(
            f"{missing:,} bytes are still to come and {folder.parent} has room for {free:,}",
            hint="free some space, or name another --state-dir",
        )


def _forget_others(folder: Path, remotes: Sequence[Remote]) -> None:
    wanted = {each.etag for each in remotes}
    for entry in folder.iterdir():
        if entry.name in wanted:
            continue
        if entry.is_dir():
            shutil.rmtree(entry, ignore_errors=True)
        else:
            entry.unlink(missing_ok=True)


def _install(parts: dict[str, Part], parts_folder: Path, target: Path, pin: Pin) -> Pin:
    """Move what arrived into a folder of its own, then that folder into place."""
    new, old = parts_folder / "new", parts_folder / "old"
    new.mkdir()
    files: list[HubFile] = []
    for name, part in sorted(parts.items()):
        path = new / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if sum(each is part for each in parts.values()) > 1:
            shutil.copyfile(part.path, path)
        else:
            part.path.replace(path)
        _flush(path)
        files.append(HubFile(name, part.remote.sha256 or digest_of(path), part.remote.bytes))
    whole = msgspec.structs.replace(pin, files=tuple(files))
    write_atomic(new / PIN, msgspec.json.format(msgspec.json.encode(whole), indent=2))
    with contextlib.suppress(FileNotFoundError):
        target.rename(old)
    new.rename(target)
    shutil.rmtree(parts_folder, ignore_errors=True)
    return whole


def _flush(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _name(file: HubFile) -> str:
    return file.name
