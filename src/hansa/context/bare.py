"""Which values without quotes are secrets, and which are code, words, names or references."""

import re
from dataclasses import dataclass
from typing import Literal

CHARS_MIN = 8

RANDOM_CHARS_MIN = 16
"""Where a bare word may be code, less than this is not taken for a secret."""

RUN_CHARS_MAX = 3.0
"""Letters of one case, or digits, stand together by chance for less than this in the mean; in
words and in names of classes for longer."""

LETTERS_RUN_CHARS_MAX = 2.0
"""The same where there are no digits."""

PART_CHARS_MIN = 12
"""Of what stands between dots and dashes; shorter parts say nothing."""

Kind = Literal["password", "secret"]
"""A password may be of words; a secret, token or key seldom is."""


@dataclass(frozen=True, slots=True)
class Bare:
    """A value without quotes and how it is assigned."""

    kind: Kind
    word: str
    """The part of its name that says what it is: `password`, `TOKEN`."""
    rest: str
    """What its name has after that: `_FILE`, `s`."""
    sign: str
    """`:`, `=` or the like."""
    value: str
    alone: bool
    """Nothing follows on its line."""


_OTHER = re.compile(
    r"(?-i:\A[a-z])|(?:file(?:name)?|path|dir|ur[il]|endpoint|host|port|name|id|type|class|kind|ttl"
    r"|expir\w*|expires_?in|age|timeout|lifetime|duration|seconds|minutes|days|hours|len|length"
    r"|size|count|limit|max|min|bytes|bits|policy|rules?|field|header|param|env|var|variable"
    r"|ref|provider|prefix|suffix|format|mode|scheme|strategy|store|storage|manager|backend|source"
    r"|alg|algorithm|method|hint|label|title|text|message|placeholder|regex|pattern|version|issuer"
    r"|audience|scopes?|command|cmd|hash(?:er|ing)?|encoder|enabled|required|created|updated"
    r"|changed|at|date|time|index|position|start|end|s)\Z",
    re.IGNORECASE,
)
"""Ends of names for something about a secret: `token_url`, `passwordFile`, `tokens`."""

HARMLESS = re.compile(
    r"(?:[\w.]*(?:example|placeholder|changeme|change-me|your|dummy|redacted|test)[\w.-]*"
    r"|x+|\*+|<[^>]*>|\$?\{.*\}|%\(?\w*\)?s?|(?-i:[A-Z]+_[A-Z_]{,20}))\Z",
    re.IGNORECASE,
)
"""Values that are words or stand for something else: `your-key`, `${TOKEN}`, `API_KEY`."""

_REFERENCE = re.compile(
    r"[<\[{(#>]|[$%]\(|\$[A-Za-z_{]|%\w+%\Z|@[\w.-]+@\Z|__\w+__\Z|\.{3}|.*(?:\$[({]|\{\{|\.{3}\Z)"
    r"|[\w.-]*(?:change-?_?it|change-?_?this|replace-?_?me|insert|sample|fake)[\w.-]*\Z"
    r"|[A-Za-z_][\w.]*[\[(]"
    r"|.*://|(?:vault|ssm|arn|file|env|secretsmanager|sops|keyring|secret):"
    r"|(?:[A-Za-z]:)?[~.]{0,2}[/\\][\w.-]*[/\\.]"
    r"|(?:undefined|required|optional|disabled|enabled|forgotten|unlimited|sensitive|password"
    r"|passphrase|inherit(?:ed)?|generated?|automatic|default|anonymous|external|internal"
    r"|production|development|staging)\Z",
    re.IGNORECASE,
)
"""References, calls, addresses, paths and words that say there is none or where it is."""

_TAG = re.compile(r"[!&*|@%]")
"""What YAML reads after a colon as something else than the beginning of a text."""

_PART = re.compile(r"[A-Za-z]{2,}\d{0,2}|[A-Za-z]?\d*|v\d+")
_SELECTED = re.compile(r"[A-Za-z_][\w-]*(?:\.[A-Za-z_][\w-]*)+")
_NAMED = re.compile(
    r"(?:[a-z]+[-_.])+(?:passw(?:or)?d|passphrase|secret|token|key|cred(?:ential)?s?|pass|pwd)"
)
_PLAIN = re.compile(
    r"(?:[_.-]?(?:\d{1,3}|v\d+|prod\w*|dev\w*|stag\w*|live|main|root|admin|app|db|user|old|new"
    r"|primary|secondary|value|key|base|access))*",
    re.IGNORECASE,
)
"""What may stand behind `secret` in a name that still means the secret itself."""

_RUN = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|\d+")
_RANDOM = re.compile(r"[\w+/.=~-]+")
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_CLOSES = {")": "(", "]": "[", "}": "{"}


def trimmed(value: str) -> str:
    """`value` without the marks behind it that belong to what it stands in."""
    while value:
        last = value[-1]
        opened = _CLOSES.get(last)
        if last not in ",;\"'\\" and not (opened and value.count(last) > value.count(opened)):
            break
        value = value[:-1]
    return value


def is_secret(bare: Bare, *, code: bool) -> bool:
    """Whether what is assigned is a secret; `code`: a bare word there may be a name."""
    value = bare.value
    if len(value) < CHARS_MIN or _named_otherwise(bare) or _stands_for(bare):
        return False
    if code or is_random(value):
        return is_random(value)
    if not all(_PART.fullmatch(each) for each in re.split(r"[-_./:]", value)):
        letters, digits = any(map(str.isalpha, value)), any(map(str.isdigit, value))
        return (letters and digits) or (bare.kind == "password" and bare.alone)
    if not bare.alone or not _PLAIN.fullmatch(bare.rest):
        return False
    if bare.kind == "password":
        return _is_typed(bare)
    return bare.word.isupper() and bare.sign == "=" and value.isalnum() and not value.isdigit()


def is_random(value: str) -> bool:
    """Whether a value looks drawn by chance, and like no name in any language."""
    if len(value) < RANDOM_CHARS_MIN or not _RANDOM.fullmatch(value):
        return False
    if _UUID.fullmatch(value):
        return True
    return any(map(_is_mixed, re.split(r"[_.=~-]+", value)))


def _named_otherwise(bare: Bare) -> bool:
    if bare.word.isupper() and bare.rest[:1].isalpha():
        return True  # `TOKENS`, `TOKENIZER`
    return bool(_OTHER.search(bare.rest))


def _stands_for(bare: Bare) -> bool:
    tagged = bare.sign.endswith(":") and _TAG.match(bare.value)
    return bool(tagged or HARMLESS.match(bare.value) or _REFERENCE.match(bare.value))


def _is_typed(bare: Bare) -> bool:
    """Whether words and numbers are a password, not the label or the name of one."""
    if bare.value.istitle() and bare.value.isalpha() and not bare.word.isupper():
        return False
    return not (_SELECTED.fullmatch(bare.value) or _NAMED.fullmatch(bare.value))


def _is_mixed(part: str) -> bool:
    runs = _RUN.findall(part)
    if len(part) < PART_CHARS_MIN or part.isdigit():
        return False
    chars_max = RUN_CHARS_MAX if not part.isalpha() else LETTERS_RUN_CHARS_MAX
    return len(part) < chars_max * len(runs)
