"""Questions about the codebase, answered from what the index finds."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hansa.context.budget import fit_lines
from hansa.context.candidates import Search
from hansa.context.redact import redact
from hansa.core.clock import Clock
from hansa.core.errors import UserError
from hansa.core.ids import new_request_id
from hansa.editor.citations import Citation, LineCount, citations
from hansa.editor.node import Answers
from hansa.editor.plain import check_words
from hansa.editor.preferences import Preferences
from hansa.editor.reading import Reply, read
from hansa.wire.requests import Message, Request, Sampling, Snippet

SYSTEM = (
    "You answer questions about a codebase from the numbered excerpts shown. Be short. "
    "Say which excerpt answers the question, as [1]."
)
PROMPT_CHARS_MAX = 2_000
"""About 700 tokens, which a small model on a CPU reads in under two seconds."""

SNIPPET_CHARS_MAX = 800
SNIPPETS_MAX = 4
QUESTION_CHARS_MAX = 600
ANSWER_TOKENS = 200
CIRCLE_CHARS_MIN = 20


@dataclass(frozen=True, slots=True)
class Explanation:
    text: str
    used: tuple[Snippet, ...]
    """What the model was shown, in the order of its numbers."""
    citations: tuple[Citation, ...]
    """The places the answer names, those that do not exist too."""
    reply: Reply


async def ask(
    question: str,
    search: Search,
    answers: Answers,
    clock: Clock,
    *,
    preferences: Preferences | None = None,
    line_count: LineCount = lambda _: None,
    show: Callable[[str], None] = lambda _: None,
) -> Explanation:
    """Answer `question`; `show` is given the answer piece by piece.

    `line_count` tells which files there are, so that what the answer cites can be checked.

    Raises:
        UserError: no question, too long a one, or nothing in the codebase has to do with it.
    """
    question = check_words(question, "the question", QUESTION_CHARS_MAX)
    used = choose(question, search)
    if not used:
        raise UserError(
            "nothing in the codebase has to do with this question",
            hint="use words that stand in the code, or look with `hansa search`",
        )
    preferences = preferences or Preferences()
    request = Request(
        id=new_request_id(),
        task="chat",
        model=preferences.model,
        messages=_messages(question, used),
        sampling=Sampling(max_tokens=ANSWER_TOKENS),
        policy=preferences.policy,
        budget_ms=preferences.budget_ms,
    )
    reply = await read(answers, request, clock, enough=goes_in_circles, show=show)
    text = reply.text.strip()
    return Explanation(text, used, tuple(citations(text, used, line_count)), reply)


def choose(question: str, search: Search) -> tuple[Snippet, ...]:
    """The best hits, cut so that together with the question they fit the prompt."""
    left = PROMPT_CHARS_MAX - len(SYSTEM) - len(question)
    used: list[Snippet] = []
    for hit in search(question, SNIPPETS_MAX):
        snippet = hit.snippet
        left -= len(_title(SNIPPETS_MAX, snippet)) + len("\n\n")
        shown, _ = redact(snippet.text.rstrip("\n"), snippet.path)
        text = fit_lines(shown, max(min(left, SNIPPET_CHARS_MAX), 0))
        if text.strip():
            end = snippet.start_line + text.count("\n")
            used.append(Snippet(snippet.path, snippet.start_line, end, text))
            left -= len(text)
    return tuple(used)


def goes_in_circles(text: str) -> bool:
    """Whether the last whole line was said before, as small models do without end."""
    lines = [line.strip() for line in text.split("\n")[:-1] if line.strip()]
    return bool(lines) and len(lines[-1]) >= CIRCLE_CHARS_MIN and lines[-1] in lines[:-1]


def _messages(question: str, used: Sequence[Snippet]) -> tuple[Message, ...]:
    shown = "".join(
        f"{_title(number, snippet)}{snippet.text}\n\n" for number, snippet in enumerate(used, 1)
    )
    return Message("system", SYSTEM), Message("user", f"{shown}Question: {question}")


def _title(number: int, snippet: Snippet) -> str:
    return f"[{number}] {snippet.path}, lines {snippet.start_line} to {snippet.end_line}:\n"
