"""`make bench NAME=next_edit`: are the edits predicted without a model those that were made?

Consecutive releases of real packages. Between two releases a file's changes are taken one by one
in a seeded order; after each, what follows is predicted and compared with the
release. A prediction counts once, when it is made first. It is right if the release's line has
exactly it; `within` also counts lines that were changed further.
"""

import argparse
import difflib
import random
import subprocess
import sys
import zipfile
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import platformdirs

from hansa.editor.next.changes import Change, changes
from hansa.editor.next.edits import NextEdit
from hansa.editor.next.predict import predict
from report import Claim, option_parser, report

RELEASES = {
    "click": ("7.1.2", "8.0.4", "8.1.0", "8.1.8"),
    "flask": ("1.1.4", "2.0.3", "2.1.3", "2.2.5", "2.3.3", "3.0.3"),
    "werkzeug": ("1.0.1", "2.0.3", "2.1.2", "2.2.3", "2.3.8", "3.0.6"),
    "jinja2": ("2.11.3", "3.0.3", "3.1.0", "3.1.4"),
    "requests": ("2.20.0", "2.25.0", "2.28.0", "2.31.0"),
    "httpx": ("0.20.0", "0.22.0", "0.24.0", "0.26.0", "0.27.0"),
    "starlette": ("0.20.0", "0.25.0", "0.30.0", "0.36.0"),
    "uvicorn": ("0.13.0", "0.17.0", "0.20.0", "0.25.0"),
    "rich": ("10.0.0", "11.0.0", "12.0.0", "13.0.0"),
    "scrapy": ("2.5.0", "2.6.0", "2.8.0", "2.10.0"),
    "black": ("22.1.0", "22.12.0", "23.1.0", "23.12.0"),
}
HUNKS_MAX = 40
BYTES_MAX = 60_000
PRECISION_MIN = 0.95
SEED = 20261125


def main() -> None:
    options = _options()
    cache = Path(platformdirs.user_cache_dir("hansa")) / "releases"
    told: Counter[tuple[str, str]] = Counter()
    wrong: list[str] = []
    files = 0
    for package in options.packages:
        for older, newer in _pairs(package, cache):
            for path, before, after in _changed(older, newer):
                files += 1
                for kind, verdict, said in _replay(path, before, after):
                    told[kind, verdict] += 1
                    if verdict == "wrong":
                        wrong.append(f"{kind}, {package} {path}: {said}")
    for each in random.Random(SEED).sample(wrong, min(len(wrong), options.show)):
        print(each, file=sys.stderr)
    report(list(_claims(files, told)), options.json)


def _claims(files: int, told: Counter[tuple[str, str]]) -> Iterator[Claim]:
    yield Claim("files that changed between two releases", files, "files")
    kinds = sorted({kind for kind, _ in told})
    for kind in [*kinds, "all"]:
        counts = {
            verdict: sum(n for (k, v), n in told.items() if v == verdict and kind in (k, "all"))
            for verdict in ("exact", "within", "wrong")
        }
        total = sum(counts.values())
        yield Claim(f"{kind}: edits predicted", total, "edits")
        bound = PRECISION_MIN if kind == "all" else None
        right = (counts["exact"] + counts["within"]) / total if total else 0.0
        yield Claim(f"{kind}: precision", right, "", bound, at_least=True)
        exact = counts["exact"] / total if total else 0.0
        yield Claim(f"{kind}: precision, the whole line", exact, "")


def _replay(path: str, before: str, after: str) -> Iterator[tuple[str, str, str]]:
    """Kind, verdict and a few words for each prediction on the way from `before` to `after`."""
    hunks = changes(before, after)
    if not 2 <= len(hunks) <= HUNKS_MAX:
        return
    orders = [list(range(len(hunks)))]
    orders.append(random.Random(f"{SEED} {path}").sample(orders[0], len(hunks)))
    seen: set[tuple[int, str]] = set()
    for order in orders:
        for count in range(1, len(hunks)):
            done = set(order[:count])
            now, origin = _apply(before, hunks, done)
            for edit in predict(path, before, now):
                line = origin[edit.line - 1]
                if line is None or (line, edit.new) in seen:
                    continue
                seen.add((line, edit.new))
                yield (
                    edit.kind,
                    _verdict(edit, line, hunks),
                    f"{edit.old!r} -> {edit.new!r} ({edit.why})",
                )


