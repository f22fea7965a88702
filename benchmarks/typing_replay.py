"""`make bench NAME=typing_replay`: a developer types real code key by key, through the server.

Lines of real files, at seeded places, are taken out and typed again. The developer comes to a
place, looks for a moment, and types; after each key the language server is asked, and a suggestion
that is what the developer means to type is taken. Beside it, line by line, the same model is asked
with the plain text before the cursor, as an editor plugin that knows nothing else would ask.
Latency is from the request to the suggestion, of what is shown after a key; a place that is new to
the engine is read during the first look, which has a row of its own.
"""

import argparse
import asyncio
import contextlib
import random
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import rich
from lsprotocol import types as lsp

from report import Claim, option_parser, report

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from support.league import Made, MemberSpec, make_league
from support.lsp import editor, inline
from support.nodes import new_key, node_process

SEED = 20261125
NEXT_KEY_S = 0.25
"""A suggestion that has not come by then is typed over."""

FIRST_LOOK_S = 3.0
"""How long somebody who came to a line waits at most before the first key."""

LINE_CHARS_MIN, LINE_CHARS_MAX = 12, 79
P50_MS_MAX, P95_MS_MAX = 120, 200
PREFIX_CHARS = 1500
TOKENS = 24

Ask = Callable[[str, int, str, float], Awaitable[str]]
"""The file's text, the cursor, the file and the seconds to wait; what is suggested."""


@dataclass(slots=True)
class Seen:
    """What became of the lines that were typed with one assistant."""

    chars: int = 0
    saved: int = 0
    lines: int = 0
    looks: int = 0
    exact: int = 0
    """Lines that were suggested whole before the first key, of those looked at."""
    shown_ms: list[float] = field(default_factory=list)
    looks_ms: list[float] = field(default_factory=list)
    """The same for what was shown before the first key."""


@dataclass(frozen=True, slots=True)
class Place:
    path: Path
    before: str
    line: str
    """What is typed, without its indentation."""
    after: str


async def main() -> None:
    options = _options()
    with tempfile.TemporaryDirectory() as name:
        root = _codebase(Path(name) / "code")
        places = _places(root, options.lines + options.looks)
        made = make_league(Path(name), (MemberSpec("solo", replicas=("r1",), engine="llamacpp"),))
        with node_process(made["solo"]) as node:
            node.wait_until("/ready", timeout_s=60)
            ours, plain = Seen(), Seen()
            async with _server(made["solo"], root, Path(name)) as (through_hansa, status):
                async with _plain(made["solo"]) as plainly:
                    await _warm_up(places[0], through_hansa, plainly)
                    for number, place in enumerate(places, 1):
                        print(f"line {number} of {len(places)}", end="\r", file=sys.stderr)
                        do = _type if number <= options.lines else _look
                        await do(place, through_hansa, ours)
                        await do(place, plainly, plain)
                told = await status()
    report(list(_claims(ours, plain, told)), options.json)


def _claims(ours: Seen, plain: Seen, told: dict[str, float]) -> list[Claim]:
    shown = sorted(ours.shown_ms) or [0.0]
    return [
        Claim("lines typed", ours.lines, "lines"),
        Claim("suggestions shown", len(ours.shown_ms), ""),
        Claim("request to suggestion, median", statistics.median(shown), "ms", P50_MS_MAX),
        Claim("request to suggestion, p95", shown[int(0.95 * (len(shown) - 1))], "ms", P95_MS_MAX),
        Claim("characters saved", ours.saved / ours.chars, ""),
        Claim("characters saved, plain prefix", plain.saved / plain.chars, ""),
        Claim("characters saved, ratio", ours.saved / max(plain.saved, 1), "x", 1, at_least=True),
        Claim("lines looked at before the first key", ours.looks, "lines"),
        Claim("whole line right before the first key", ours.exact / max(ours.looks, 1), ""),
        Claim("the same, plain prefix", plain.exact / max(plain.looks, 1), ""),
        Claim("prompt tokens the engine had in its cache", told["prompt_cache_hit_rate"] or 0, ""),
        Claim("first look at a place, request to suggestion, median",
              statistics.median(ours.looks_ms or [0.0]), "ms"),
        Claim("plain prefix, request to suggestion, median",
              statistics.median(plain.shown_ms or [0.0]), "ms"),
    ]  # fmt: skip


async def _look(place: Place, ask: Ask, seen: Seen) -> None:
    """Look at the suggestion before the first key; of a part the whole is asked for."""
    said = ""
    for _ in range(2):
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(2 * FIRST_LOOK_S):
                text, at = place.before + place.after, len(place.before)
                said = await ask(text, at, str(place.path), FIRST_LOOK_S)
    seen.looks += 1
    seen.exact += said.split("\n")[0].rstrip() == place.line


async def _type(place: Place, ask: Ask, seen: Seen) -> None:
    """Type one line, taking every suggestion that is what is meant."""
    typed = ""
    seen.lines += 1
    seen.chars += len(place.line)
    while len(typed) < len(place.line):
        text = place.before + typed + place.after
        began = time.perf_counter()
        wait_s = NEXT_KEY_S if typed else FIRST_LOOK_S
        try:
            async with asyncio.timeout(2 * wait_s):
                said = await ask(text, len(place.before) + len(typed), str(place.path), wait_s)
        except TimeoutError:
            said = ""
        if said:
            of = seen.shown_ms if typed else seen.looks_ms
            of.append((time.perf_counter() - began) * 1000)
        rest = place.line[len(typed) :]
        first = said.split("\n")[0].rstrip()
        if first and rest.startswith(first):
            seen.saved += len(first) - 1  # Taking it costs a key.
            typed += first
        else:
            typed += rest[0]


