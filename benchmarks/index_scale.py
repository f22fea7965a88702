"""`make bench NAME=index_scale`: the index at 500,000 lines: time, memory, freshness, queries.

Over copies of the source files in --path, or of the interpreter's own library and the installed
packages, until there are 500,000 lines. Each figure is of a process of its own, kept to two
processors. Queries are names and words drawn, with a fixed seed, from the codebase itself.
"""

import argparse
import contextlib
import json
import os
import random
import re
import resource
import shutil
import signal
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from hansa.core.errors import NotFound, StorageError
from hansa.index.index import Index
from hansa.index.languages import language_of
from hansa.index.watch import follow
from report import Claim, option_parser, report

LINES = 500_000
PROCESSORS = 2
QUERIES = 300
EDITS = 30
SHOWN = 10
BRANCH_FILES = 100
WAIT_S = 30.0
SEED = 4

_NOT_SOURCE = {"__pycache__", "site-packages", "lib-dynload", ".git"}
_WORD = re.compile(r"[A-Za-z_]{4,}")


def main() -> None:
    options = _parser().parse_args()
    if options.step:
        print(json.dumps(_STEPS[options.step](options.root, options.state)))
        return
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:PROCESSORS])
    with tempfile.TemporaryDirectory() as folder:
        root, state = Path(folder) / "code", Path(folder) / "state"
        lines = _copy(options.path or _installed(), root, options.lines)
        claims = _claims(root, state, lines)
    report(claims, options.json)


def _claims(root: Path, state: Path, lines: int) -> list[Claim]:
    killed = _kill_halfway(root, state.with_name("killed"))
    new, again = _step("update", root, state), _step("update", root, state)
    branch, followed, asked = (_step(step, root, state) for step in ("branch", "follow", "ask"))
    return [
        Claim("lines", lines, "lines", LINES, at_least=True),
        Claim("files", new["files"], "files"),
        Claim("indexed from scratch", new["seconds"], "s", 30),
        Claim("memory at its highest", new["memory_mb"], "MB", 500),
        Claim("size of the index", new["index_mb"], "MB"),
        Claim("finished after kill -9 halfway: files missing", killed, "files", 0),
        Claim("a start when nothing changed, process and all", again["wall_s"], "s", 1),
        Claim(f"{BRANCH_FILES} files changed, as by a branch", branch["seconds"], "s"),
        Claim("files read for that", branch["read"], "files", BRANCH_FILES),
        Claim("a saved file visible to search, median", followed["median_ms"], "ms", 150),
        Claim("a saved file visible to search, slowest", followed["most_ms"], "ms", 150),
        Claim("a query, median", asked["median_ms"], "ms"),
        Claim("a query, 95th percentile", asked["p95_ms"], "ms", 30),
        Claim("a name's definitions and references, 95th percentile", asked["names_ms"], "ms", 30),
    ]


def _step(step: str, root: Path, state: Path) -> dict[str, float]:
    """One step in a process of its own."""
    began_s = time.perf_counter()
    command = [sys.executable, __file__, "--step", step, "--root", root, "--state", state]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return {**json.loads(done.stdout), "wall_s": time.perf_counter() - began_s}


def _update(root: Path, state: Path) -> dict[str, float]:
    with Index.open(root, state) as index:
        found = index.update()
    return {
        "files": found.files,
        "seconds": found.seconds,
        "memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "index_mb": sum(each.stat().st_size for each in state.rglob("*.db")) / 1e6,
    }


def _branch(root: Path, state: Path) -> dict[str, float]:
    for path in _some(root, BRANCH_FILES):
        path.write_bytes(path.read_bytes() + b"\n")
    with Index.open(root, state) as index:
        found = index.update()
        return {"seconds": found.seconds, "read": found.changed + found.added + found.removed}