def _apply(before: str, hunks: list[Change], done: set[int]) -> tuple[str, list[int | None]]:
    """The text with some hunks made, and of which old line (1-based) each of its lines is."""
    old = before.split("\n")
    lines: list[str] = []
    origin: list[int | None] = []
    at = 1
    for number, hunk in enumerate(hunks):
        for line in range(at, hunk.old_start):
            lines.append(old[line - 1])
            origin.append(line)
        if number in done:
            lines += hunk.new
            origin += [None] * len(hunk.new)
        else:
            lines += hunk.old
            origin += range(hunk.old_start, hunk.old_start + len(hunk.old))
        at = hunk.old_start + len(hunk.old)
    lines += old[at - 1 :]
    origin += range(at, len(old) + 1)
    return "\n".join(lines), origin


def _verdict(edit: NextEdit, line: int, hunks: list[Change]) -> str:
    """`exact`, `within` (the released line has this change and more) or `wrong`."""
    for hunk in hunks:
        if hunk.old_start <= line < hunk.old_start + len(hunk.old):
            if edit.new in hunk.new:
                return "exact"
            return "within" if any(_is_on_the_way(edit, new) for new in hunk.new) else "wrong"
    return "wrong"


def _is_on_the_way(edit: NextEdit, released: str) -> bool:
    """Whether the edit brings its line nearer to the released one, and all it adds is there."""
    added = [
        edit.new[j1:j2].strip()
        for tag, _, _, j1, j2 in difflib.SequenceMatcher(None, edit.old, edit.new).get_opcodes()
        if tag in ("insert", "replace")
    ]
    nearer = _alike(edit.new, released) > _alike(edit.old, released)
    return nearer and _alike(edit.old, released) > 0.5 and all(each in released for each in added)


def _alike(one: str, other: str) -> float:
    return difflib.SequenceMatcher(None, one, other).ratio()


def _pairs(package: str, cache: Path) -> Iterator[tuple[dict[str, str], dict[str, str]]]:
    known = [_sources(package, version, cache) for version in RELEASES[package]]
    for older, newer in pairwise(known):
        if older and newer:
            yield older, newer


def _changed(older: dict[str, str], newer: dict[str, str]) -> Iterator[tuple[str, str, str]]:
    for path, before in older.items():
        after = newer.get(path, before)
        if before != after:
            yield path, before, after


def _sources(package: str, version: str, cache: Path) -> dict[str, str]:
    """The Python files of a release's wheel, by path; fetched once, never run."""
    folder = cache / f"{package}-{version}"
    if not any(folder.glob("*.whl")):
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        command += ["--only-binary=:all:", "--dest", str(folder), f"{package}=={version}"]
        if subprocess.run(command, check=False, capture_output=True, timeout=120).returncode:
            print(f"{package} {version} has no wheel here; left out", file=sys.stderr)
            return {}
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
        return {
            info.filename: wheel.read(info).decode(errors="replace").replace("\r\n", "\n")
            for info in wheel.infolist()
            if info.filename.endswith(".py") and info.file_size <= BYTES_MAX
            and "/_vendor/" not in info.filename and "/migrations/" not in info.filename
        }  # fmt: skip


def _options() -> argparse.Namespace:
    parser = option_parser(__doc__ or "")
    names = sorted(RELEASES)
    parser.add_argument("--packages", nargs="+", choices=names, default=names)
    parser.add_argument("--show", type=int, default=0, help="so many wrong ones")
    return parser.parse_args()


if __name__ == "__main__":
    main()
