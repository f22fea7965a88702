"""MMLU: questions with four answers, five shown with their answer first.

The data is not shipped: give the folder that the published archive unpacks to, with `dev/` and
`test/` of CSV files without a head: question, four choices, letter. Source: "Measuring Massive
Multitask Language Understanding" (2021).
"""

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hansa.core.errors import UserError
from hansa.evals.question import Answer, Question, Score

SHOTS = 5
LETTERS = "ABCD"
MAX_TOKENS = 8
_FILES_MAX = 200
_FIELD_CHARS_MAX = 100_000


@dataclass(frozen=True, slots=True)
class _Row:
    question: str
    choices: tuple[str, ...]
    letter: str


class Mmlu:
    """A benchmark over every subject of a folder."""

    name = "mmlu"

    def __init__(self, folder: Path, *, chat: bool = True) -> None:
        """Raises UserError where the folder is not MMLU's."""
        self._letters: dict[str, str] = {}
        questions: list[Question] = []
        tests = sorted((folder / "test").glob("*_test.csv"))[:_FILES_MAX]
        if not tests:
            raise UserError(
                f"{folder} holds no test/*_test.csv",
                hint="name the folder that MMLU's archive unpacks to",
            )
        for path in tests:
            subject = path.name.removesuffix("_test.csv")
            shown = _rows(folder / "dev" / f"{subject}_dev.csv")[:SHOTS]
            for number, row in enumerate(_rows(path)):
                name = f"MMLU/{subject}/{number}"
                self._letters[name] = row.letter
                questions.append(_question(name, _prompt(subject, shown, row), chat=chat))
        self.questions: Sequence[Question] = tuple(questions)

    async def score(self, question: Question, answer: Answer) -> Score:
        letter = chosen(answer.text)
        return Score(text=letter, exact=letter == self._letters[question.task_id])


def chosen(said: str) -> str:
    """The first of A to D that stands alone; empty if there is none."""
    found = re.search(r"(?<![A-Za-z])[ABCD](?![A-Za-z])", said)
    return found[0] if found else ""


def _question(name: str, prompt: str, *, chat: bool) -> Question:
    return Question(
        task_id=name,
        group=name,
        kind="chat" if chat else "complete",
        prompt=prompt,
        max_tokens=MAX_TOKENS,
        stop=("\n",),
    )


def _prompt(subject: str, shown: Sequence[_Row], asked: _Row) -> str:
    topic = subject.replace("_", " ")
    head = f"The following are multiple choice questions (with answers) about {topic}.\n\n"
    examples = "".join(f"{_listed(row)} {row.letter}\n\n" for row in shown)
    return head + examples + _listed(asked)


def _listed(row: _Row) -> str:
    choices = "".join(
        f"{letter}. {choice}\n" for letter, choice in zip(LETTERS, row.choices, strict=True)
    )
    return f"{row.question}\n{choices}Answer:"


def _rows(path: Path) -> list[_Row]:
    rows: list[_Row] = []
    try:
        with path.open(encoding="utf-8", newline="") as file:
            for cells in csv.reader(file):
                if len(cells) != 6 or cells[5] not in tuple(LETTERS):
                    raise UserError(f"{path}, row {len(rows) + 1}: no question of MMLU")
                if sum(map(len, cells)) > _FIELD_CHARS_MAX:
                    raise UserError(f"{path}, row {len(rows) + 1} is too long")
                rows.append(_Row(cells[0], tuple(cells[1:5]), cells[5]))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"cannot read {path}: {error}") from error
    return rows
