"""Changes only the lines that hold one of some words, as words are found far quicker than forms."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field


@dataclass(slots=True)
class Page:
    """A text, and the same in lower case for searching."""

    text: str
    _low: str = field(init=False)

    def __post_init__(self) -> None:
        self._low = _lower(self.text)

    def change(
        self, words: Sequence[str], change: Callable[[str], str], lines_after: int = 0
    ) -> None:
        """Put what `change` makes of each line with one of `words` (in lower case) in its place.

        `change` gets the line, and as many lines after it, without the last newline.
        """
        done, parts = 0, list[str]()
        for start, end in self._spans(words, lines_after):
            parts += [self.text[done:start], change(self.text[start:end])]
            done = end
        if parts:
            self.replace("".join([*parts, self.text[done:]]))

    def has(self, words: Sequence[str]) -> bool:
        """Whether one of `words` (in lower case) is in it, or none was named."""
        return not words or any(word in self._low for word in words)

    def replace(self, text: str) -> None:
        """Take another text in its place."""
        if text != self.text:
            self.text, self._low = text, _lower(text)

    def _spans(self, words: Sequence[str], lines_after: int) -> Iterator[tuple[int, int]]:
        """Where the lines are, in order, joined where they meet."""
        found = sorted({span for word in words for span in self._lines(word, lines_after)})
        while found:
            start, end = found.pop(0)
            while found and found[0][0] <= end:
                end = max(end, found.pop(0)[1])
            yield start, end

    def _lines(self, word: str, lines_after: int) -> Iterator[tuple[int, int]]:
        low, at = self._low, self._low.find(word)
        while at >= 0:
            start, end = low.rfind("\n", 0, at) + 1, self._end(at)
            last = end
            for _ in range(lines_after):
                last = self._end(min(last + 1, len(low)))
            yield start, last
            at = low.find(word, end)

    def _end(self, at: int) -> int:
        end = self._low.find("\n", at)
        return len(self._low) if end < 0 else end


def _lower(text: str) -> str:
    """In lower case, each character in its place."""
    low = text.lower()
    if len(low) == len(text):
        return low
    return "".join(each.lower() if each.isascii() else each for each in text)
