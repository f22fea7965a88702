"""Generated edits of real files, written in every patch format and disturbed on purpose.

An edit is a few changes of single lines, so that what has to come out is known by construction,
also when the file has changed elsewhere since the patch was made.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import click
import jinja2
import rich
import starlette

from hansa.editor.apply import unified_diff

CONTEXT_LINES = 3
APART_LINES = 12
"""Between two changes of one edit, so that their hunks do not touch."""

FORMATS = ("blocks", "diff", "whole")
DISTURBANCES = (
    "none", "indented", "stale line", "line added nearby", "moved", "ambiguous", "twin function",
    "crlf", "no last newline", "bom", "line to change is stale", "patch in crlf",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Step:
    """Lines `at` to before `end` become `lines`."""

    at: int
    end: int
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Case:
    name: str
    form: str
    disturbance: str
    text: str
    """The file as it is when the patch arrives."""
    patch: str
    wanted: str | None
    """What has to come out; None if refusing is the only right answer."""
    refusable: bool
    """Whether refusing is right too."""


def cases(count: int, seed: int) -> list[Case]:
    """`count` edits, each in one of the disturbances, and each of them in every format."""
    rng = random.Random(seed)
    files = _files()
    found: list[Case] = []
    number = 0
    while number < count:
        name, lines = rng.choice(files)
        disturbance = DISTURBANCES[number % len(DISTURBANCES)]
        steps = _steps(rng, lines, 1 if disturbance == "ambiguous" else rng.randint(1, 3))
        made = [_case(random.Random(number), name, lines, steps, form, disturbance)
                for form in FORMATS]  # fmt: skip
        if all(each is None or each.text != each.wanted for each in made):
            found += [each for each in made if each]
            number += 1
    return found


def _files() -> list[tuple[str, list[str]]]:
    found: list[tuple[str, list[str]]] = []
    for package in (click, jinja2, rich, starlette):
        for path in sorted(Path(package.__file__).parent.glob("*.py")):
            lines = path.read_text("utf-8").split("\n")[:-1]
            if 80 <= len(lines) <= 1500:
                found.append((path.name, lines))
    return found


def _steps(rng: random.Random, lines: Sequence[str], count: int) -> list[Step]:
    steps: list[Step] = []
    for _ in range(100):
        at = rng.randrange(CONTEXT_LINES + 2, len(lines) - CONTEXT_LINES - 2)
        if len(steps) == count:
            break
        line = lines[at]
        if line.strip() and all(abs(at - each.at) > APART_LINES for each in steps):
            indent = line[: len(line) - len(line.lstrip())]
            added = f"{indent}checked_{at} = {rng.randrange(1000)}"
            steps.append(rng.choice([
                Step(at, at + 1, (f"{line}  # {at}",)), Step(at, at + 1, (added, line)),
                Step(at, at, (added,)), Step(at, at + 1, ()), Step(at, at + 1, (added,)),
            ]))  # fmt: skip
    return sorted(steps, key=lambda each: each.at)


def _case(
    rng: random.Random, name: str, lines: list[str], steps: list[Step], form: str, disturbance: str
) -> Case | None:
    """The case, or None where the disturbance makes no sense in this format."""
    context = 0 if disturbance == "ambiguous" and form == "blocks" else CONTEXT_LINES
    patch = _patch(name, lines, steps, form, context)
    case = Case(name, form, disturbance, _text(lines), patch, _text(_made(lines, steps)), False)
    unique = all(_count(lines, each, context) == 1 for each in steps)
    case = replace(case, refusable=form == "blocks" and not unique)
    if disturbance in {"none", "ambiguous", "indented", "crlf", "no last newline", "bom",
                       "patch in crlf"}:  # fmt: skip
        return _in_other_form(rng, case)
    if form == "whole":
        return None
    if disturbance == "line to change is stale":
        return _stale(lines, steps, case, context)
    now, wanted = _changed_since(rng, lines, steps, disturbance)
    extra = wanted[1]
    if form == "blocks" and any(_elsewhere(lines, now, each, extra, context) for each in steps):
        return None
    if form == "diff" and all(_stands(lines, now, each) for each in steps):
        return None
    return replace(case, text=_text(now), wanted=_text(wanted[0]), refusable=True)


def _in_other_form(rng: random.Random, case: Case) -> Case | None:
    """The same file and patch, written otherwise."""
    wanted = case.wanted or ""
    match case.disturbance:
        case "indented":
            shifted = _shifted(case.patch, rng.choice([-4, 4, 8]))
            return replace(case, patch=shifted, refusable=True) if case.form == "blocks" else None
        case "crlf":
            made = [each.replace("\n", "\r\n") for each in (case.text, wanted)]
            return replace(case, text=made[0], wanted=made[1])
        case "no last newline":
            return replace(case, text=case.text[:-1], wanted=wanted[:-1])
        case "bom":
            return replace(case, text=f"\ufeff{case.text}", wanted=f"\ufeff{wanted}")
        case "patch in crlf":
            return replace(case, patch=case.patch.replace("\n", "\r\n"))
        case _:
            return case


def _stale(lines: list[str], steps: list[Step], case: Case, context: int) -> Case | None:
    """The very line that the patch changes has changed."""
    first = steps[0]
    if first.at == first.end or lines[first.at] in first.lines:
        return None
    stale = Step(first.at, first.at + 1, (lines[first.at] + " + theirs",))
    now = _made(lines, [stale])
    if any(_elsewhere(lines, now, each, [stale], context) for each in steps):
        return None
    return replace(case, text=_text(now), wanted=None)


def _changed_since(
    rng: random.Random, lines: list[str], steps: list[Step], disturbance: str
) -> tuple[list[str], tuple[list[str], list[Step]]]:
    """The file with somebody else's change; the same with ours too, and what theirs was."""
    first = steps[0]
    match disturbance:
        case "stale line":
            at = first.at - rng.randint(2, CONTEXT_LINES)
            extra = Step(at, at + 1, (lines[at] + "  # theirs",))
        case "line added nearby":
            at = first.at - rng.randint(1, CONTEXT_LINES - 1)
            extra = Step(at, at, ("theirs = 1",))
        case "moved":
            extra = Step(0, 0, tuple(f"theirs_{i} = {i}" for i in range(rng.randint(1, 60))))
        case _:
            # A copy of what is around the change stands before it, at any distance.
            block = tuple(lines[max(first.at - 8, 0) : first.at + 8])
            extra = Step(0, 0, block + ("",) * rng.randint(0, 9))
    merged = sorted([*steps, extra], key=lambda each: each.at)
    return _made(lines, [extra]), (_made(lines, merged), [extra])


