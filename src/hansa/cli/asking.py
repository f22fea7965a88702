"""Options that every command which asks a node shares."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hansa.cli.output import say

if TYPE_CHECKING:
    from hansa.editor.node import NodeClient
    from hansa.editor.preferences import Preferences
    from hansa.editor.reading import Reply


@dataclass(frozen=True, slots=True)
class Asking:
    """What the shared options said."""

    node: str | None
    key_file: Path | None
    state_dir: Path | None
    model: str
    residency: tuple[str, ...]
    licences: tuple[str, ...]
    no_train: bool
    budget_ms: int | None

    def state(self) -> Path:
        from hansa.core.files import user_state_dir

        return self.state_dir or user_state_dir()

    def client(self) -> "NodeClient":
        """The node to ask; raises ConfigError if none is known."""
        from hansa.editor.connection import find_connection
        from hansa.editor.node import NodeClient

        return NodeClient(find_connection(self.node, self.key_file, os.environ, self.state()))

    def preferences(self) -> "Preferences":
        from hansa.editor.preferences import Preferences
        from hansa.wire.requests import Policy

        policy = Policy(self.residency, self.licences, self.no_train)
        return Preferences(self.model, policy, self.budget_ms)


_OPTIONS = (
    click.option("--node", metavar="URL", help="The node to ask; else HANSA_NODE_URL."),
    click.option(
        "--key-file",
        type=click.Path(path_type=Path),
        help="File that holds the node's key; else HANSA_API_KEY.",
    ),
    click.option(
        "--state-dir", type=click.Path(path_type=Path), help="Where Hansa keeps its state."
    ),
    click.option("--model", default="auto", show_default=True, help="Model that must answer."),
    click.option(
        "--residency",
        multiple=True,
        metavar="REGION",
        help="Where the prompt may be processed, like eu; may be given again.",
    ),
    click.option("--eu-only", is_flag=True, help="The same as --residency eu."),
    click.option(
        "--licence",
        "licences",
        multiple=True,
        metavar="SPDX",
        help="Licence the model must have; may be given again.",
    ),
    click.option("--no-train", is_flag=True, help="Refuse members that train on prompts."),
    click.option("--budget-ms", type=click.IntRange(1), help="What the answer may take."),
)


def asks_a_node(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the shared options, handed to it as `asking`."""

    def with_asking(**given: Any) -> None:
        residency = tuple(each.lower() for each in given.pop("residency"))
        if given.pop("eu_only") and "eu" not in residency:
            residency += ("eu",)
        asking = Asking(
            residency=residency,
            **{name: given.pop(name) for name in Asking.__slots__ if name != "residency"},
        )
        command(asking=asking, **given)

    with_asking.__doc__ = command.__doc__
    with_asking.__name__ = command.__name__
    for option in reversed(_OPTIONS):
        with_asking = option(with_asking)
    return with_asking


def say_who_served(reply: "Reply") -> None:
    reason = f": {reply.reason}" if reply.reason else ""
    say(f"served by {reply.route or 'the node'} in {reply.latency_ms:.0f} ms{reason}")


def reply_fields(reply: "Reply") -> dict[str, Any]:
    """What `--json` tells of how an answer came about."""
    return {
        "request_id": reply.request_id,
        "route": reply.route,
        "reason": reply.reason,
        "latency_ms": round(reply.latency_ms, 1),
        "ttft_ms": round(reply.ttft_ms, 1),
        "finish": reply.finish,
        "usage": reply.usage,
    }
