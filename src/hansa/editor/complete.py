"""One completion: plan, take secrets out, ask, take back what was typed, trim."""

import math
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial

from hansa.context.budget import Limits
from hansa.context.candidates import Codebase, Document
from hansa.context.gather import CompletionPlan, gather
from hansa.context.healing import heal
from hansa.context.redact import redact, redact_around
from hansa.context.trim import block_end, trim
from hansa.core.clock import Clock
from hansa.core.errors import HansaError, Unsupported
from hansa.core.ids import new_request_id
from hansa.editor.coming import Coming
from hansa.editor.node import Answers
from hansa.editor.preferences import Preferences
from hansa.editor.reading import Reply, read
from hansa.wire.requests import Request, Sampling, Snippet, TokenLogprob

Planner = Callable[[Document, int, Codebase | None, Limits | None], Awaitable[CompletionPlan]]
"""`gather`, in a thread where one is needed."""


async def plan_here(
    document: Document, cursor: int, codebase: Codebase | None, limits: Limits | None
) -> CompletionPlan:
    """`gather`, in the thread that asks."""
    return gather(document, cursor, codebase, limits)


@dataclass(frozen=True, slots=True)
class Completion:
    text: str
    """To insert at the cursor; empty if the model had nothing that fits."""
    reply: Reply
    plan: CompletionPlan
    redacted: int
    """Secrets that were taken out of what the model saw."""
    confidence: float
    """Geometric mean of the probabilities of the tokens that were kept, 0 to 1."""

    @property
    def snippets(self) -> tuple[Snippet, ...]:
        """What of the codebase the model was shown beside the file."""
        return self.plan.snippets


async def complete(
    document: Document,
    cursor: int,
    answers: Answers,
    clock: Clock,
    *,
    codebase: Codebase | None = None,
    preferences: Preferences | None = None,
    limits: Limits | None = None,
    confidence: bool = False,
    planner: Planner = plan_here,
    coming: Coming | None = None,
    best_of: int = 1,
) -> Completion:
    """Complete `document` at `cursor`, a character offset; its line endings are LF.

    `confidence` asks for log-probabilities, if there is an engine that gives them. `coming` can be
    looked at meanwhile. `best_of`: so many ways are tried where one line is wanted before others,
    if there is an engine that can weigh them; its answer comes at once, without log-probabilities.

    Raises:
        HansaError: no node, no replica that may serve, or the answer broke off.
    """
    plan = await planner(document, cursor, codebase, limits)
    before, after = document.text[:cursor], document.text[cursor:]

    def enough(generated: str) -> bool:
        """Whether more text cannot change the completion, so that the work can stop."""
        healed = heal(generated, plan.typed)
        if not healed:
            return healed is None
        return block_end(healed, before, multiline=plan.multiline) is not None

    def so_far(request_id: str, generated: str, logprobs: Sequence[TokenLogprob]) -> None:
        if coming is not None:
            healed = heal(generated, plan.typed) or ""
            kept = sure(logprobs, len(generated))
            coming.note(request_id, healed, kept, multiline=plan.multiline)

    # A line is shown whole unless somebody looks on; a block is read until it has ended.
    stream = plan.multiline or coming is not None
    ask = partial(_request, document.path, plan, preferences or Preferences(), stream=stream)
    request, redacted = ask(confidence=confidence, best_of=best_of)
    try:
        reply = await read(answers, request, clock, enough=enough, so_far=so_far)
    except HansaError as error:
        if not (confidence or best_of > 1) or error.code != Unsupported.code:
            raise
        request, redacted = ask(confidence=False)
        reply = await read(answers, request, clock, enough=enough, so_far=so_far)
    text = trim(
        heal(reply.text, plan.typed) or "",
        before,
        after,
        path=document.path,
        multiline=plan.multiline,
        cut_off=reply.finish == "length",
    )
    kept = sure(reply.logprobs, len(plan.typed) + len(text))
    return Completion(text, reply, plan, redacted, kept)


def sure(tokens: Sequence[TokenLogprob], chars: int) -> float:
    """How sure the model was of the first `chars` it generated; 1 if it did not say."""
    seen, logprobs = 0, list[float]()
    for each in tokens:
        if seen >= chars:
            break
        seen += len(each.token)
        logprobs.append(each.logprob)
    return math.exp(sum(logprobs) / len(logprobs)) if logprobs else 1.0


def between_lines(plan: CompletionPlan) -> bool:
    """Whether one line is wanted, and others follow by which ways to write it can be weighed."""
    return not plan.multiline and bool(plan.suffix.strip())


def _request(
    path: str,
    plan: CompletionPlan,
    preferences: Preferences,
    *,
    stream: bool,
    confidence: bool,
    best_of: int = 1,
) -> tuple[Request, int]:
    """What to send, and how many secrets were taken out of it."""
    prefix, suffix, around = redact_around(plan.prefix, plan.suffix, path, between=plan.typed)
    texts = [redact(each.text, each.path) for each in plan.snippets]
    sampling = Sampling(plan.max_tokens, stop=plan.stop, logprobs=0 if confidence else None)
    if best_of > 1 and between_lines(plan):
        sampling = Sampling(plan.max_tokens, stop=("\n",), best_of=best_of)
    request = Request(
        id=new_request_id(),
        task="complete",
        model=preferences.model,
        prefix=prefix,
        suffix=suffix,
        begins=plan.typed,
        suffix_is_hint=True,
        snippets=tuple(
            Snippet(each.path, each.start_line, each.end_line, text)
            for each, (text, _) in zip(plan.snippets, texts, strict=True)
        ),
        sampling=sampling,
        policy=preferences.policy,
        budget_ms=preferences.budget_ms,
        stream=stream,
    )
    return request, around + sum(count for _, count in texts)
