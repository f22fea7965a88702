"""Why a completion is what it is: what the model was shown, what was left out, how sure it was."""

from collections.abc import Iterator
from dataclasses import dataclass

from hansa.context.gather import Considered
from hansa.editor.complete import Completion


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of the codebase that was considered."""

    place: str
    """`path:first-last`."""
    kind: str
    score: float
    verdict: str


@dataclass(frozen=True, slots=True)
class Explained:
    first_line: int
    """Of the file, that the prompt shows."""
    prefix_chars: int
    suffix_chars: int
    multiline: bool
    max_tokens: int
    query: str
    pieces: tuple[Piece, ...]
    redacted: int
    """Secrets that were taken out."""
    confidence: float
    prompt_tokens: int | None
    cached_tokens: int | None
    """Of them, those that the engine had in its cache."""


def explained(done: Completion) -> Explained:
    plan, usage = done.plan, done.reply.usage
    return Explained(
        first_line=plan.start_line,
        prefix_chars=len(plan.prefix),
        suffix_chars=len(plan.suffix),
        multiline=plan.multiline,
        max_tokens=plan.max_tokens,
        query=plan.query,
        pieces=tuple(_piece(each) for each in plan.considered),
        redacted=done.redacted,
        confidence=round(done.confidence, 3),
        prompt_tokens=usage.prompt_tokens if usage else None,
        cached_tokens=usage.cached_tokens if usage else None,
    )


def words(told: Explained) -> Iterator[str]:
    """The same for people, a line at a time."""
    kind = "a block" if told.multiline else "the rest of a line"
    yield f"asked for {kind}, at most {told.max_tokens} tokens"
    yield (
        f"shown: the file from line {told.first_line} ({told.prefix_chars} characters before the "
        f"cursor, {told.suffix_chars} after it)"
    )
    if told.query:
        yield f"searched for: {told.query}"
    for each in told.pieces:
        yield f"  {each.score:.2f} {each.kind:10} {each.place}: {each.verdict}"
    if told.redacted:
        yield f"secrets taken out: {told.redacted}"
    if told.prompt_tokens:
        share = 100 * (told.cached_tokens or 0) / told.prompt_tokens
        yield f"the engine had {share:.0f}% of {told.prompt_tokens} prompt tokens in its cache"
    yield f"sure to {100 * told.confidence:.0f}%"


def _piece(each: Considered) -> Piece:
    snippet, candidate = each.candidate.snippet, each.candidate
    place = f"{snippet.path}:{snippet.start_line}-{snippet.end_line}"
    return Piece(place, candidate.kind, round(candidate.score, 3), each.verdict)
