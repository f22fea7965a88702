"""A shell command for what is wanted: asked of a model, read, and judged before it is run."""

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from hansa.core.clock import Clock
from hansa.core.errors import EngineError
from hansa.core.ids import new_request_id
from hansa.editor.node import Answers
from hansa.editor.plain import check_words
from hansa.editor.preferences import Preferences
from hansa.editor.reading import Reply, read
from hansa.editor.shell_words import GIT_LOOKS, LOOKS, SHELL_WORDS
from hansa.wire.requests import Message, Request, Sampling

WORDS_CHARS_MAX = 500
COMMAND_CHARS_MAX = 2_000
COMMAND_TOKENS = 96

_RISKS = {
    "deletes or overwrites files": r"\b(?:rm|rmdir|unlink|shred|truncate|dd|mkfs\w*|wipefs)\b"
    r"|-delete\b|\bgit\s+(?:clean|reset|checkout|restore|push)\b|(?<!>)>(?!>|&\d|\s*/dev/null\b)"
    r"|\b(?:mv|cp|ln|rsync|install)\b"
    r"|\bsed\b.*\s-\w*i|--delete\b|\btee\b|\b(?:drop|delete\s+from|prune)\b"
    r"|\bgit\s+(?:branch\b.*\s-\w*d|stash|rebase|switch|apply)\b|\b(?:unzip|patch|crontab)\b"
    r"|\btar\b.*(?:\s-?\w*x|--extract)|-fprint\w*\b|-fls\b|\bsort\b.*\s-\w*o|\s--output\b",
    "acts as another user": r"\b(?:sudo|su|doas|pkexec|runuser)\b",
    "runs what it fetches or is given": r"\|\s*(?:\S*/)?(?:env\s+)?(?:ba|z|da|k|fi)?sh\b|\beval\b"
    r"|\bsource\b|-exec\w*\b|\bxargs\b|\|\s*(?:python|perl|ruby|node|xargs|php)\w*|`|\$\(|<\(|\b(?:ba|z|da)?sh\s+-c\b"
    r"|\bgit\s+grep\b.*\s-\w*O|--open-files-in-pager|--ext-diff|--textconv|--compress-program|\bbase64\b|\bpython\S*\s+-c\b|\b(?:perl|ruby|node)\b.*\s-\w*[ep]\b|\bphp\s+-r\b|\bawk\b"
    r"|(?:^|[;&|])\s*\.\s",
    "speaks to other machines": r"\b(?:curl|wget|ssh|scp|sftp|ftp|nc|ncat|telnet|rsync)\b",
    "ends processes or the system": r"\b(?:kill|killall|pkill|reboot|shutdown|poweroff|halt)\b",
    "changes who may do what": r"\b(?:chmod|chown|chgrp|setfacl)\b",
}


@dataclass(frozen=True, slots=True)
class Proposal:
    command: str
    risks: tuple[str, ...]
    """Why it must not run unasked; empty if nothing of the kind was seen."""
    touches: tuple[str, ...]
    """Files and folders that are there and that the command names."""
    reply: Reply


async def propose(
    words: str,
    system: str,
    folder: Path,
    answers: Answers,
    clock: Clock,
    preferences: Preferences | None = None,
) -> Proposal:
    """Ask for one command that does what `words` say on `system`, such as `Linux, bash`.

    Raises:
        UserError: no words, or too many.
        EngineError: the answer holds no command, or one of a program that is not there.
    """
    words = check_words(words, "what is wanted", WORDS_CHARS_MAX)
    preferences = preferences or Preferences()
    request = Request(
        id=new_request_id(),
        task="chat",
        model=preferences.model,
        messages=(
            Message("system", f"You write one shell command for {system}. Answer with the command "
                    "alone, on one line."),
            Message("user", "list all files here"),
            Message("assistant", "```sh\nls -a\n```"),
            Message("user", words),
            Message("assistant", "```sh\n"),
        ),
        sampling=Sampling(max_tokens=COMMAND_TOKENS, stop=("\n```",)),
        policy=preferences.policy,
        budget_ms=preferences.budget_ms,
    )  # fmt: skip
    reply = await read(answers, request, clock)
    command = read_command(reply.text)
    program = missing_program(command, folder)
    if program:
        raise EngineError(f"the model proposed {command!r}, and there is no program {program} here",
                          hint="say it in other words, or a larger --model")  # fmt: skip
    return Proposal(command, risks_of(command), touched_by(command, folder), reply)


def read_command(text: str) -> str:
    """The one command of an answer.

    Raises:
        EngineError: there is none, or more than one line of it.
    """
    text = text.partition("\n```")[0].strip()
    text = re.sub(r"^```\w*\n", "", text).strip()
    text = re.sub(r"^\$ ", "", text)
    # A backslash at the end of a line goes on with the same command.
    text = re.sub(r"\\\n\s*", "", text)
    if not text or len(text) > COMMAND_CHARS_MAX or "\n" in text or "\r" in text:
        raise EngineError("the model proposed no single command", hint="say it in other words")
    return text


def missing_program(command: str, folder: Path) -> str:
    """The program that the command starts with, if it is neither there nor known to shells."""
    words = command.split()
    first = next((each for each in words if not re.match(r"\w+=", each)), "")
    if not re.fullmatch(r"[\w./~+-]+", first) or first in SHELL_WORDS:
        return ""
    path = Path(first).expanduser()
    found = (folder / path).exists() if "/" in first else shutil.which(first)
    return "" if found else first


def risks_of(command: str) -> tuple[str, ...]:
    """What makes a command one that a person has to confirm; errs on the side of asking."""
    return tuple(
        what for what, pattern in _RISKS.items() if re.search(pattern, command, re.IGNORECASE)
    )


def not_known_to_look(command: str) -> str:
    """The first program in a command that is not known to change nothing; empty if there is none.

    Errs on the side of asking: a sign of the shell that stands in quotes counts all the same.
    """
    for part in re.split(r"[|&;\n]+", command):
        words = [*part.split(), "", ""]
        if words[0] == "git" and words[1] in GIT_LOOKS:
            continue
        if words[0] not in LOOKS:
            return words[0] or command
    return ""


def touched_by(command: str, folder: Path) -> tuple[str, ...]:
    """What the command names and is there, patterns spelled out; commands within are not run."""
    found: dict[str, None] = {}
    for word in re.findall(r"[^\s'\"|&;<>()]+", command)[1:]:
        if word.startswith("-") or len(word) > 200:
            continue
        path = Path(word).expanduser() if word.startswith("~") else Path(word)
        if any(mark in word for mark in "*?[") and not path.is_absolute() and ".." not in word:
            for each in sorted(folder.glob(word))[:20]:
                found[str(each.relative_to(folder))] = None
        elif (folder / path).exists():
            found[word] = None
    return tuple(found)
