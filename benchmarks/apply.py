"""`make bench NAME=apply`: generated edits of real files, right or refused; and fast apply.

First 200 edits, each in every format and disturbed in some way (see `edits.py`), are written to
disk, applied through the journal, compared to what has to come out, and undone. Then the embedded
model rewrites functions of about 60 lines, with the old text in the prompt as the draft (n-gram
speculation) and without, alternating in one run. It does not always leave a function mostly as it
is, as it was told; the bound is on those that it does.
"""

import ast
import asyncio
import contextlib
import tempfile
import textwrap
import time
from collections import Counter
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import click.core
import jinja2.environment
import rich.console
import rich.table

from edits import Case, cases
from hansa.context.templates import render
from hansa.core.errors import HansaError
from hansa.core.files import user_state_dir
from hansa.core.ids import new_request_id
from hansa.editor.drafts import draft
from hansa.editor.journal import Journal
from hansa.editor.patch.formats import read_patch
from hansa.editor.patch.plan import plan
from hansa.engines.llamacpp import LlamaCpp, LlamaCppConfig
from hansa.models.catalog import DEFAULT_MODEL, card_of
from hansa.models.store import ModelStore
from hansa.wire.requests import Request, Sampling
from report import Claim, option_parser, report

EDITS = 200
SEED = 20261125
LINES_MIN, LINES_MAX = 55, 65
FUNCTIONS = 9
KEPT_MIN = 0.8
TOKENS_MAX = 400
INSTRUCTION = "Add a comment above the last return statement."


async def main() -> None:
    parser = option_parser(__doc__ or "")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--no-model", action="store_true", help="only the edits, no tokens/s")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    claims = edit_claims(options.seed)
    if not options.no_model:
        claims += await speed_claims(options.threads)
    report(claims, options.json)


def edit_claims(seed: int) -> list[Claim]:
    found = cases(EDITS, seed)
    with tempfile.TemporaryDirectory() as folder:
        ends = Counter(outcome(each, Path(folder) / str(i)) for i, each in enumerate(found))
    sure = sum(not each.refusable and each.wanted is not None for each in found)
    share = 100 * (ends["right"] + ends["refused"]) / len(found)
    return [
        Claim("edits, each in up to three formats", len(found), "patches"),
        Claim("right", ends["right"], "patches"),
        Claim("refused by name, where that is right too", ends["refused"], "patches"),
        Claim("refused, though there is one place to the letter", ends["refused wrongly"],
              f"of {sure}", 0),
        Claim("wrong", ends["wrong"], "patches", 0),
        Claim("right or refused", share, "%", 100, at_least=True),
        Claim("not as before after undo, to the byte", ends["not undone"], "patches", 0),
    ]  # fmt: skip


def outcome(case: Case, folder: Path) -> str:
    """What became of a case, by way of the disk."""
    code = folder / "code"
    code.mkdir(parents=True)
    path, old = code / case.name, case.text.encode()
    path.write_bytes(old)
    journal = Journal(folder / "state")
    try:
        planned = plan(path, read_patch(case.patch))
    except HansaError:
        untouched = path.read_bytes() == old
        fine = case.wanted is None or case.refusable
        return ("refused" if fine else "refused wrongly") if untouched else "wrong"
    journal.write("case", code, planned.changes)
    right = case.wanted is not None and path.read_bytes() == case.wanted.encode()
    journal.undo(code)
    if path.read_bytes() != old:
        return "not undone"
    return "right" if right else "wrong"


async def speed_claims(threads: int) -> list[Claim]:
    """Tokens/s of the embedded engine, with the old text as the draft and without."""
    plain, fast = Rates(), Rates()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        async with (
            engine(folder, threads, speculates=False) as alone,
            engine(folder, threads, speculates=True) as guessing,
        ):
            for code in functions():
                await plain.add(alone, code)
                await fast.add(guessing, code)
    return [
        Claim("rewriting 60 lines, plain decoding", plain.rate(), "tokens/s"),
        Claim("rewriting 60 lines, old text as the draft", fast.rate(), "tokens/s"),
        Claim("ratio", fast.rate() / plain.rate(), "x"),
        Claim("rewritten with four lines in five as they were", len(fast.kept()),
              f"of {len(fast.all)}"),
        Claim("these, plain decoding", plain.rate(plain.kept()), "tokens/s"),
        Claim("these, old text as the draft", fast.rate(fast.kept()), "tokens/s"),
        Claim("ratio of these", fast.rate(fast.kept()) / plain.rate(plain.kept()), "x", 2,
              at_least=True),
    ]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Rewritten:
    kept: float
    """Share of the lines written that are lines of the old text."""
    tokens: int
    seconds: float
    """After the first token."""


@dataclass(slots=True)
class Rates:
    all: list[Rewritten] = field(default_factory=list[Rewritten])

    async def add(self, asked: LlamaCpp, code: str) -> None:
        self.all.append(await rewrite(asked, code))

    def kept(self) -> list[Rewritten]:
        return [each for each in self.all if each.kept >= KEPT_MIN]

    def rate(self, some: list[Rewritten] | None = None) -> float:
        chosen = self.all if some is None else some
        seconds = sum(each.seconds for each in chosen)
        return sum(each.tokens for each in chosen) / seconds if seconds else 0.0


def functions() -> list[str]:
    found: list[str] = []
    for module in (click.core, rich.table, jinja2.environment, rich.console):
        text = Path(module.__file__).read_text("utf-8")
        lines = text.split("\n")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef):
                body = lines[node.lineno - 1 : node.end_lineno]
                if LINES_MIN <= len(body) <= LINES_MAX:
                    found.append(textwrap.dedent("\n".join(body)) + "\n")
    return found[:FUNCTIONS]


def request(code: str) -> Request:
    asked = draft(code, INSTRUCTION, "python")
    return Request(
        id=new_request_id(),
        task="apply",
        messages=asked.messages,
        sampling=Sampling(max_tokens=min(asked.max_tokens, TOKENS_MAX), stop=asked.stop),
        stream=True,
    )


@contextlib.asynccontextmanager
async def engine(folder: Path, threads: int, *, speculates: bool) -> AsyncGenerator[LlamaCpp]:
    card = card_of(DEFAULT_MODEL)
    path = ModelStore(user_state_dir()).require(card)
    made = LlamaCpp(
        LlamaCppConfig(str(path), threads, 1, 2048, speculates=speculates),
        render=partial(render, profile=card.profile),
        stop=card.profile.stop,
        name="bench",
        log_path=folder / "bench.log",
    )
    await made.start()
    while made.state() != "ready":
        await asyncio.sleep(0.05)
    try:
        yield made
    finally:
        await made.close()


async def rewrite(asked: LlamaCpp, code: str) -> Rewritten:
    first_s = 0.0
    tokens, text = 0, ""
    async for chunk in asked.stream(request(code)):
        first_s = first_s or time.perf_counter()
        text += chunk.text
        if chunk.usage:
            tokens = chunk.usage.completion_tokens
    seconds = time.perf_counter() - first_s
    old = {line.strip() for line in code.split("\n")}
    new = [line.strip() for line in text.split("\n") if line.strip()]
    return Rewritten(sum(line in old for line in new) / max(1, len(new)), tokens, seconds)


if __name__ == "__main__":
    asyncio.run(main())
