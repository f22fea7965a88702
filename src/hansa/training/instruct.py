"""Instruction tuning from docstrings: a function's head is the task, its body the answer.

Kept is only what runs: a function stands alone with the imports of its file, its docstring has
examples, and in the sandbox each of them gives what the docstring says.
"""

import ast
import asyncio
import doctest
import textwrap
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from hansa.context.templates import render
from hansa.core.files import write_atomic
from hansa.evals import sandbox
from hansa.evals.humaneval import CHAT_PROMPT
from hansa.models.profile import Profile
from hansa.training.examples import Example, read_examples
from hansa.training.recipe import Instruct
from hansa.wire.requests import Message, Request

FILE = "instruct.jsonl"
CHARS = range(80, 2500)
EXAMPLES_MAX = 20
AT_ONCE = 2
END = "<|im_end|>"

_CHECK = """\
def check(candidate):
    space = {{{name!r}: candidate}}
    for source, want in {examples!r}:
        try:
            code = compile(source, "example", "eval")
        except SyntaxError:
            exec(compile(source, "example", "exec"), space)
            continue
        value = eval(code, space)
        assert ("" if value is None else repr(value)) == want, source
"""


@dataclass(frozen=True, slots=True)
class Task:
    """One function: what a model is shown, what it should say, and how that is checked."""

    name: str
    imports: str
    head: str
    """Imports, signature and docstring."""
    answer: str
    """The function without its docstring."""
    program: str
    check: str


def instruct_file(
    folder: Path, texts: Iterable[str], instruct: Instruct, profile: Profile
) -> Iterator[Example]:
    """The examples, each as often as the recipe says; run once and kept in the run's folder."""
    path = folder / FILE
    if not path.exists():
        write_atomic(path, asyncio.run(_encoded(texts, profile)))
    for _ in range(instruct.copies):
        yield from read_examples(path)


async def _encoded(texts: Iterable[str], profile: Profile) -> bytes:
    lines = [msgspec.json.encode(each) async for each in instruct_examples(texts, profile)]
    return b"".join(line + b"\n" for line in lines)


async def instruct_examples(texts: Iterable[str], profile: Profile) -> AsyncIterator[Example]:
    """Examples from functions whose own examples pass; in the order of `texts`.

    Raises:
        ConfigError: this machine cannot isolate code.
    """
    await sandbox.check_isolation()
    tasks = (task for text in texts for task in tasks_of(text))
    async for task in _passing(tasks):
        message = Message("user", CHAT_PROMPT.format(prompt=task.head))
        prompt = render(Request(id="", task="chat", messages=(message,)), profile)
        yield Example(prompt, f"```python\n{task.answer}```{END}")


def tasks_of(text: str) -> Iterator[Task]:
    """Functions of a module that have examples and stand alone but for its plain imports."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and not node.decorator_list:
            task = _task(node, tree, text)
            if task is not None:
                yield task


def _task(node: ast.FunctionDef, tree: ast.Module, text: str) -> Task | None:
    doc = ast.get_docstring(node)
    source = ast.get_source_segment(text, node)
    if not doc or not source or len(source) not in CHARS or len(node.body) < 2:
        return None
    examples = _doc_examples(doc)
    if not examples or not any(want for _, want in examples):
        return None
    lines = source.splitlines(keepends=True)
    first, second = node.body[0], node.body[1]
    said = (first.end_lineno or first.lineno) - node.lineno + 1
    signature = "".join(lines[: first.lineno - node.lineno])
    if said > second.lineno - node.lineno or not signature.strip():
        return None  # The body begins on the docstring's last line.
    imports = _imports_used(tree, node, text)
    return Task(
        name=node.name,
        imports=imports,
        head=imports + "".join(lines[:said]),
        answer=_ended(signature + "".join(lines[said:]).lstrip("\n")),
        program=imports + source + "\n",
        check=_CHECK.format(name=node.name, examples=examples),
    )


def _doc_examples(doc: str) -> list[tuple[str, str]]:
    try:
        found = doctest.DocTestParser().get_examples(doc)
    except ValueError:
        return []
    if len(found) > EXAMPLES_MAX or any(each.exc_msg for each in found):
        return []
    return [(textwrap.dedent(each.source).rstrip("\n"), each.want.rstrip("\n")) for each in found]


def _imports_used(tree: ast.Module, node: ast.FunctionDef, text: str) -> str:
    used = {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
    kept = ""
    for each in tree.body:
        if isinstance(each, ast.Import | ast.ImportFrom):
            names = {(name.asname or name.name).split(".")[0] for name in each.names}
            if names & used:
                kept += f"{ast.get_source_segment(text, each)}\n"
    return f"{kept}\n\n" if kept else ""


def _ended(code: str) -> str:
    return code.rstrip("\n") + "\n"


async def _passing(tasks: Iterator[Task]) -> AsyncIterator[Task]:
    """Tasks whose examples pass; a few run at once."""
    seen: set[str] = set()
    while True:
        batch = [task for _, task in zip(range(AT_ONCE), tasks, strict=False)]
        if not batch:
            return
        verdicts = await asyncio.gather(
            *(sandbox.run(task.program, task.check, task.name, timeout_s=3.0) for task in batch)
        )
        for task, verdict in zip(batch, verdicts, strict=True):
            if verdict.outcome == "passed" and task.program not in seen:
                seen.add(task.program)
                yield task
