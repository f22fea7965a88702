"""The one internal request and the one stream it becomes.

Every dialect decodes into `Request` and encodes from `Chunk`s; members send the same shapes to
each other (docs/protocol.md).
"""

from typing import Literal

import msgspec

Task = Literal["complete", "edit", "apply", "chat", "reason", "embed"]
FinishReason = Literal["stop", "length", "cancelled"]

ANY_MODEL = "auto"
"""The model name that leaves the choice to routing."""


class Message(msgspec.Struct, frozen=True):
    role: Literal["system", "user", "assistant"]
    content: str


class Snippet(msgspec.Struct, frozen=True):
    """A piece of the codebase shown to the model beside the prompt."""

    path: str
    """Relative to the repository, with forward slashes."""
    start_line: int
    """First line, 1-based."""
    end_line: int
    """Last line, inclusive."""
    text: str


class Policy(msgspec.Struct, frozen=True):
    """Hard rules of the caller. Empty means: no such rule."""

    residency: tuple[str, ...] = ()
    """Jurisdictions where the prompt may be processed, for example `("eu",)`."""
    licences: tuple[str, ...] = ()
    """SPDX identifiers a model's licence must be among."""
    no_train: bool = False
    """Refuse members that train on the prompts they serve."""
    tier: Literal["free", "pro", "team"] = "free"
    """What the developer has bought."""


class Sampling(msgspec.Struct, frozen=True):
    max_tokens: int = 256
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int | None = None
    stop: tuple[str, ...] = ()


class Request(msgspec.Struct, frozen=True):
    id: str
    task: Task
    model: str = ANY_MODEL
    messages: tuple[Message, ...] = ()
    """For chat. A last message by the assistant is continued, not answered."""
    prefix: str = ""
    """For completion: the text before the cursor."""
    suffix: str = ""
    """For completion: the text after the cursor."""
    snippets: tuple[Snippet, ...] = ()
    sampling: Sampling = Sampling()
    policy: Policy = Policy()
    budget_ms: int | None = None
    """What the task may take, end to end; None leaves it to the task's default."""
    stream: bool = True
    """False: nodes send the whole answer in one chunk, which costs them less."""
    replica: str = ""
    """Set between members: the replica the origin chose. A hint; the server may choose another."""

    def prompt_chars(self) -> int:
        """Characters of everything the model will see."""
        return (
            len(self.prefix)
            + len(self.suffix)
            + sum(len(message.content) for message in self.messages)
            + sum(len(snippet.text) for snippet in self.snippets)
        )


class Usage(msgspec.Struct, frozen=True):
    prompt_tokens: int = 0
    """Tokens of the prompt, cached ones included."""
    completion_tokens: int = 0
    cached_tokens: int = 0
    """Prompt tokens the engine had in its cache already."""


class Chunk(msgspec.Struct, frozen=True, omit_defaults=True):
    """A piece of an answer. The last one has `finish` and `usage`; a peer's also the `receipt`."""

    text: str = ""
    finish: FinishReason | None = None
    usage: Usage | None = None
    receipt: str | None = None
    """JSON of the DSSE envelope that holds the server's receipt."""
    replica: str = ""
    """Which replica serves, in a peer's first chunk; it may not be the one wished for."""