async def _warm_up(place: Place, *asks: Ask) -> None:
    for ask in asks:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(5):
                at = len(place.before)
                await ask(place.before + place.after, at, str(place.path), FIRST_LOOK_S)


@contextlib.asynccontextmanager
async def _server(
    made: Made, root: Path, folder: Path
) -> AsyncGenerator[tuple[Ask, Callable[[], Awaitable[dict[str, float]]]]]:
    """`hansa lsp` on the package that the lines are from."""
    environment = {"HANSA_NODE_URL": made.url, "HANSA_API_KEY": new_key(made.settings())}
    state = ("--state-dir", str(folder / "editor"))
    async with editor(*state, environment=environment, folder=root) as client:
        file = root / "rich" / "__init__.py"
        client.open(file.as_uri(), file.read_text())
        await client.indexed(root)
        shown: dict[str, str] = {}

        async def ask(text: str, cursor: int, path: str, wait_s: float) -> str:
            uri = Path(path).as_uri()
            if path not in shown:
                client.open(uri, text)
            elif shown[path] != text:
                client.change(uri, _difference(shown[path], text))
            shown[path] = text
            line = text.count("\n", 0, cursor)
            column = cursor - (text.rfind("\n", 0, cursor) + 1)
            params = inline(uri, line, column, invoked=False)
            # Not cancelled when it is late: the server gives it up by itself at the next key.
            answering = asyncio.ensure_future(client.text_document_inline_completion_async(params))
            done, _ = await asyncio.wait({answering}, timeout=wait_s)
            if not done:
                raise TimeoutError
            answer = answering.result()
            items = answer.items if isinstance(answer, lsp.InlineCompletionList) else ()
            said = items[0].insert_text if items else ""
            return said if isinstance(said, str) else ""

        yield ask, client.status


def _difference(old: str, new: str) -> lsp.TextDocumentContentChangePartial:
    """The one place where two versions differ, as an editor would send it."""
    start = next((n for n, (a, b) in enumerate(zip(old, new, strict=False)) if a != b),
                 min(len(old), len(new)))  # fmt: skip
    tail = 0
    while tail < min(len(old), len(new)) - start and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    places = [
        lsp.Position(old.count("\n", 0, at), at - (old.rfind("\n", 0, at) + 1))
        for at in (start, len(old) - tail)
    ]
    return lsp.TextDocumentContentChangePartial(lsp.Range(*places), new[start : len(new) - tail])


@contextlib.asynccontextmanager
async def _plain(made: Made) -> AsyncGenerator[Ask]:
    """The same node and model with nothing but the text before the cursor."""
    headers = {"authorization": f"Bearer {new_key(made.settings())}"}
    async with aiohttp.ClientSession(headers=headers) as http:

        async def ask(text: str, cursor: int, _: str, wait_s: float) -> str:
            prompt = text[max(0, cursor - PREFIX_CHARS) : cursor]
            if not prompt.strip():
                return ""
            body = {"model": "auto", "prompt": prompt,
                    "max_tokens": TOKENS, "temperature": 0, "stop": ["\n"]}  # fmt: skip
            async with asyncio.timeout(wait_s):
                async with http.post(f"{made.url}/v1/completions", json=body) as reply:
                    said = await reply.json()
            if reply.status != 200:
                raise SystemExit(f"the node refused a plain prefix: {said}")
            return said["choices"][0]["text"]

        yield ask


def _codebase(root: Path) -> Path:
    """A real package as a codebase of its own."""
    shutil.copytree(Path(rich.__file__).parent, root / "rich")
    (root / "pyproject.toml").write_text('[project]\nname = "rich"\n')
    return root


def _places(root: Path, count: int) -> list[Place]:
    """Lines of code to type, each with the file around it."""
    chosen = random.Random(SEED)
    files = sorted((root / "rich").glob("*.py"))
    found: list[Place] = []
    while len(found) < count:
        path = chosen.choice(files)
        lines = path.read_text().split("\n")
        number = chosen.randrange(len(lines))
        line = lines[number]
        code = line.strip()
        if not LINE_CHARS_MIN <= len(code) <= LINE_CHARS_MAX or code.startswith(("#", '"', "'")):
            continue
        if len(line.rstrip()) != len(line):
            continue
        indent = line[: len(line) - len(code)]
        before = "".join(f"{each}\n" for each in lines[:number]) + indent
        found.append(Place(path, before, code, "\n" + "\n".join(lines[number + 1 :])))
    return found


def _options() -> argparse.Namespace:
    parser = option_parser(__doc__ or "")
    parser.add_argument("--lines", type=int, default=40, help="typed (default: 40)")
    parser.add_argument("--looks", type=int, default=100, help="more, only looked at")
    return parser.parse_args()


if __name__ == "__main__":
    asyncio.run(main())
