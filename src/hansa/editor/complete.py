"""One completion: plan, ask, take back what was typed, trim."""

from dataclasses import dataclass

from hansa.context.budget import Limits
from hansa.context.gather import CompletionPlan, Document, Search, gather
from hansa.context.healing import heal
from hansa.context.trim import block_end, trim
from hansa.core.clock import Clock
from hansa.core.ids import new_request_id
from hansa.editor.node import Answers
from hansa.editor.preferences import Preferences
from hansa.editor.reading import Reply, read
from hansa.wire.requests import Request, Sampling, Snippet


@dataclass(frozen=True, slots=True)
class Completion:
    text: str
    """To insert at the cursor; empty if the model had nothing that fits."""
    reply: Reply
    snippets: tuple[Snippet, ...]
    """What of the codebase the model was shown beside the file."""


async def complete(
    document: Document,
    cursor: int,
    answers: Answers,
    clock: Clock,
    *,
    search: Search | None = None,
    preferences: Preferences | None = None,
    limits: Limits | None = None,
) -> Completion:
    """Complete `document` at `cursor`, a character offset; its line endings are LF.

    Raises:
        HansaError: no node, no replica that may serve, or the answer broke off.
    """
    plan = gather(document, cursor, search, limits)
    before, after = document.text[:cursor], document.text[cursor:]

    def enough(generated: str) -> bool:
        """Whether more text cannot change the completion, so that the work can stop."""
        healed = heal(generated, plan.typed)
        if not healed:
            return healed is None
        return block_end(healed, before, multiline=plan.multiline) is not None

    request = _request(plan, preferences or Preferences())
    reply = await read(answers, request, clock, enough=enough)
    text = trim(
        heal(reply.text, plan.typed) or "",
        before,
        after,
        path=document.path,
        multiline=plan.multiline,
        cut_off=reply.finish == "length",
    )
    return Completion(text, reply, plan.snippets)


def _request(plan: CompletionPlan, preferences: Preferences) -> Request:
    return Request(
        id=new_request_id(),
        task="complete",
        model=preferences.model,
        prefix=plan.prefix,
        suffix=plan.suffix,
        suffix_is_hint=True,
        snippets=plan.snippets,
        sampling=Sampling(max_tokens=plan.max_tokens, stop=plan.stop),
        policy=preferences.policy,
        budget_ms=preferences.budget_ms,
        # A line is shown whole; a block is read until it has ended, which stops the work.
        stream=plan.multiline,
    )
