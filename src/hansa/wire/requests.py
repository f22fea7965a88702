"""The one internal request and the one stream it becomes.

Every dialect decodes into `Request` and encodes from `Chunk`s; members send the same shapes to
each other (docs/protocol.md).
"""

from typing import Literal

import msgspec

from hansa.wire.tools import OutputForm, Tool, ToolCall, ToolChoice, ToolDelta

Task = Literal["complete", "edit", "apply", "chat", "reason", "embed"]
FinishReason = Literal["stop", "length", "tool_calls", "content_filter", "cancelled"]

ANY_MODEL = "auto"
"""The model name that leaves the choice to routing."""


WEIGHED_TOKENS = 8
"""Of the suffix, by which each filling of `best_of` is weighed."""


class Message(msgspec.Struct, frozen=True, omit_defaults=True):
    role: Literal["system", "user", "assistant", "tool"]
    content: str
    tool_calls: tuple[ToolCall, ...] = ()
    """Of an assistant's message: what it called."""
    tool_call: str = ""
    """Of a tool's message: the id of the call it answers."""


class Snippet(msgspec.Struct, frozen=True):
    """A piece of the codebase shown to the model beside the prompt."""

    path: str
    """Relative to the repository, with forward slashes."""
    start_line: int
    """First line, 1-based."""
    end_line: int
    """Last line, inclusive."""
    text: str


class Policy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Hard rules of the caller. Empty means: no such rule.

    One that is not known here cannot be kept, so the request is refused.
    """

    residency: tuple[str, ...] = ()
    """Jurisdictions where the prompt may be processed, for example `("eu",)`."""
    licences: tuple[str, ...] = ()
    """SPDX identifiers a model's licence must be among."""
    no_train: bool = False
    """Refuse members that train on the prompts they serve."""
    tier: Literal["free", "pro", "team"] = "free"
    """What the developer has bought."""


class Sampling(msgspec.Struct, frozen=True, omit_defaults=True):
    max_tokens: int = 256
    """Of each choice."""
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int | None = None
    stop: tuple[str, ...] = ()
    choices: int = 1
    """Answers wanted to the one prompt."""
    logprobs: int | None = None
    """Log-probabilities of the tokens, with so many alternatives each; None: none."""
    top_k: int | None = None
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    best_of: int = 1
    """So many ways to fill a hole are tried, and the one is given that the suffix fits best."""

    def tokens_max(self) -> int:
        """Of all that is generated for one request."""
        if self.best_of > 1:
            return self.best_of * (self.max_tokens + WEIGHED_TOKENS)
        return self.choices * self.max_tokens


class Request(msgspec.Struct, frozen=True, omit_defaults=True):
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
    deadline_ms: int | None = None
    """What is left until nobody wants the answer. Refused when no replica can give it by then, or
    has begun it by then; None: there is no such time."""
    stream: bool = True
    """False: nodes send the whole answer in one chunk, which costs them less."""
    replica: str = ""
    """Set between members: the replica the origin chose. A hint; the server may choose another."""
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice = ToolChoice()
    output: OutputForm | None = None
    inputs: tuple[str, ...] = ()
    """For embedding: the texts."""
    dimensions: int | None = None
    """For embedding: the length of the vectors; None: the model's own."""
    begins: str = ""
    """For completion: what was cut off the prefix, with which the answer has to begin. An engine
    that can makes sure of it; whoever asks takes it off again."""
    suffix_is_hint: bool = False
    """The caller trims what repeats the suffix itself, so a model that only continues text will
    do."""

    def prompt_chars(self) -> int:
        """Characters of everything the model will see."""
        chars = len(self.prefix) + len(self.suffix)
        for message in self.messages:
            chars += len(message.content)
            for call in message.tool_calls:
                chars += len(call.name) + len(call.arguments)
        for snippet in self.snippets:
            chars += len(snippet.text)
        for text in self.inputs:
            chars += len(text)
        for tool in self.tools:
            chars += _tool_chars(tool)
        return chars


class Usage(msgspec.Struct, frozen=True):
    prompt_tokens: int = 0
    """Tokens of the prompt, cached ones included."""
    completion_tokens: int = 0
    cached_tokens: int = 0
    """Prompt tokens the engine had in its cache already."""


class TokenLogprob(msgspec.Struct, frozen=True, omit_defaults=True):
    token: str
    logprob: float
    """Natural logarithm."""
    top: tuple[tuple[str, float], ...] = ()
    """The likeliest tokens at this place with their log-probabilities, best first."""


class Chunk(msgspec.Struct, frozen=True, omit_defaults=True):
    """A piece of an answer. The last one has `finish` and `usage`; a peer's also the `receipt`."""

    text: str = ""
    finish: FinishReason | None = None
    """Only in the last chunk of all."""
    usage: Usage | None = None
    receipt: str | None = None
    """JSON of the DSSE envelope that holds the server's receipt."""
    replica: str = ""
    """Which replica serves, in a peer's first chunk; it may not be the one wished for."""
    choice: int = 0
    """Which of several answers this is a piece of."""
    ends: FinishReason | None = None
    """Of several answers, this one is complete; more of the others may follow."""
    reasoning: str = ""
    """What the model thought before it answered, where the engine tells it apart."""
    tool_calls: tuple[ToolDelta, ...] = ()
    logprobs: tuple[TokenLogprob, ...] = ()
    embeddings: tuple[str, ...] = ()
    """Base64 of little-endian float32, a vector for each input."""

    def said(self) -> str:
        """All that was generated, as one text: what digests cover, however it was cut up."""
        if not (self.reasoning or self.tool_calls or self.embeddings):
            return self.text
        calls = "".join(f"{each.name}{each.arguments}" for each in self.tool_calls)
        return f"{self.reasoning}{self.text}{calls}{''.join(self.embeddings)}"


def _tool_chars(tool: Tool) -> int:
    parameters = len(msgspec.json.encode(tool.parameters))
    return len(tool.name) + len(tool.description) + parameters
