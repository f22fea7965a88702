"""All that does not fit in a patch, told at once, so that it need not be found hunk by hunk."""

import contextlib
from collections.abc import Generator, Sequence

from hansa.core.errors import Conflict

NAMED_MAX = 20
"""After more of them the patch is for another text: no more are looked for, as each takes time."""


class Conflicts(Conflict):
    """More than one; `each` has them in the order of the patch."""

    def __init__(self, each: Sequence[Conflict]) -> None:
        named = each[:NAMED_MAX]
        count = f"{len(each)}" if len(each) == len(named) else f"more than {len(named)}"
        lines = [f"{count} parts of the patch do not fit:", *(one.message for one in named)]
        hints = dict.fromkeys(one.hint for one in named if one.hint)
        super().__init__("\n  ".join(lines), hint="; ".join(hints))
        self.each = tuple(each)


class Gathering:
    """Goes on after a conflict until there are too many."""

    def __init__(self) -> None:
        self._found: list[Conflict] = []

    @contextlib.contextmanager
    def going_on(self) -> Generator[None]:
        """What is inside may raise Conflict, which is kept; raises Conflicts if too many are."""
        try:
            yield
        except Conflicts as several:
            self._found += several.each
        except Conflict as one:
            self._found.append(one)
        if len(self._found) > NAMED_MAX:
            self.check()

    def check(self) -> None:
        """Raise what was kept, if anything was."""
        if len(self._found) > 1:
            raise Conflicts(self._found)
        if self._found:
            raise self._found[0]
