"""A build that is killed goes on, and ends with the same bytes as one that was not."""

import signal
import subprocess
import sys
from pathlib import Path

import msgspec
import psutil
import pytest

from hansa.core.errors import ConfigError, IntegrityError
from hansa.training.corpus import crew
from hansa.training.corpus.build import build
from hansa.training.corpus.decontaminate import Evals
from hansa.training.corpus.judge import Document, Judged, judge
from hansa.training.corpus.shards import Journal
from support.corpus import tree

MODULES = 40
SHARD_BYTES = 6_000
ENDED_WITHIN_S = 30

PROGRAM = f"""
import multiprocessing, os, signal, sys
from pathlib import Path
from hansa.training.corpus import build, shards

def main():
    place, out, workers, at = Path(sys.argv[1]), Path(sys.argv[2]), *map(int, sys.argv[3:])
    written, write = [], shards.write_atomic

    def write_and_die(path, data):
        write(path, data)
        written.append(path)
        if len(written) == at:
            print(*[each.pid for each in multiprocessing.active_children()], flush=True)
            os.kill(os.getpid(), signal.SIGKILL)

    shards.write_atomic = write_and_die
    build.build([place], out, workers=workers, shard_bytes={SHARD_BYTES})

if __name__ == "__main__":
    main()
"""
"""Builds, and kills itself with SIGKILL once it has written a number of files."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, bytes]]:
    """A tree, and the files of its corpus, made without a break."""
    folder = tmp_path_factory.mktemp("whole")
    place = tree(folder / "ships", MODULES)
    build([place], folder / "out", workers=0, shard_bytes=SHARD_BYTES)
    return place, _files(folder / "out")


@pytest.mark.parametrize(
    ("workers", "at"),
    [(0, 1), (0, 2), (0, 3), (0, 4), (0, 7), (2, 10)],
    ids=["shard", "seen", "near", "journal", "later", "with workers"],
)
def test_killed_at_any_write_it_ends_with_the_same_bytes(
    whole: tuple[Path, dict[str, bytes]], tmp_path: Path, workers: int, at: int
):
    place, expected = whole
    out = tmp_path / "out"
    pids = _build_and_die(place, out, workers, at)
    assert len(pids) == workers
    left = [psutil.Process(pid) for pid in pids if psutil.pid_exists(pid)]
    assert psutil.wait_procs(left, ENDED_WITHIN_S)[1] == []
    assert not (out / "manifest.json").exists()
    build([place], out, workers=0, shard_bytes=SHARD_BYTES)
    assert _files(out) == expected
    assert not (out / "state").exists()


def test_it_goes_on_where_it_was(
    whole: tuple[Path, dict[str, bytes]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    place, expected = whole
    out, judged = tmp_path / "out", list[str]()
    for at in (4, 8, 4):
        _build_and_die(place, out, 0, at)
    kept = sum(each.documents for each in _journal(out).shards)

    def judge_and_note(document: Document, evals: Evals) -> Judged:
        judged.append(document.path)
        return judge(document, evals)

    monkeypatch.setattr(crew, "judge", judge_and_note)
    build([place], out, workers=0, shard_bytes=SHARD_BYTES)
    assert kept > 0
    assert judged == [f"m{n:03d}.py" for n in range(kept, MODULES)]
    assert _files(out) == expected


def test_other_sources_do_not_go_on_in_it(tmp_path: Path):
    place = tree(tmp_path / "ships", MODULES)
    _build_and_die(place, tmp_path / "out", 0, 4)
    (place / "m039.py").unlink()
    with pytest.raises(ConfigError, match="other sources or settings"):
        build([place], tmp_path / "out", workers=0, shard_bytes=SHARD_BYTES)


def test_a_shard_that_was_changed_is_noticed(tmp_path: Path):
    place = tree(tmp_path / "ships", MODULES)
    _build_and_die(place, tmp_path / "out", 0, 4)
    shard = tmp_path / "out" / "part-00000.jsonl.gz"
    shard.write_bytes(shard.read_bytes()[:-1])
    with pytest.raises(IntegrityError, match="not as it was written"):
        build([place], tmp_path / "out", workers=0, shard_bytes=SHARD_BYTES)


def _build_and_die(place: Path, out: Path, workers: int, at: int) -> list[int]:
    """Kill a build at a write; says which other processes it had."""
    program = out.parent / "program.py"
    program.write_text(PROGRAM)
    command = [sys.executable, str(program), str(place), str(out), str(workers), str(at)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    return [int(pid) for pid in done.stdout.split()]


def _journal(out: Path) -> Journal:
    return msgspec.json.decode((out / "state" / "journal.json").read_bytes(), type=Journal)


def _files(out: Path) -> dict[str, bytes]:
    return {
        each.name: each.read_bytes()
        for each in sorted(out.iterdir())
        if each.is_file() and each.suffix != ".py"
    }
