"""Cuts what a model generated down to what belongs at the cursor."""

import re
from collections.abc import Iterator

from hansa.context.repeats import closing, cut_repeats, open_brackets
from hansa.index.languages import parses

PARSED_CHARS_MAX = 20_000
"""A longer file is checked only around the cursor."""

SHORTENED_LINES_MAX = 24
"""How many lines are given up, one by one, in search of a text that parses."""

PLACEHOLDERS = ("", "pass", "x", "x;", "x)", "x]", "x}", "pass\n")
"""If the file parses with one of these at the cursor, it must with the completion."""

_BLANK_LINES_MAX = 1
_CLOSERS = (")", "]", "}")
_OPENERS = (":", "{", "(", "[", "=>", "->")
_DEFINITION = re.compile(
    r"(?:(?:export|pub(?:\([a-z]+\))?|public|private|protected|static|async|abstract|final|default)\s+)*"
    r"(?:def|class|fn|func|function|impl|trait|interface|struct|enum)\s"
)
_DECORATOR = re.compile(r"@\w|#\[")


def trim(
    generated: str,
    before: str,
    after: str,
    *,
    path: str,
    multiline: bool,
    cut_off: bool = False,
    goes_on: bool = False,
) -> str:
    """The beginning of `generated` to insert between `before` and `after`; may be empty.

    `cut_off` says that the model was stopped at its token limit, so that its last line may be
    half a line; `goes_on`, that more is coming, so that one line need not parse by itself.
    """
    end = block_end(generated, before, multiline=multiline)
    text = generated[:end]
    if cut_off and end is None and "\n" in text.strip():
        text = text[: text.rindex("\n")]
    line = before.rpartition("\n")[2]
    text = _strip_end(cut_repeats(text, line, after), after)
    if not text.strip():
        return ""
    if goes_on and "\n" not in text:
        return text
    return _shorten(text, before, after, path)


def block_end(generated: str, before: str, *, multiline: bool) -> int | None:
    """Where in `generated` the block at the cursor has ended; None while it may go on.

    Once it has ended, more text does not move the end.
    """
    if not multiline:
        end = generated.find("\n")
        return end if end >= 0 else None
    line = before.rpartition("\n")[2]
    return _multiline_end(generated, _Floor.at(line))


class _Floor:
    """How far lines must be indented to belong to the cursor's block."""

    def __init__(self, depth: int, *, opened: bool) -> None:
        self.depth = depth
        self.opened = opened
        """The cursor's line opens the block, so its lines stand deeper than `depth`."""

    @classmethod
    def at(cls, line: str) -> "_Floor":
        return cls(_depth(line), opened=line.rstrip().endswith(_OPENERS))

    def closes(self, line: str) -> bool:
        return self.opened and _depth(line) == self.depth and line.lstrip().startswith(_CLOSERS)

    def below(self, line: str) -> bool:
        return _depth(line) < self.depth + self.opened

    def defines(self, line: str) -> bool:
        text = line.lstrip()
        same = _depth(line) == self.depth and not self.opened
        return same and bool(_DEFINITION.match(text) or _DECORATOR.match(text))


def _multiline_end(generated: str, floor: _Floor) -> int | None:
    offset, content_end, blank, decorated = 0, 0, 0, False
    seen = False
    for number, line in enumerate(generated.split("\n")):
        offset += len(line) + 1
        if not line.strip():
            blank += seen
            continue
        first = number == 0
        if seen and (blank > _BLANK_LINES_MAX or (floor.defines(line) and not decorated)):
            return content_end
        if not first and floor.below(line):
            if not floor.closes(line):
                return content_end
            if offset <= len(generated):
                return offset - 1
        decorated = bool(_DECORATOR.match(line.lstrip()))
        seen, blank, content_end = True, 0, offset - 1
    return None


def _strip_end(text: str, after: str) -> str:
    """Drop white space at the end, unless it parts the text from a word that follows."""
    parted = after[:1].isalnum() or after[:1] == "_"
    return text.rstrip("\n") if parted else text.rstrip()


def _shorten(text: str, before: str, after: str, path: str) -> str:
    """Give up lines from the end until the file parses, all of them if none helps.

    A file that did not parse before is not the suggestion's fault; then only brackets must close.
    """
    head, tail = _around(before, after)

    def fits(shorter: str) -> bool:
        return not _dangles(shorter, after) and parses(path, (head + shorter + tail).encode())

    if fits(text):
        return text
    if not any(parses(path, (head + each + tail).encode()) for each in PLACEHOLDERS):
        return _close_brackets(text)
    whole = next(filter(fits, _shorter(text)), "")
    line, (rest, end, below) = before.rpartition("\n")[2], tail.partition("\n")
    closed = f"{text}{rest}{closing(line + text + rest)}"
    if not whole and parses(path, (head + closed + end + below).encode()):
        return text  # It only goes on, as a call over several lines does.
    return whole


def _dangles(text: str, after: str) -> bool:
    """Whether the last of several lines opens a block that has no body, as `else:` at the end."""
    above, _, last = text.rpartition("\n")
    if not above or not last.rstrip().endswith(":"):
        return False
    below = next((line for line in after.split("\n")[1:] if line.strip()), "")
    return _depth(below) <= _depth(last)


def _close_brackets(text: str) -> str:
    closed = (each for each in [text, *_shorter(text)] if not open_brackets(each))
    return next(closed, text)


def _shorter(text: str) -> Iterator[str]:
    """The text without its last line, without its last two, and so on; never white space only."""
    for _ in range(SHORTENED_LINES_MAX):
        text = text.rpartition("\n")[0].rstrip()
        if not text:
            return
        yield text


def _around(before: str, after: str) -> tuple[str, str]:
    """The whole file, or for a large one the text from one unindented line to another."""
    half = PARSED_CHARS_MAX // 2
    if len(before) > half:
        start = re.compile(r"^(?=[A-Za-z@])", re.MULTILINE).search(before, len(before) - half)
        before = before[start.start() :] if start else before[-half:]
    if len(after) > half:
        ends = list(re.finditer(r"\n(?=[A-Za-z@])", after[:half]))
        after = after[: ends[-1].end()] if ends else after[:half]
    return before, after


def _depth(line: str) -> int:
    return len(line) - len(line.lstrip())
