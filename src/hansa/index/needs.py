"""Which definitions a line of code needs: those of the names it says, what it calls first."""

import re
from collections.abc import Callable, Hashable, Sequence
from typing import TypeVar

Key = TypeVar("Key", bound=Hashable)

LINES_ABOVE_MAX = 50
NAMES_MAX = 64
"""What is looked up for one line."""

CALL_WEIGHT = 2.0
ABOVE_WEIGHT = 0.1
"""Of a name in the line above, beside one in the line itself."""

ABOVE_DECAY = 0.2
"""How fast names count less, per line upwards."""

OWN_FILE_FACTOR = 0.5
"""Of a definition in the line's own file: its reader has it at hand."""

_NAME = re.compile(r"([^\W\d]\w*)(\s*\()?")
_STRING = re.compile(r"(?:\b[bfrtuBFRTU]{1,2})?(?:\"[^\"]*\"|'[^']*')")
"""With the letters Python writes before it, which are no names either."""

_KEYWORDS_TEXT = """
and as assert async await break case catch class const continue def default del do elif else enum
except export extends extern false final finally fn for from func function go goto if impl
implements import in inline instanceof interface is lambda let loop match mut new nil none not null
or package pass private protected public pub raise ref return self static struct super switch this
throw throws trait true try type typeof use var void volatile where while with yield
"""
_KEYWORDS = frozenset(_KEYWORDS_TEXT.split())


def wanted(above: Sequence[str], line: str) -> dict[str, float]:
    """Names of `line` and of the lines above it, with weights; the heaviest are first.

    `above` is in the order of the file. Words inside strings do not count.
    """
    weights: dict[str, float] = {}
    for distance, text in enumerate([line, *reversed(above[-LINES_ABOVE_MAX:])]):
        near = 1.0 if not distance else ABOVE_WEIGHT / (1 + ABOVE_DECAY * distance)
        for match in _NAME.finditer(_STRING.sub(" ", text)):
            name, call = match.groups()
            if name.lower() not in _KEYWORDS:
                weight = near * (CALL_WEIGHT if call else 1.0)
                weights[name] = max(weights.get(name, 0.0), weight)
    heaviest = sorted(weights.items(), key=lambda item: -item[1])
    return dict(heaviest[:NAMES_MAX])


def rank(
    names: dict[str, float],
    definitions: Callable[[str], Sequence[tuple[Key, str]]],
    asked_from: str,
) -> list[tuple[Key, float]]:
    """Chunks that define `names`, best first: rare names and near files before others.

    `definitions` tells of a name the chunks and paths that define it; `asked_from` is the path of
    the file that needs them, as `definitions` would say it.
    """
    scores: dict[Key, float] = {}
    for name, weight in names.items():
        places = definitions(name)
        for key, path in places:
            own = OWN_FILE_FACTOR if path == asked_from else 1.0
            score = weight * own * (1 + _closeness(path, asked_from)) / len(places) ** 0.5
            scores[key] = max(scores.get(key, 0.0), score)
    return sorted(scores.items(), key=lambda item: -item[1])


def _closeness(path: str, other: str) -> float:
    """What part of their folders two files share, 0 to 1."""
    ours, theirs = path.split("/")[:-1], other.split("/")[:-1]
    shared = 0
    for one, two in zip(ours, theirs, strict=False):
        if one != two:
            break
        shared += 1
    return shared / max(len(ours), len(theirs), 1)
