"""Takes secrets out of text before it leaves the editor.

Keys and tokens of known services by their published form; private keys; and values that are
assigned to something called a password, secret, token or key.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from hansa.context.assigned import assigned
from hansa.index.credentials import PRIVATE_KEY_BLOCK, TOKENS

MARK = "REDACTED"

_TOKEN = re.compile("|".join(form.decode() for form in TOKENS.values()))
_BEGINS = tuple(begin.decode() for begin in TOKENS)
_PRIVATE_KEY = re.compile(PRIVATE_KEY_BLOCK, re.DOTALL)

Span = tuple[int, int]


def redact(text: str, path: str = "") -> tuple[str, int]:
    """`text` with every secret replaced by `MARK`, and how many there were.

    `path` is of the file that the text is of; by its name a bare word is a value or code. Empty:
    not known, so it is taken for code.
    """
    spans = _secrets(text, path)
    return _without(text, spans, 0), len(spans)


@dataclass(frozen=True, slots=True)
class Hidden:
    """A text whose secrets are kept here, to be put back into what is made of it."""

    text: str
    """Each secret is a mark of its own."""
    mark: str
    secrets: tuple[str, ...]

    def put_back(self, text: str) -> str:
        """`text` with the secret for each mark in it; without its mark one is gone."""
        return re.sub(rf"{self.mark}_(\d+)(?!\w)", self._secret, text) if self.secrets else text

    def _secret(self, found: re.Match[str]) -> str:
        number = int(found[1])
        return self.secrets[number - 1] if 0 < number <= len(self.secrets) else found[0]


def hide(text: str, path: str = "") -> Hidden:
    """As `redact`, for a text that a model changes and that has to keep its secrets."""
    mark = MARK
    while f"{mark}_" in text:
        mark += "X"
    spans = _secrets(text, path)
    parts, at = list[str](), 0
    for number, (first, last) in enumerate(spans, start=1):
        parts += [text[at:first], f"{mark}_{number}"]
        at = last
    hidden = "".join([*parts, text[at:]])
    return Hidden(hidden, mark, tuple(text[first:last] for first, last in spans))


def redact_around(before: str, after: str, path: str, between: str = "") -> tuple[str, str, int]:
    """Both sides of a cursor as `redact` gives them, also where it stands inside a secret.

    `between` stands between them and is wanted by nobody; a secret may begin or end in it.
    """
    spans = _secrets(f"{before}{between}{after}", path)
    start = len(before) + len(between)
    left = [(first, min(last, len(before))) for first, last in spans if first < len(before)]
    cut = max([start, *(last for first, last in spans if first < len(before))])
    right = [(max(first, start), last) for first, last in spans if first >= len(before)]
    kept = after[cut - start :]
    return _without(before, left, 0), _without(kept, right, cut), len(spans)


def _secrets(text: str, path: str) -> list[Span]:
    """Where secrets begin and end, in order, none within another."""
    found = list(assigned(text, path))
    if "PRIVATE KEY-----" in text:
        found += [each.span() for each in _PRIVATE_KEY.finditer(text)]
    if any(begin in text for begin in _BEGINS):
        found += [each.span() for each in _TOKEN.finditer(text)]
    spans = list[Span]()
    for first, last in sorted(found):
        if spans and first < spans[-1][1]:
            spans[-1] = spans[-1][0], max(last, spans[-1][1])
        else:
            spans.append((first, last))
    return spans


def _without(text: str, spans: Sequence[Span], offset: int) -> str:
    """`text`, which begins at `offset`, with `MARK` where the spans are."""
    parts, at = list[str](), offset
    for first, last in spans:
        parts += [text[at - offset : first - offset], MARK]
        at = last
    return "".join([*parts, text[at - offset :]])
