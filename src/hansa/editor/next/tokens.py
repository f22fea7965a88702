"""Code as a row of tokens, each with what it is for; for languages that can be parsed."""

import functools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import tree_sitter

from hansa.index.languages import language_of, parse

Kind = Literal["name", "attribute", "keyword", "text", "other"]
"""`attribute`: a name behind a dot. `keyword`: the name of an argument in a call. `text`: strings
and comments."""

_NAME = re.compile(r"[^\W\d]\w*")
_DOTS = frozenset({".", "->", "::", "?."})
_TEXT = frozenset({"string", "comment", "string_content", "template_string", "char_literal",
                   "string_literal", "line_comment", "block_comment", "heredoc_body",
                   "interpreted_string_literal", "raw_string_literal", "string_fragment",
                   "string_start", "string_end", "escape_sequence"})  # fmt: skip
_STORED = frozenset({"assignment", "augmented_assignment", "parameters", "default_parameter",
                     "typed_parameter", "typed_default_parameter", "for_statement",
                     "as_pattern_target", "variable_declarator", "let_declaration",
                     "short_var_declaration", "formal_parameter", "parameter",
                     "lambda_parameters", "pattern_list", "tuple_pattern", "named_expression",
                     "formal_parameters", "required_parameter", "init_declarator",
                     "parameter_declaration", "for_in_clause"})  # fmt: skip
"""Nodes whose name, left side or parameters give something a name."""

_LEFT_FIELDS = ("left", "name", "pattern", "declarator")


@dataclass(frozen=True, slots=True)
class Token:
    text: str
    kind: Kind
    line: int
    """1-based."""
    start: int
    """Offset in its line, in characters."""
    stores: bool = False
    """It is given a value here: assigned, a parameter, a loop's variable."""

    @property
    def end(self) -> int:
        return self.start + len(self.text)


@functools.lru_cache(maxsize=4)
def tokens(path: str, text: str) -> tuple[Token, ...]:
    """The tokens of a file; empty if its language cannot be parsed here.

    The latest are kept: one edit after the other is compared with the same text.
    """
    language = language_of(path)
    if language is None:
        return ()
    source = text.encode()
    lines = source.split(b"\n")
    return tuple(_tokens(parse(language, source), lines))


def by_line(found: Sequence[Token]) -> dict[int, list[Token]]:
    lines: dict[int, list[Token]] = {}
    for each in found:
        lines.setdefault(each.line, []).append(each)
    return lines


def is_name(text: str) -> bool:
    return _NAME.fullmatch(text) is not None


def _tokens(root: tree_sitter.Node, lines: list[bytes]) -> Iterator[Token]:
    before = ""
    for node in _leaves(root):
        row, column = node.start_point
        if node.end_point.row != row or node.text is None:
            before = ""
            continue  # Of several lines: a string or a comment.
        text = node.text.decode(errors="replace")
        if not text:
            continue
        start = len(lines[row][:column].decode(errors="replace"))
        yield Token(text, _kind(node, text, before), row + 1, start, _stores(node))
        before = text


def _leaves(root: tree_sitter.Node) -> Iterator[tree_sitter.Node]:
    stack = [root]
    while stack:
        node = stack.pop()
        if node.child_count == 0:
            yield node
        else:
            stack += reversed(node.children)


def _kind(node: tree_sitter.Node, text: str, before: str) -> Kind:
    if node.type in _TEXT:
        return "text"
    if not node.type.endswith("identifier") or not is_name(text):
        return "other"
    if before in _DOTS or node.type in ("property_identifier", "field_identifier"):
        return "attribute"
    parent = node.parent
    if parent is not None and parent.type == "keyword_argument":
        name = parent.child_by_field_name("name")
        if name is not None and name.start_byte == node.start_byte:
            return "keyword"
    return "name"


def _stores(node: tree_sitter.Node) -> bool:
    parent = node.parent
    if parent is None or parent.type not in _STORED:
        return False
    if parent.type in ("pattern_list", "tuple_pattern"):
        return True
    fields = [parent.child_by_field_name(field) for field in _LEFT_FIELDS]
    known = [each for each in fields if each is not None]
    if known:
        return any(each.start_byte == node.start_byte for each in known)
    return parent.type.endswith(("parameters", "parameter", "target", "declaration"))
