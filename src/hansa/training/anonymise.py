"""Takes out of code what tells whose it is: names, literals, comments. Python only; fails closed.

What comes out is made of the language's own words and signs, names that may be told, pseudonyms and
placeholders. A text with anything else in it is dropped whole: one that does not parse, one whose
syntax is not known here, one in which something private is still found.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePath

import tree_sitter

from hansa.index.languages import parse
from hansa.training.corpus.private import without_private
from hansa.training.pseudonyms import Pseudonyms

CHARS_MAX = 200_000
DOCSTRING = "Text."

_BLANK = re.compile(rb"[ \t\r\n\f]*")
_QUOTES = re.compile(r"[rRbBuUfFtT]{0,3}(?:\"\"\"|'''|\"|')")
_FORMAT = re.compile(r":[<>=^]?[+ -]?#?0?\d{0,2}[,_]?(?:\.\d{1,2})?[bcdeEfFgGnosxX%]?")
_PLAIN = frozenset({
    "true", "false", "none", "ellipsis", "import_prefix", "type_conversion", "wildcard_import",
    "line_continuation", "keyword_separator", "positional_separator", "pass_statement",
    "break_statement", "continue_statement",
})  # fmt: skip
"""Types of nodes whose text the language fixes."""
_FIXED = re.compile(r"True|False|None|\.{1,3}|![rsa]|\*|/|pass|break|continue|\\\r?\n")
_WHOLE = frozenset({"string_content", "comment", "format_specifier"})
"""Types of nodes that are looked at as one, whatever is in them."""


@dataclass(frozen=True, slots=True)
class Scene:
    """Code around a place, and what stands there."""

    before: str
    middle: str
    after: str

    @property
    def text(self) -> str:
        return self.before + self.middle + self.after


@dataclass(frozen=True, slots=True)
class _Change:
    start: int
    """Offsets in bytes of the source."""
    end: int
    text: bytes


class _UnknownError(Exception):
    """Something stands in the text that is not known to be harmless."""


def anonymise(scene: Scene, names: Pseudonyms) -> Scene | None:
    """The same code as anybody could have written it; None if that cannot be made sure.

    `names` remembers what stands for what, and is to be the same for all texts of one set. Where a
    border of the middle is inside of something replaced, the middle takes in the whole of it.
    """
    try:
        source = scene.text.encode()
        if len(scene.text) > CHARS_MAX:
            return None
        changes = list(_changes(source, names))
    except (_UnknownError, UnicodeEncodeError):
        return None
    start = len(scene.before.encode())
    end = start + len(scene.middle.encode())
    whole, begin = _written(source, changes, start, to_start=True)
    _, finish = _written(source, changes, end, to_start=start == end)
    text = whole.decode()
    if without_private(text)[0] != text:
        return None
    return Scene(
        whole[:begin].decode(),
        whole[begin : max(begin, finish)].decode(),
        whole[max(begin, finish) :].decode(),
    )


def extension_of(path: str) -> str:
    """All that is told of a path, such as `.py`; empty for one that is long or strange."""
    suffix = PurePath(path.replace("\\", "/")).suffix.lower()
    return suffix if re.fullmatch(r"\.[a-z]{1,5}", suffix) else ""


def _changes(source: bytes, names: Pseudonyms) -> Iterator[_Change]:
    """In order; what is between two leaves has to be blank."""
    root = parse("python", source)
    if root.has_error:
        raise _UnknownError
    done = 0
    for node in _leaves(root):
        if not _BLANK.fullmatch(source, done, max(done, node.start_byte)):
            raise _UnknownError
        if node.start_byte < done:
            raise _UnknownError
        done = node.end_byte
        if node.type == "comment":
            yield _comment(source, node)
            continue
        old, new = source[node.start_byte : node.end_byte], _standing_for(node, names).encode()
        if new != old:
            yield _Change(node.start_byte, node.end_byte, new)
    if not _BLANK.fullmatch(source, done):
        raise _UnknownError


def _leaves(root: tree_sitter.Node) -> Iterator[tree_sitter.Node]:
    """Nodes without parts, and those that are looked at as one; without empty ones."""
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if node.is_missing or node.is_error:
            raise _UnknownError
        if node.children and node.type not in _WHOLE:
            waiting += reversed(node.children)
        elif node.end_byte > node.start_byte and node is not root:
            yield node


def _standing_for(node: tree_sitter.Node, names: Pseudonyms) -> str:
    text = (node.text or b"").decode()
    if node.type == "identifier":
        return names.name(text)
    if node.type in {"integer", "float"}:
        return names.number(text)
    if node.type == "string_content":
        return DOCSTRING if _in_docstring(node) else names.string(text)
    if node.type == "format_specifier":
        return text if _FORMAT.fullmatch(text) else ":"
    if node.type in {"string_start", "string_end"} and _QUOTES.fullmatch(text):
        return text
    if node.type in _PLAIN and _FIXED.fullmatch(text):
        return text
    if not node.is_named and " ".join(text.split()) == node.type:
        return text
    raise _UnknownError


def _in_docstring(node: tree_sitter.Node) -> bool:
    """Whether a string is a statement of its own; nothing is computed from such."""
    literal = node.parent
    while literal is not None and literal.type in {"string", "concatenated_string"}:
        literal = literal.parent
    return literal is not None and literal.type == "expression_statement"


def _comment(source: bytes, node: tree_sitter.Node) -> _Change:
    """It goes with the blanks before it, and with its line if nothing else is there."""
    start, end = node.start_byte, node.end_byte
    while start and source[start - 1 : start] in {b" ", b"\t"}:
        start -= 1
    if start == 0 or source[start - 1 : start] == b"\n":
        end = source.find(b"\n", end) + 1 or len(source)
    return _Change(start, end, b"")


def _written(
    source: bytes, changes: list[_Change], at: int, *, to_start: bool
) -> tuple[bytes, int]:
    """The source with its changes, and where an offset has gone; to an end of what it was in."""
    parts, done, place, length = list[bytes](), 0, -1, 0
    for change in changes:
        if place < 0 and at <= change.start:
            place = length + at - done
        parts += [source[done : change.start], change.text]
        length += change.start - done
        if place < 0 and at < change.end:
            place = length + (0 if to_start else len(change.text))
        length += len(change.text)
        done = change.end
    parts.append(source[done:])
    return b"".join(parts), place if place >= 0 else length + at - done
