"""Ways to find code, each a function from a question to places, the best first."""

import json
import re
import shutil
import sqlite3
import subprocess
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from hansa.index import needs, ranking
from hansa.index.embedding import MiniLm, card
from hansa.index.fusion import fuse
from hansa.index.index import Hit, Index
from hansa.index.vectors import Vectors, digest
from hansa.index.words import query_words, words
from questions import Code, Question, names_in

Place = tuple[str, int, int]
"""Path, first line, last line."""

Ranker = Callable[[Question], Sequence[Place]]

PLACES_MAX = 50
CANDIDATES = 200
WEIGHTS = (6.0, 3.0, 1.0)
"""The index's: of a match in the name, in the path, in the text."""

VECTOR_WEIGHT = 0.2
"""Beside words; chosen on other packages than those asked about."""
WORDS_WEIGHT = 0.02
"""Of the words beside the definitions of the names in a line."""

AIDER_TIMEOUT_S = 600


class Grep:
    """ripgrep where it is on the path, else its like in Python; matching lines by their chunks."""

    def __init__(self, code: Code) -> None:
        self._code = code
        self._program = shutil.which("rg")
        self.name = "ripgrep" if self._program else "plain grep (no rg here)"

    def by_words(self, question: Question) -> list[Place]:
        """Chunks with most of the query's words, then with most matches."""
        told = question.line or question.query
        found = names_in(told) if question.line else query_words(told)
        return self._ranked(self._matches("|".join(map(re.escape, found)), whole=False))

    def by_definition(self, question: Question) -> list[Place]:
        """What a person asks who sees the line: where is any of its names defined."""
        names = "|".join(map(re.escape, names_in(question.line)))
        return self._ranked(self._matches(rf"(def|class)\s+({names})", whole=True))

    def _ranked(self, matches: Iterator[tuple[str, int, str]]) -> list[Place]:
        told: dict[int, set[str]] = defaultdict(set)
        count: dict[int, int] = defaultdict(int)
        for path, line_no, text in matches:
            part = self._code.at(path, line_no)
            told[part].add(text.lower())
            count[part] += 1
        best = sorted(told, key=lambda part: (-len(told[part]), -count[part], part))
        return [_place(self._code, part) for part in best if part >= 0][:PLACES_MAX]

    def _matches(self, pattern: str, *, whole: bool) -> Iterator[tuple[str, int, str]]:
        if self._program is None:
            yield from self._matches_here(pattern, whole=whole)
            return
        command = [self._program, "--no-config", "--no-heading", "--only-matching", "--line-number"]
        command += ["--sort", "path", "--word-regexp" if whole else "--ignore-case"]
        done = subprocess.run(
            [*command, "--regexp", pattern, "."],
            cwd=self._code.root, capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        for line in done.stdout.splitlines():
            path, line_no, text = line.split(":", 2)
            yield path.removeprefix("./"), int(line_no), text

    def _matches_here(self, pattern: str, *, whole: bool) -> Iterator[tuple[str, int, str]]:
        find = re.compile(rf"\b{pattern}\b" if whole else pattern, 0 if whole else re.IGNORECASE)
        for part in self._code.parts:
            for n, line in enumerate(part.text.split("\n")):
                for match in find.finditer(line):
                    yield part.path, part.start_line + n, match.group()


class Bm25:
    """SQLite's full-text search over the chunks, with or without the parts of identifiers."""

    def __init__(self, code: Code, *, parts: bool) -> None:
        self._code = code
        self._words = words if parts else _whole
        self._database = sqlite3.connect(":memory:")
        self._database.execute(
            "CREATE VIRTUAL TABLE search USING fts5(symbol, path, text, content='', "
            "tokenize=\"porter unicode61 remove_diacritics 2 tokenchars '_'\")"
        )
        self._database.executemany(
            "INSERT INTO search(rowid, symbol, path, text) VALUES (?, ?, ?, ?)",
            [(n, self._words(each.symbol), self._words(each.path), self._words(each.text))
             for n, each in enumerate(code.parts)],
        )  # fmt: skip

    def search(self, question: Question) -> list[Place]:
        return [_place(self._code, part) for part, _ in self._scored(question)][:PLACES_MAX]

    def search_by_name(self, question: Question) -> list[Place]:
        """The same matches, each worth what `index/ranking.py` says."""
        asked = ranking.asked_for(query_words(question.query))
        scored = [
            (
                score
                * ranking.factor(
                    each.symbol, each.path, each.end_line - each.start_line + 1, asked
                ),
                part,
            )
            for part, score in self._scored(question)
            for each in [self._code.parts[part]]
        ]
        best = sorted(scored, key=lambda item: (-item[0], item[1]))
        return [_place(self._code, part) for _, part in best][:PLACES_MAX]

    def _scored(self, question: Question) -> list[tuple[int, float]]:
        asked = dict.fromkeys(query_words(question.query))
        terms = [each for each in asked if each in self._words(question.query).split()]
        match = " OR ".join(f'"{term}"' for term in terms)
        return self._database.execute(
            "SELECT rowid, -bm25(search, ?, ?, ?) AS score FROM search WHERE search MATCH ? "
            "ORDER BY score DESC, rowid LIMIT ?",
            (*WEIGHTS, match, CANDIDATES),
        ).fetchall() if terms else []  # fmt: skip


def of_index(index: Index) -> Ranker:
    """What `hansa search` answers."""
    return lambda question: [_of(hit) for hit in index.search(question.query, PLACES_MAX)]


def of_definitions(index: Index) -> Ranker:
    """What `index/needs.py` makes of the index's definitions."""

    def definitions(name: str) -> list[tuple[Place, str]]:
        return [(_of(hit), hit.snippet.path) for hit in index.definitions(name)]

    def find(question: Question) -> list[Place]:
        *above, line = question.query.split("\n")
        found = needs.rank(needs.wanted(above, line), definitions, question.asked_from)
        return [place for place, _ in found][:PLACES_MAX]

    return find


def of_vectors(code: Code, vectors: Vectors) -> Ranker:
    """Embeds what has no vector yet, then asks the vectors alone."""
    cards = [card(each.path, each.symbol, each.text) for each in code.parts]
    vectors.fill(cards)
    parts = {digest(each): n for n, each in enumerate(cards)}

    def find(question: Question) -> list[Place]:
        told = question.line or question.query
        near = vectors.nearest(told, PLACES_MAX * 2)
        return [_place(code, parts[each]) for each, _ in near if each in parts][:PLACES_MAX]

    return find


def fused(rankers: Sequence[Ranker], weights: Sequence[float]) -> Ranker:
    def find(question: Question) -> list[Place]:
        found = fuse([ranker(question) for ranker in rankers], weights=weights)
        return [place for place, _ in found][:PLACES_MAX]

    return find


def open_vectors(folder: Path, path: Path) -> Vectors:
    """Vectors by the model in `folder`: `model.onnx` and `tokenizer.json`."""
    embedder = MiniLm(folder / "model.onnx", folder / "tokenizer.json", threads=2)
    return Vectors(path, embedder)


def start_aider(python: Path, code: Code, questions: Sequence[Question]) -> subprocess.Popen[str]:
    """Let aider's own repository map answer, in the environment it is installed in."""
    program = Path(__file__).with_name("peers") / "aider_map.py"
    process = subprocess.Popen(
        [str(python), str(program), str(code.root)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    assert process.stdin is not None
    asked = [{"words": each.query, "path": each.asked_from} for each in questions]
    process.stdin.write(json.dumps(asked))
    process.stdin.close()
    process.stdin = None
    return process


def of_aider(process: subprocess.Popen[str], code: Code, questions: Sequence[Question]) -> Ranker:
    """Waits for what `start_aider` started."""
    answers = json.loads(process.communicate(timeout=AIDER_TIMEOUT_S)[0])
    places: dict[Question, list[Place]] = {}
    for question, answer in zip(questions, answers, strict=True):
        parts = dict.fromkeys(code.at(path, line_no) for path, line_no in answer)
        places[question] = [_place(code, part) for part in parts if part >= 0][:PLACES_MAX]
    return lambda question: places[question]


def _whole(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.lower()))


def _place(code: Code, part: int) -> Place:
    each = code.parts[part]
    return each.path, each.start_line, each.end_line


def _of(hit: Hit) -> Place:
    return hit.snippet.path, hit.snippet.start_line, hit.snippet.end_line
