"""Values that are assigned to something called a password, secret, token or key.

In quotes a value is told by that name alone. Without quotes it may be code, so what is asked of it
depends on the file: in YAML, `.env`, INI, shell and the like a bare word is a value, elsewhere only
what looks drawn by chance is taken for one.
"""

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from hansa.context.bare import HARMLESS, Bare, is_random, is_secret, trimmed

_SETTINGS = frozenset(
    {
        "yaml", "yml", "env", "envrc", "ini", "cfg", "conf", "cnf", "config", "properties", "toml",
        "npmrc", "pypirc", "sh", "bash", "zsh", "fish", "ksh", "dockerfile", "containerfile",
        "makefile", "mk", "service", "editorconfig",
    }
)  # fmt: skip
"""Ends of the names of files in which a bare word is a value."""

_VARIANTS = frozenset(
    {"example", "sample", "template", "tmpl", "tpl", "j2", "erb", "gotmpl", "dist", "bak", "local"}
)

_SETTINGS_NAMES = (".env.", "dockerfile.", "containerfile.", "makefile.")


def _any_case(words: str) -> str:
    """A pattern for both cases. `re.IGNORECASE` would hide from `re` what a match begins with."""
    return re.sub(r"[a-z]", lambda letter: f"[{letter[0]}{letter[0].upper()}]", words)


_NAME = re.compile(
    rf"(?P<password>{_any_case('passw(?:or)?d|passphrase')})"
    rf"|(?P<secret>{_any_case('secret|token|api[_-]?key|private[_-]?key')})"
    rf"|(?P<key>{_any_case('(?:access|account|auth|encryption|master|signing)[_-]?key')})"
    rf"|(?P<short>(?<![A-Za-z0-9$]){_any_case('(?:pass|pwd)')}(?=[ \t]*[:=]))"
)
_QUOTED = re.compile(
    r"""[\w-]{0,40}["']?\s{0,40}(?::\s{0,40}\w{1,40}\s{0,40})?
    (?::=|=>|[=:]|(?<=\n)[ \t-]*value:)\s{0,40}
    (?P<quote>\"{3}|'{3}|["'`])(?P<value>[^"'`\n]{8,})(?P=quote)""",
    re.VERBOSE,
)
_BARE = re.compile(
    r"""(?P<rest>[\w.-]{0,40})["']?
    (?:(?P<tight>=)(?=[^\s=>])
    |[ \t]{0,40}(?P<sign>\?=|:=|=>|[=:]|\r?\n[ \t-]{0,40}value:)[ \t]{1,40}
       (?:[|>][+-]?[ \t]*\r?\n[ \t]+)?)
    (?P<value>[^\s"'`][^\s`]{7,})(?P<after>[ \t]*(?:[^\s#]|\#\S)?)""",
    re.VERBOSE,
)
_SPACED = re.compile(
    r"^[ \t]*(?:ENV|setenv|set[ ]-\w+)[ \t]+\w*?"
    rf"(?P<word>{_any_case('passw(?:or)?d|passphrase|secret|token|api_?key|private_?key|access_?key')})"
    r"(?P<rest>\w*)[ \t]+(?P<value>[^\s\"'`=]\S{7,})[ \t]*(?:#.*)?\r?$",
    re.MULTILINE,
)
"""Of a Dockerfile and two shells, which put a space where others put `=`."""

_EXPORTED = re.compile(r"(?:^|[\s\"'`;#])(?:export|ENV|ARG)[ \t]+\w*\Z")
"""What stands before a name that a shell or a Dockerfile gives a value, in any file."""


def assigned(text: str, path: str) -> Iterator[tuple[int, int]]:
    """Where secrets begin and end in `text`, which is of the file at `path`; may overlap."""
    code = not holds_settings(path)
    for name in _NAME.finditer(text):
        kind = name.lastgroup
        if quoted := _QUOTED.match(text, name.end()):
            value = quoted["value"]
            told = kind in {"password", "secret"} or is_random(value)
            between = text[name.end() : quoted.start("quote")]
            docstring = len(quoted["quote"]) == 3 and "\n" in between
            if told and not docstring and not HARMLESS.match(value):
                yield quoted.span("value")
        elif found := _BARE.match(text, name.end()):
            line = text[text.rfind("\n", 0, name.start()) + 1 : name.start()]
            value = trimmed(found["value"])
            bare = Bare(
                "password" if kind in {"password", "short"} else "secret",
                name[0],
                found["rest"],
                found["tight"] or found["sign"],
                value,
                alone=not found["after"].strip() or _ends(found["value"], line),
            )
            named = code and not (found["tight"] and _EXPORTED.search(line))
            if is_secret(bare, code=named):
                yield found.start("value"), found.start("value") + len(value)
    if not code and ("ENV " in text or "setenv " in text or "set -" in text):
        for found in _SPACED.finditer(text):
            bare = Bare("secret", found["word"], found["rest"], "=", found["value"], alone=True)
            if is_secret(bare, code=False):
                yield found.span("value")


def holds_settings(path: str) -> bool:
    """Whether a bare word in the file at `path` is a value, as far as its name says."""
    name = PurePosixPath(path).name.lower()
    if name.startswith(_SETTINGS_NAMES):
        return True
    ends = name.split(".")
    while len(ends) > 1 and ends[-1] in _VARIANTS:
        ends.pop()
    return ends[-1] in _SETTINGS


def _ends(value: str, line: str) -> bool:
    """Whether a value that more follows is whole: of a command, or in braces."""
    return value.endswith(";") or (value.endswith((",", "}")) and "{" in line)
