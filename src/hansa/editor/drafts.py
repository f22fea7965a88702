"""How a model is asked for an edit: what it is shown, where it begins, what is made of it."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from hansa.wire.requests import Message

SYSTEM = "You change code as instructed and answer with the whole changed code, nothing else."
DOCSTRING_TOKENS = 96
REWRITE_TOKENS_SPARE = 128
CHARS_PER_TOKEN = 2.5
"""Low, so that a rewritten span is not cut off."""

HEADER_LINES_MAX = 12
FENCE = "```"

_DOCSTRING = re.compile(r"\bdoc[- ]?strings?\b", re.IGNORECASE)
_DEFINITION = re.compile(r"(?:@|[a-z ]*\b(?:def|class|fn|func|function|struct|impl)\s)")
_SIGNATURE = re.compile(
    r"\b(?:param|parameter|argument|arg|type|typed|hint|annotat|return type|signature|default|async"
    r"|decorat|import|rename)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Draft:
    """A conversation whose last message the model continues."""

    messages: tuple[Message, ...]
    stop: tuple[str, ...]
    max_tokens: int
    finish: Callable[[str], str]
    """From what was generated to the new code of the span."""


def draft(code: str, instruction: str, language: str) -> Draft:
    """Ask for a docstring alone where that is all that is wanted, else for the code again."""
    margin = _margin(code)
    bare = _indent(code, margin, remove=True)
    header = _header(bare)
    if language == "python" and _DOCSTRING.search(instruction) and _lacks_docstring(bare, header):
        made = _docstring(bare, header, instruction)
    else:
        made = _rewrite(bare, header, instruction, language)

    def finish(generated: str) -> str:
        return _indent(made.finish(generated), margin, remove=False)

    return Draft(made.messages, made.stop, made.max_tokens, finish)


def _docstring(code: str, header: str, instruction: str) -> Draft:
    """The model writes the text between the quotes; the code around it stays as it is."""
    body = code[len(header) :]
    first = next(line for line in body.split("\n") if line.strip())
    inner = first[: len(first) - len(first.lstrip())]
    opening = f'{header}{inner}"""'

    def finish(generated: str) -> str:
        text = generated.partition('"""')[0].replace("\\", "").strip()
        lines = [line.strip() for line in text.split("\n")]
        closing = f"\n{inner}" if len(lines) > 1 else ""
        text = "\n".join(f"{inner}{line}" if line else "" for line in lines).strip()
        return f'{opening}{text}{closing}"""\n{body}' if text else code

    return Draft(
        _conversation(code, instruction, "python", opening),
        ('"""', FENCE),
        DOCSTRING_TOKENS,
        finish,
    )


def _rewrite(code: str, header: str, instruction: str, language: str) -> Draft:
    """The model writes the code again, from its signature on where that is to stay.

    The opening ends without its newline: small models stumble over a prompt that ends in one.
    """
    opening = "" if _SIGNATURE.search(instruction) else header.rstrip("\n")

    def finish(generated: str) -> str:
        written = generated.partition(f"\n{FENCE}")[0].rstrip()
        text = f"{opening}{written}".lstrip("\n")
        return text + code[len(code.rstrip("\n")) :] if written else code

    tokens = int(len(code) / CHARS_PER_TOKEN) + REWRITE_TOKENS_SPARE
    return Draft(
        _conversation(code, instruction, language, opening), (f"\n{FENCE}",), tokens, finish
    )


def _conversation(code: str, instruction: str, language: str, opening: str) -> tuple[Message, ...]:
    return (
        Message("system", SYSTEM),
        Message("user", f"{instruction.strip()}\n\n{FENCE}{language}\n{code.rstrip()}\n{FENCE}"),
        Message("assistant", f"{FENCE}{language}\n{opening}".rstrip("\n")),
    )


def _header(code: str) -> str:
    """Decorators and signature, whole lines; empty if `code` does not begin with a definition."""
    if not _DEFINITION.match(code):
        return ""
    header = ""
    for line in code.split("\n")[:HEADER_LINES_MAX]:
        header += f"{line}\n"
        if line.rstrip().endswith((":", "{")):
            return header if len(header) <= len(code) else ""
    return ""


def _lacks_docstring(code: str, header: str) -> bool:
    if not header:
        return False
    body = code[len(header) :].lstrip()
    return bool(body) and not body.startswith(('"""', "'''", '"', "'"))


def _margin(code: str) -> str:
    """The first line's indentation, if every line has it; so that none is shifted for good."""
    lines = [line for line in code.split("\n") if line.strip()]
    if not lines:
        return ""
    margin = lines[0][: len(lines[0]) - len(lines[0].lstrip())]
    return margin if all(line.startswith(margin) for line in lines) else ""


def _indent(code: str, margin: str, *, remove: bool) -> str:
    """Take `margin` off every line that has it, or put it before every line with text."""
    lines = code.split("\n")
    if remove:
        return "\n".join(line.removeprefix(margin) for line in lines)
    return "\n".join(margin + line if line.strip() else line for line in lines)
