"""The language server's parts, put together."""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from lsprotocol import types as lsp
from pygls.lsp.server import LanguageServer

from hansa import __version__
from hansa.context.budget import Limits, limits_for
from hansa.core.clock import SystemClock
from hansa.core.errors import HansaError
from hansa.editor.connection import Connection
from hansa.editor.events import Events
from hansa.editor.inline import Inline
from hansa.editor.lsp.codebases import Codebases
from hansa.editor.lsp.documents import Documents
from hansa.editor.lsp.feedback import Feedback
from hansa.editor.lsp.inline import InlineCompletion
from hansa.editor.lsp.next_edits import NextEdits
from hansa.editor.lsp.node import FoundNode
from hansa.editor.lsp.progress import WorkDone
from hansa.editor.lsp.protocol import Protocol
from hansa.editor.lsp.recent import RecentEdits
from hansa.editor.lsp.trouble import Trouble
from hansa.editor.preferences import Preferences
from hansa.editor.texts import Texts

LIMITS_KEPT_S = 60.0


@dataclass(frozen=True, slots=True)
class Setup:
    find: Callable[[], Connection]
    """Where the node is; asked again when it has gone."""
    state_dir: Path
    preferences: Preferences = field(default_factory=Preferences)
    larger: str = ""
    """Model to ask when a suggestion is asked for by hand and the other is unsure; empty: none."""
    next_edit_model: str = ""
    """Model that predicts edits, for what does not follow by rule; empty: none."""
    index: bool = True
    """Whether codebases are indexed and looked at."""
    outcomes: bool = False
    """Whether the node is told which suggestions were accepted, while events are on."""


class HansaServer(LanguageServer):
    """Holds the parts; requests reach them through `messages`."""

    def __init__(self, setup: Setup) -> None:
        super().__init__(  # pyright: ignore[reportUnknownMemberType]  it takes any more arguments
            "hansa", __version__, protocol_cls=Protocol
        )
        clock = SystemClock()
        self.setup = setup
        self.work_done = WorkDone(self)
        self.documents = Documents(Path.home())
        self.recent = RecentEdits(self.documents)
        self.codebases = Codebases(setup.state_dir, self.work_done)
        self.events = Events(setup.state_dir)
        self.trouble = Trouble(clock, self.warn)
        self.node = FoundNode(setup.find)
        self.feedback = Feedback(
            self.events, self.documents, clock, texts=Texts(setup.state_dir),
            tell=self.node.tell if setup.outcomes else None,
        )  # fmt: skip
        predicts = setup.next_edit_model
        self.next_edits = NextEdits(
            self.documents,
            self.codebases,
            clock,
            self.node,
            replace(setup.preferences, model=predicts) if predicts else None,
        )
        self.inline = Inline(
            self.node,
            clock,
            preferences=setup.preferences,
            larger=setup.larger,
            planner=self.codebases.plan,
        )
        self.completion = InlineCompletion(
            self.inline, self.documents, self.codebases, self.recent, self.feedback, self.trouble
        )
        self.clock = clock
        self._learnt_s: float | None = None
        self._learning: asyncio.Task[None] | None = None
        self.asks = False
        """Whether the editor can ask for the words of an edit."""

    def learn_limits(self) -> None:
        """Show models as much as they can read in time; asked at most once a minute, aside."""
        now_s = self.clock.monotonic_s()
        if self._learnt_s is None or now_s - self._learnt_s >= LIMITS_KEPT_S:
            self._learnt_s = now_s
            self._learning = asyncio.create_task(self._learn_limits())

    async def _learn_limits(self) -> None:
        with contextlib.suppress(HansaError):
            rate = await self.node.prompt_tokens_per_s(self.setup.preferences.model)
            self.inline.limits = limits_for(rate) if rate else None

    def warn(self, text: str) -> None:
        """Show a person what is wrong and what to do."""
        self.window_show_message(lsp.ShowMessageParams(lsp.MessageType.Warning, f"Hansa: {text}"))

    def shutdown(self) -> None:
        """However it ended: no thread outlives the connection."""
        self.codebases.close()
        super().shutdown()

    def status(self) -> dict[str, Any]:
        """What `hansa.status` tells."""
        counts = self.inline.counts
        read, cached = counts.prompt_tokens, counts.cached_tokens
        median = self.completion.latency_ms_median
        return {
            "node": self.trouble.known or "no trouble",
            "asked": counts.asked,
            "cached": counts.cached,
            "typed_over": counts.typed_over,
            "unsure": counts.unsure,
            "empty": counts.empty,
            "prompt_cache_hit_rate": round(cached / read, 3) if read else None,
            "latency_ms_median": None if median is None else round(median, 1),
            "prompt_tokens_max": (self.inline.limits or Limits()).prompt_tokens,
            "index": {str(root): state for root, state in self.codebases.states.items()},
        }
