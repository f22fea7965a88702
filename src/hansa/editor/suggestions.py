"""What was suggested lately, so that a suggestion that is typed into does not change or vanish."""

from collections import OrderedDict, deque
from dataclasses import dataclass

KEPT_PER_FILE = 16
FILES_MAX = 32
COMPARED_CHARS = 2_000
"""How much before and after the cursor must be as it was."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Text to insert at the cursor."""

    id: str
    text: str
    confidence: float
    """Geometric mean of the probabilities of its tokens, 0 to 1; 1 if the engine gives none."""
    latency_ms: float
    """From asking to having it; 0 from the cache."""
    cached: bool = False
    whole: bool = True
    """Whether the model has ended; otherwise more of it can be asked for."""

    @property
    def multiline(self) -> bool:
        return "\n" in self.text.strip("\n")


@dataclass(frozen=True, slots=True)
class _Kept:
    at: int
    """Characters before the cursor it was made for."""
    before: str
    after: str
    suggestion: Suggestion

    def rest(self, before: str, after: str) -> str:
        """What of it is still to be typed at a cursor between these; empty if it does not fit."""
        typed = before[self.at :]
        fits = (
            len(before) >= self.at
            and self.suggestion.text.startswith(typed)
            and before[max(0, self.at - COMPARED_CHARS) : self.at] == self.before
            and after[:COMPARED_CHARS] == self.after
        )
        return self.suggestion.text[len(typed) :] if fits else ""


class Suggestions:
    """The latest of each file; bounded, the oldest is forgotten first."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, deque[_Kept]] = OrderedDict()

    def keep(self, path: str, before: str, after: str, suggestion: Suggestion) -> None:
        """Remember what was suggested between `before` and `after`."""
        kept = self._kept.setdefault(path, deque(maxlen=KEPT_PER_FILE))
        self._kept.move_to_end(path)
        near = before[max(0, len(before) - COMPARED_CHARS) :]
        kept.appendleft(_Kept(len(before), near, after[:COMPARED_CHARS], suggestion))
        while len(self._kept) > FILES_MAX:
            self._kept.popitem(last=False)

    def find(self, path: str, before: str, after: str) -> Suggestion | None:
        """What is left of a suggestion that was typed into, the newest that fits."""
        for each in self._kept.get(path, ()):
            if rest := each.rest(before, after):
                old = each.suggestion
                return Suggestion(old.id, rest, old.confidence, 0.0, cached=True)
        return None

    def drop(self, path: str, suggestion_id: str) -> None:
        """Forget one that was rejected, so that it is not shown again at once."""
        if path in self._kept:
            left = (each for each in self._kept[path] if each.suggestion.id != suggestion_id)
            self._kept[path] = deque(left, maxlen=KEPT_PER_FILE)