def _follow(root: Path, state: Path) -> dict[str, float]:
    """From the end of a save to the first search that finds what was saved."""
    stop, ready, took_ms = threading.Event(), threading.Event(), list[float]()

    def watch() -> None:
        with Index.open(root, state) as index:
            for _ in follow(index, stop):
                ready.set()

    thread = threading.Thread(target=watch)
    thread.start()
    assert ready.wait(WAIT_S)
    with Index.open(root, state, read_only=True) as reader:
        for n, path in enumerate(_some(root, EDITS)):
            word = f"zyxwv{chr(ord('a') + n // 26)}{chr(ord('a') + n % 26)}q"
            path.write_bytes(path.read_bytes() + f"\n# {word}\n".encode())
            saved_s = time.perf_counter()
            name = path.relative_to(root).as_posix()
            while [hit.snippet.path for hit in reader.search(word, 1)] != [name]:
                assert time.perf_counter() - saved_s < WAIT_S, f"{path} was not taken in"
                time.sleep(0.002)
            took_ms.append((time.perf_counter() - saved_s) * 1000)
    stop.set()
    thread.join()
    return {"median_ms": statistics.median(took_ms), "most_ms": max(took_ms)}


def _ask(root: Path, state: Path) -> dict[str, float]:
    chosen = random.Random(SEED)
    asked_ms, names_ms = list[float](), list[float]()
    with Index.open(root, state, read_only=True) as index:
        for path in _some(root, QUERIES):
            words = _WORD.findall(path.read_text("utf-8", errors="replace")) or ["table"]
            query = " ".join(chosen.choices(words, k=chosen.randint(1, 6)))
            asked_ms.append(_took_ms(lambda query=query: index.search(query, SHOWN)))
            name = chosen.choice(words)
            names_ms.append(_took_ms(lambda name=name: (index.graph.definitions(name),
                                                        index.graph.references(name))))  # fmt: skip
    return {
        "median_ms": statistics.median(asked_ms),
        "p95_ms": statistics.quantiles(asked_ms, n=20)[-1],
        "names_ms": statistics.quantiles(names_ms, n=20)[-1],
    }


def _kill_halfway(root: Path, state: Path) -> int:
    """Files that are missing after an update was killed and the next one ended."""
    command = [sys.executable, __file__, "--step", "update", "--root", root, "--state", state]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        began_s = time.perf_counter()
        while _indexed(root, state) < BRANCH_FILES and time.perf_counter() - began_s < WAIT_S:
            time.sleep(0.05)
        process.kill()
    assert process.returncode == -signal.SIGKILL
    with Index.open(root, state) as index:
        index.update()
        missing = index.status().behind
    shutil.rmtree(state)
    return missing


def _indexed(root: Path, state: Path) -> int:
    """So far; an index that is not made yet has none."""
    missing = contextlib.suppress(NotFound, StorageError)
    with missing, Index.open(root, state, read_only=True) as index:
        return index.status().files
    return 0


def _some(root: Path, count: int) -> list[Path]:
    paths = sorted(path for path in root.rglob("*.py") if path.stat().st_size)
    return random.Random(SEED + count).sample(paths, count)


def _took_ms(call: Callable[[], object]) -> float:
    began_s = time.perf_counter()
    call()
    return (time.perf_counter() - began_s) * 1000


def _copy(sources: list[Path], root: Path, lines: int) -> int:
    """Copy source files until there are as many lines; says how many there are."""
    copied = 0
    for number, source in enumerate(sources):
        for path in _source_files(source):
            if copied >= lines:
                return copied
            target = root / f"{number}-{source.name}" / path.relative_to(source)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
            copied += target.read_bytes().count(b"\n")
    return copied


def _source_files(source: Path) -> Iterator[Path]:
    for path in sorted(source.rglob("*")):
        parts = path.relative_to(source).parts
        if path.is_file() and language_of(path.name) and not _NOT_SOURCE.intersection(parts):
            yield path


def _installed() -> list[Path]:
    packages = Path(sysconfig.get_path("purelib"))
    found = [packages / "django"] if (packages / "django").is_dir() else []
    others = sorted(path for path in packages.iterdir() if path.is_dir() and path not in found)
    return [*found, Path(sysconfig.get_path("stdlib")), *others]


def _parser() -> argparse.ArgumentParser:
    parser = option_parser(__doc__ or "")
    parser.add_argument("--path", type=Path, action="append", help="a codebase; may be repeated")
    parser.add_argument("--lines", type=int, default=LINES, help="as many are copied, at most")
    parser.add_argument("--step", choices=_STEPS, help=argparse.SUPPRESS)
    parser.add_argument("--root", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--state", type=Path, help=argparse.SUPPRESS)
    return parser


_STEPS = {"update": _update, "branch": _branch, "follow": _follow, "ask": _ask}


if __name__ == "__main__":
    main()
