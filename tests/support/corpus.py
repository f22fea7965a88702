"""Code to build corpora of: distinct modules, installed packages, licences."""

import gzip
import random
from pathlib import Path

import msgspec

from hansa.training.corpus.shards import Line

MIT = (
    "MIT License\n\nPermission is hereby granted, free of charge, to any person obtaining a copy "
    "of this software, to deal in the Software without restriction. The above copyright notice "
    "and this\npermission notice shall be included in all copies.\n"
)
GPL = "                    GNU GENERAL PUBLIC LICENSE\n                       Version 3\n"

_VERBS = ("read", "write", "merge", "split", "count", "sort", "check", "move", "parse", "join")
_NOUNS = ("ship", "port", "cargo", "ledger", "route", "crew", "harbour", "coin", "chart", "tide")


def module(seed: int, functions: int = 12) -> str:
    """A module unlike any with another seed."""
    chance = random.Random(seed)
    parts = [f'"""The {chance.choice(_NOUNS)} of {chance.choice(_NOUNS)}s."""\n']
    for _ in range(functions):
        verb, noun, other = chance.choice(_VERBS), *chance.sample(_NOUNS, 2)
        name = f"{verb}_{noun}_{chance.randrange(10**6)}"
        parts.append(
            f"\n\ndef {name}({noun}, {other}=None):\n"
            f"    for {chance.choice(_VERBS)} in {noun}.{chance.choice(_VERBS)}s({other}):\n"
            f"        yield {chance.choice(_VERBS)}_{chance.choice(_NOUNS)}({noun}, {name})\n"
        )
    return "".join(parts)


def tree(root: Path, modules: int, *, licence: str = MIT) -> Path:
    """A source tree with its licence; says where."""
    write(root, {"LICENSE": licence} | {f"m{n:03d}.py": module(n) for n in range(modules)})
    return root


def installed(site: Path, name: str, files: dict[str, str], *metadata: str) -> None:
    """Install a package of these files, with these lines in its metadata."""
    info = f"{name}-1.0.dist-info"
    head = "\n".join(["Metadata-Version: 2.4", f"Name: {name}", "Version: 1.0", *metadata])
    record = "".join(f"{path},,\n" for path in [*files, f"{info}/METADATA"])
    write(site, {**files, f"{info}/METADATA": f"{head}\n", f"{info}/RECORD": record})


def write(root: Path, files: dict[str, str]) -> None:
    for path, text in files.items():
        place = root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, "utf-8")


def lines(out: Path) -> list[Line]:
    """Every document of a corpus."""
    return [
        msgspec.json.decode(line, type=Line)
        for shard in sorted(out.glob("part-*.jsonl.gz"))
        for line in gzip.decompress(shard.read_bytes()).splitlines()
    ]
