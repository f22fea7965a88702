"""The exact text a model sees: one request and one profile in, one prompt out."""

import re
from collections.abc import Iterable

from hansa.index.languages import comment_prefix
from hansa.models.profile import FimTokens, Profile
from hansa.wire.requests import Message, Request, Snippet


def render(request: Request, profile: Profile) -> str:
    """Write the prompt of `request` for a model with `profile`.

    Control tokens inside the caller's text are broken up, so that no text can pose as a turn or a
    sentinel.
    """
    if request.messages:
        return _chatml(request.messages, profile.system, Neutral(profile))
    if profile.fim is None:
        return _continuation(request, Neutral(profile))
    return _fill_in_middle(request, profile.fim, Neutral(profile))


def _chatml(messages: tuple[Message, ...], system: str, neutral: "Neutral") -> str:
    """Source: the chat template inside SmolLM2-135M-Instruct's GGUF."""
    turns: list[str] = []
    if messages[0].role != "system" and system:
        turns.append(_turn("system", system))
    closed, last = messages[:-1], messages[-1]
    turns += [_turn(each.role, neutral(each.content)) for each in closed]
    if last.role == "assistant":
        turns.append(f"<|im_start|>assistant\n{neutral(last.content)}")
    else:
        turns.append(_turn(last.role, neutral(last.content)) + "<|im_start|>assistant\n")
    return "".join(turns)


def _turn(role: str, content: str) -> str:
    return f"<|im_start|>{role}\n{content}<|im_end|>\n"


def _continuation(request: Request, neutral: "Neutral") -> str:
    commented = "".join(_as_comment(snippet) for snippet in request.snippets)
    return neutral(commented + request.prefix)


def _as_comment(snippet: Snippet) -> str:
    mark = comment_prefix(snippet.path) or "#"
    lines = [f"Compare this snippet from {_one_line(snippet.path)}:", *snippet.text.splitlines()]
    return "".join(f"{mark} {line}".rstrip() + "\n" for line in lines)


def _fill_in_middle(request: Request, fim: FimTokens, neutral: "Neutral") -> str:
    """Source: Bavarian et al., "Efficient Training of Language Models to Fill in the Middle"."""
    before, after = neutral(request.prefix), neutral(request.suffix)
    others = ""
    if fim.file_separator and request.snippets:
        others = "".join(
            f"{fim.file_separator}{neutral(_one_line(each.path))}\n{neutral(each.text)}\n"
            for each in request.snippets
        )
        others += fim.file_separator
    else:
        before = "".join(neutral(_as_comment(each)) for each in request.snippets) + before
    if fim.order == "spm":
        return f"{others}{fim.suffix}{after}{fim.prefix}{before}{fim.middle}"
    return f"{others}{fim.prefix}{before}{fim.suffix}{after}{fim.middle}"


def _one_line(path: str) -> str:
    return " ".join(path.split())


_KNOWN_CONTROL = (
    "<repo_name>",
    "<reponame>",
    "<file_sep>",
    "<filename>",
    "<gh_stars>",
    "<issue_start>",
    "<issue_comment>",
    "<issue_closed>",
    "<jupyter_start>",
    "<jupyter_text>",
    "<jupyter_code>",
    "<jupyter_output>",
    "<jupyter_script>",
    "<empty_output>",
)
"""Source: the first tokens of SmolLM2's vocabulary that are not of the form `<|name|>`."""


class Neutral:
    """Puts a space into each control token of a text, after its first character."""

    def __init__(self, profile: Profile) -> None:
        known = (*_KNOWN_CONTROL, *_looking_special(profile.stop), *_sentinels(profile.fim))
        literal = sorted({re.escape(each) for each in known}, key=len, reverse=True)
        self._pattern = re.compile("|".join([r"<\|[^\s<>|]{1,64}\|>", *literal]))
        self._markers = frozenset(profile.markers)

    def __call__(self, text: str) -> str:
        return self._pattern.sub(self._broken, text)

    def _broken(self, match: re.Match[str]) -> str:
        found = match[0]
        return found if found in self._markers else f"{found[0]} {found[1:]}"


def _looking_special(stops: Iterable[str]) -> Iterable[str]:
    return (each for each in stops if len(each) > 2 and each[0] in "<[" and each[-1] in ">]")


def _sentinels(fim: FimTokens | None) -> Iterable[str]:
    if fim is None:
        return ()
    tokens = (fim.prefix, fim.suffix, fim.middle, fim.file_separator)
    return (each.strip() for each in tokens if len(each.strip()) > 1)