def _made(lines: list[str], steps: Sequence[Step]) -> list[str]:
    lines = list(lines)
    for each in reversed(steps):
        lines[each.at : each.end] = each.lines
    return lines


def _text(lines: Sequence[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _patch(name: str, lines: list[str], steps: list[Step], form: str, context: int) -> str:
    if form == "whole":
        return _text(_made(lines, steps))
    if form == "diff":
        return unified_diff(name, _text(lines), _text(_made(lines, steps)))
    return f"{name}\n" + "".join(_block(lines, each, context) for each in steps)


def _block(lines: list[str], step: Step, context: int) -> str:
    low, high = _around(step, context)
    before, old, after = lines[low : step.at], lines[step.at : step.end], lines[step.end : high]
    return (f"<<<<<<< SEARCH\n{_text([*before, *old, *after])}=======\n"
            f"{_text([*before, *step.lines, *after])}>>>>>>> REPLACE\n")  # fmt: skip


def _around(step: Step, context: int) -> tuple[int, int]:
    """The lines of a block; one that only adds needs at least the line behind it."""
    return step.at - context, max(step.end + context, step.at + 1)


def _count(lines: list[str], step: Step, context: int, now: list[str] | None = None) -> int:
    """How often the lines of a block stand in the file, or in the file as it is `now`."""
    low, high = _around(step, context)
    wanted = lines[low:high]
    now = lines if now is None else now
    return sum(now[i : i + len(wanted)] == wanted for i in range(len(now)))


def _elsewhere(
    lines: list[str], now: list[str], step: Step, extra: list[Step], context: int
) -> bool:
    """Whether a block's place has changed and its text now stands only where it is not meant.

    Nobody could tell, so it is no case: a block says which text it means, and that is there.
    """
    low, high = _around(step, context)
    touched = any((low < each.end and each.at < high) or low < each.at < high for each in extra)
    return touched and _count(lines, step, context, now) > 0


def _stands(lines: list[str], now: list[str], step: Step) -> bool:
    """Whether the lines of a diff's hunk stand, by chance, just where its numbers say.

    Then the diff fits a file that has changed as well as one that has not.
    """
    low, high = step.at - CONTEXT_LINES, step.end + CONTEXT_LINES
    return now[low:high] == lines[low:high]


def _shifted(patch: str, by: int) -> str:
    """Every line of every block further in, or further out as far as it goes."""
    found: list[str] = []
    inside = False
    for line in patch.split("\n"):
        if line.startswith(("<<<<<<<", ">>>>>>>")):
            inside = not inside
        elif inside and line.strip() and line != "=======":
            found.append(" " * by + line if by > 0 else line.removeprefix(" " * -by))
            continue
        found.append(line)
    return "\n".join(found)
