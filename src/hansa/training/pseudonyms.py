"""What stands for names and literals: the same for the same, in one set of pairs.

Names of one stem (`user_id`, `UserId`, `USER_ID`) get names of one stem, each in its own form. What
stands for a thing follows from the order of first appearance alone, never from the thing.
"""

import re
from dataclasses import dataclass, field

_WORDS = (
    "amber", "basin", "cedar", "delta", "ember", "fjord", "grove", "heath", "inlet", "jetty",
    "knoll", "larch", "marsh", "north", "ocean", "plain", "quail", "ridge", "shore", "tulip",
    "umbra", "vapor", "wheat", "xenon", "yucca", "zonal", "alder", "birch", "coral", "dunes",
    "elder", "flint", "glade", "hazel", "ivory", "joist", "kelps", "lotus", "maple", "nacre",
    "olive", "poppy", "quart", "river", "slate", "thyme", "urban", "vista", "water", "acorn",
    "beach", "cliff", "daisy", "earth", "frost", "grass", "hills", "islet", "jewel", "kayak",
    "lilac", "mango", "nylon", "orbit",
)  # fmt: skip
"""All of five letters, so that two of them together can be read in one way only."""

_INTEGERS = ("0", "1", "2")
_FLOATS = ("0.0", "0.5", "1.0")
_STRINGS = frozenset({
    "r", "w", "a", "rb", "wb", "ab", "utf-8", "utf8", "ascii", "__main__", "",
})  # fmt: skip
"""Values that everybody writes."""
_SIGNS = re.compile(r"(?:\\[ntr\\'\"]|[^\w\\]){0,3}")
"""A few signs between things, such as a comma; too short to hold a secret."""
_PREFIXES = {"0x": "x", "0o": "o", "0b": "b"}


@dataclass(slots=True)
class Pseudonyms:
    """The names given in one set of pairs. Holds the real ones, so it never leaves the member."""

    kept: frozenset[str]
    """Names that stay as they are."""
    _stems: dict[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    _literals: dict[tuple[str, str], int] = field(default_factory=dict[tuple[str, str], int])
    _given: dict[int, int] = field(default_factory=dict[int, int])
    """How many stems of so many words."""

    def name(self, real: str) -> str:
        """What to write for an identifier."""
        if real in self.kept:
            return real
        before, core, after = _without_underscores(real)
        stem = core.replace("_", "").lower()
        if stem not in self._stems:
            self._stems[stem] = self._next(1 if _one_word(core) else 2, stem)
        return before + _in_form(self._stems[stem], core) + after

    def string(self, content: str) -> str:
        """What to write between the quotes. A name in quotes goes as it goes without."""
        if content in _STRINGS or _SIGNS.fullmatch(content):
            return content
        if content.isidentifier():
            known = _without_underscores(content)[1].replace("_", "").lower() in self._stems
            if known or content in self.kept:
                return self.name(content)
        return f"text{self._number('string', content)}"

    def number(self, literal: str) -> str:
        """What to write for a number; the smallest stay."""
        low = literal.lower()
        if low in _INTEGERS or low in _FLOATS:
            return literal
        imaginary = "j" if low.endswith("j") else ""
        prefix = low[:2]
        if prefix in _PREFIXES:
            n = self._number(prefix, low)
            return prefix + format(n + 2, _PREFIXES[prefix])
        whole = low.rstrip("jl").replace("_", "").isdecimal()
        n = self._number("integer" if whole else "float", low.rstrip("jl"))
        return (str(n + 2) if whole else f"{n + 1}.5") + imaginary

    def _number(self, kind: str, value: str) -> int:
        """1 for the first value of a kind, 2 for the next."""
        if (kind, value) not in self._literals:
            self._literals[kind, value] = 1 + sum(each == kind for each, _ in self._literals)
        return self._literals[kind, value]

    def _next(self, words: int, stem: str) -> tuple[str, ...]:
        while True:
            n = self._given[words] = self._given.get(words, -1) + 1
            found = _words(n, words)
            forms = {_in_form(found, each) for each in ("x_x", "X_X", "XxXx", "xxXx", "xx", "Xx")}
            if "".join(found) != stem and not forms & self.kept:
                return found


def _words(n: int, count: int) -> tuple[str, ...]:
    """The n-th way to choose one word, or two; a number follows when all were chosen."""
    size = len(_WORDS)
    if count == 1:
        again, at = divmod(n, size)
        return (_WORDS[at] + (str(again + 1) if again else ""),)
    again, pair = divmod(n, size * (size - 1))
    shift, at = divmod(pair, size)
    second = _WORDS[(at + 1 + shift) % size]
    return _WORDS[at], second + (str(again + 1) if again else "")


def _without_underscores(name: str) -> tuple[str, str, str]:
    """What is before, inside and after; at most two on each side tell a convention."""
    core = name.strip("_")
    start = len(name) - len(name.lstrip("_"))
    return "_" * min(start, 2), core, "__" if name.endswith("__") and core else ""


def _one_word(core: str) -> bool:
    return "_" not in core and (core.isupper() or core.lower() == core or core.capitalize() == core)


def _in_form(words: tuple[str, ...], core: str) -> str:
    """`words` written as `core` is: snake, upper, camel with a capital or without, or together."""
    if core.isupper():
        return "_".join(words).upper() if "_" in core else "".join(words).upper()
    if "_" in core:
        return "_".join(words)
    if core[:1].isupper():
        return "".join(each.capitalize() for each in words)
    if core.lower() != core:
        return words[0] + "".join(each.capitalize() for each in words[1:])
    return "".join(words)
