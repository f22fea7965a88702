"""`make bench NAME=corpus_scale`: a corpus of 1 GB of code: memory, speed, bytes for a document.

Over copies of the interpreter's library and the installed packages, each copy with other names, so
that near duplicates are not most of it, until there is as much as --mb says. All is made in a
temporary folder and removed. The build is a process of its own with two workers; its memory is the
most it ever had, and twice the most of a worker. Other work on the machine makes the speed less.
"""

import argparse
import json
import re
import resource
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from hansa.training.corpus.build import build
from hansa.training.corpus.near import NearIndex, signature
from hansa.training.corpus.tokens import word_hashes
from report import Claim, option_parser, report

MB = 1000
MEMORY_MB_MAX = 2000
WORKERS = 2
DOCUMENTS = 20_000
LICENCE = (
    "Permission is hereby granted, free of charge, to any person obtaining a copy; this "
    "permission notice shall be included\n"
)

_SKIPPED = {"__pycache__", "site-packages", "lib-dynload"}
_NAME = re.compile(
    rb"\b(?!(?:None|True|False|class|while|yield|return|raise|import|from|except|finally|lambda"
    rb"|assert|break|continue|global|nonlocal|async|await|else|elif|with|pass)\b)([a-z_]{4,})\b"
)


def main() -> None:
    options = _parser().parse_args()
    if options.step:
        print(json.dumps(_STEPS[options.step](options)))
        return
    with tempfile.TemporaryDirectory(prefix="hansa-corpus-scale-") as folder:
        places = _copies(Path(folder), options.mb * 10**6)
        size_mb = sum(each.stat().st_size for each in Path(folder).rglob("*.py")) / 1e6
        built = _step("build", ["--out", f"{folder}/out", *map(str, places)])
    each = _step("documents", [])
    report(
        [
            Claim("code read", size_mb, "MB"),
            Claim("files", built["files"], "files"),
            Claim("kept", built["kept"], "files"),
            Claim("text kept", built["text_mb"], "MB"),
            Claim("time", built["seconds"], "s"),
            Claim("speed", size_mb / built["seconds"], "MB/s"),
            Claim("memory at its highest", built["memory_mb"], "MB", MEMORY_MB_MAX),
            Claim("a worker's memory at its highest", built["worker_mb"], "MB"),
            Claim("memory a document kept takes", each["bytes"], "bytes", 4096),
        ],
        options.json,
    )


def _build(options: argparse.Namespace) -> dict[str, float]:
    began_s = time.perf_counter()
    evals = [" ".join(f"word{n}_{k}" for k in range(200)) for n in range(164)]
    made = build(options.places, options.out, against=evals, workers=WORKERS)
    seconds = time.perf_counter() - began_s
    own, worker = (
        resource.getrusage(who).ru_maxrss / 1024
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    return {
        "files": made.files,
        "kept": made.kept,
        "text_mb": made.text_bytes / 1e6,
        "seconds": seconds,
        "memory_mb": own + WORKERS * worker,
        "worker_mb": worker,
    }


def _documents(options: argparse.Namespace) -> dict[str, float]:
    """What the index of near duplicates grows by for each document."""
    index = NearIndex()
    signed = [signature(word_hashes(" ".join(f"w{n}x{k}" for k in range(40))))
              for n in range(DOCUMENTS)]  # fmt: skip
    before = _resident()
    for each in signed:
        index.add(each)
    return {"bytes": (_resident() - before) / DOCUMENTS}


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def _step(step: str, more: list[str]) -> dict[str, float]:
    """One step in a process of its own."""
    done = subprocess.run(
        [sys.executable, __file__, "--step", step, *more], stdout=subprocess.PIPE, check=True
    )
    return json.loads(done.stdout)


def _copies(folder: Path, bytes_wanted: int) -> list[Path]:
    """Trees of code with other names in each, until there is enough."""
    places, done = list[Path](), 0
    while done < bytes_wanted:
        number = len(places)
        place = folder / f"tree{number:02d}"
        place.mkdir()
        (place / "LICENSE").write_text(LICENCE)
        places.append(place)
        for at, path in enumerate(_source_files()):
            if done >= bytes_wanted:
                break
            data = _NAME.sub(rb"\1_%d" % number, path.read_bytes())
            target = place / f"{at // 200:04d}" / f"{at:06d}.py"
            target.parent.mkdir(exist_ok=True)
            target.write_bytes(data)
            done += len(data)
    return places


def _source_files() -> Iterator[Path]:
    for source in (sysconfig.get_path("stdlib"), sysconfig.get_path("purelib")):
        for path in sorted(Path(source).rglob("*.py")):
            if not _SKIPPED.intersection(path.relative_to(source).parts):
                yield path


def _parser() -> argparse.ArgumentParser:
    parser = option_parser(__doc__ or "")
    parser.add_argument("--mb", type=int, default=MB, help="as much code is made, in MB")
    parser.add_argument("--step", choices=_STEPS, help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("places", type=Path, nargs="*", help=argparse.SUPPRESS)
    return parser


_STEPS = {"build": _build, "documents": _documents}


if __name__ == "__main__":
    main()
