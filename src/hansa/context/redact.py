"""Takes secrets out of text before it leaves the editor.

Keys and tokens of known services by their published form; private keys; and values that are
assigned to something called a password, secret, token or key.
"""

import re

from hansa.index.credentials import PRIVATE_KEY_BLOCK, TOKENS

MARK = "REDACTED"

_TOKEN = re.compile("|".join(form.decode() for form in TOKENS.values()))
_BEGINS = tuple(begin.decode() for begin in TOKENS)
_PRIVATE_KEY = re.compile(PRIVATE_KEY_BLOCK, re.DOTALL)
_ASSIGNED = re.compile(
    r"""(?P<name>[\w.-]*(?:passw(?:or)?d|passphrase|secret|token|api_?key|private_?key)[\w-]*
        ["']?\s*(?::\s*\w+\s*)?(?::=|[=:]|=>)\s*)
        (?P<quote>["'`])(?P<value>[^"'`\n]{8,})(?P=quote)""",
    re.VERBOSE | re.IGNORECASE,
)
_HARMLESS = re.compile(
    r"\A(?:[\w.]*(?:example|placeholder|changeme|change-me|your|dummy|redacted|test)[\w.-]*"
    r"|x+|\*+|<[^>]*>|\$?\{.*\}|%\(?\w*\)?s?|(?-i:[A-Z]+_[A-Z_]{,20}))\Z",
    re.IGNORECASE,
)
"""Values that are words or stand for something else: `your-key`, `${TOKEN}`, `API_KEY`."""


def redact(text: str) -> tuple[str, int]:
    """`text` with every secret replaced by `MARK`, and how many there were."""
    found = 0

    def mark(_: re.Match[str]) -> str:
        nonlocal found
        found += 1
        return MARK

    def mark_value(match: re.Match[str]) -> str:
        if _HARMLESS.match(match["value"]) or match["value"] == MARK:
            return match[0]
        return f"{match['name']}{match['quote']}{mark(match)}{match['quote']}"

    if "PRIVATE KEY-----" in text:
        text = _PRIVATE_KEY.sub(mark, text)
    if any(begin in text for begin in _BEGINS):
        text = _TOKEN.sub(mark, text)
    return _ASSIGNED.sub(mark_value, text), found
