"""A whole answer put together from its chunks."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from hansa.wire.requests import Chunk, FinishReason, TokenLogprob, Usage
from hansa.wire.tools import ToolCall


@dataclass(slots=True)
class Choice:
    """One answer of those asked for."""

    text: str = ""
    reasoning: str = ""
    tool_calls: list[ToolCall] = field(default_factory=list[ToolCall])
    logprobs: list[TokenLogprob] = field(default_factory=list[TokenLogprob])
    finish: FinishReason = "stop"


@dataclass(frozen=True, slots=True)
class Whole:
    choices: list[Choice]
    usage: Usage
    embeddings: tuple[str, ...] = ()


def assemble(chunks: Iterable[Chunk]) -> Whole:
    """Add up the chunks of one answer, the last of which has `finish` and `usage`."""
    choices: dict[int, Choice] = {}
    usage, embeddings = Usage(), ()
    for chunk in chunks:
        choice = choices.setdefault(chunk.choice, Choice())
        _add(choice, chunk)
        if chunk.ends:
            choice.finish = chunk.ends
        if chunk.finish:
            usage = chunk.usage or usage
            embeddings = chunk.embeddings
            if len(choices) == 1:
                choice.finish = chunk.finish
    return Whole([choices[index] for index in sorted(choices)], usage, embeddings)


def _add(choice: Choice, chunk: Chunk) -> None:
    choice.text += chunk.text
    choice.reasoning += chunk.reasoning
    choice.logprobs += chunk.logprobs
    for piece in chunk.tool_calls:
        while len(choice.tool_calls) <= piece.position:
            choice.tool_calls.append(ToolCall("", ""))
        known = choice.tool_calls[piece.position]
        choice.tool_calls[piece.position] = ToolCall(
            known.id or piece.id,
            known.name or piece.name,
            known.arguments + piece.arguments,
        )
