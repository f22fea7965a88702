"""Where a completion starts to repeat what stands after the cursor already."""

import re

DISTINCT_CHARS = 8
"""A repeated line this long is a repetition whatever follows it; `}` or `else:` may be chance."""

COMPARED_CHARS = 2_000
"""How far after the cursor a repetition is looked for."""

_STRING = re.compile(r'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'')
_CLOSERS = {"(": ")", "[": "]", "{": "}"}


def cut_repeats(text: str, line: str, after: str) -> str:
    """The beginning of `text` that does not say again what `after` says.

    `line` is the cursor's line up to the cursor.
    """
    after = after[:COMPARED_CHARS]
    rest, _, below = after.partition("\n")
    text = _cut_lines(text, line, below)
    return _cut_rest(text, rest) if rest.strip() else text


def open_brackets(text: str) -> int:
    """How many brackets `text` opens and leaves open, strings left aside."""
    return len(closing(text))


def closing(text: str) -> str:
    """The brackets that close what `text` leaves open, strings left aside."""
    stack: list[str] = []
    for char in _STRING.sub("", text):
        if char in _CLOSERS:
            stack.append(_CLOSERS[char])
        elif stack and char == stack[-1]:
            stack.pop()
    return "".join(reversed(stack))


def _cut_lines(text: str, line: str, below: str) -> str:
    """Cut before the first line that is the next line of the file, if that is no chance."""
    following = [each.rstrip() for each in below.split("\n") if each.strip()]
    if not following:
        return text
    lines = text.split("\n")
    whole = [line + lines[0], *lines[1:]]
    for i, each in enumerate(whole):
        if each.rstrip() == following[0] and (
            len(each.strip()) >= DISTINCT_CHARS or _all_repeat(whole[i:], following)
        ):
            return "\n".join(lines[:i])
    return text


def _all_repeat(lines: list[str], following: list[str]) -> bool:
    """Whether all of `lines` are the following ones, the last perhaps in part."""
    written = [each.rstrip() for each in lines if each.strip()]
    if len(written) > len(following):
        return False
    *whole, last = written
    return whole == following[: len(whole)] and following[len(whole)].startswith(last)


def _cut_rest(text: str, rest: str) -> str:
    """Cut the longest end of `text` that the rest of the cursor's line begins with.

    Not inside a word, and not a bracket that closes one opened in `text`.
    """
    rest = rest.rstrip()
    for size in range(min(len(text), len(rest)), 0, -1):
        if not text.endswith(rest[:size]):
            continue
        kept = text[: len(text) - size]
        if not _splits_word(kept, rest) and open_brackets(kept) <= open_brackets(text):
            return kept
    return text


def _splits_word(kept: str, rest: str) -> bool:
    return bool(kept) and _is_word(kept[-1]) and _is_word(rest[0])


def _is_word(char: str) -> bool:
    return char.isalnum() or char == "_"
