"""`make bench NAME=retrieval`: whether the right code is found, beside what others find.

Two kinds of questions over packages that are installed here (`questions.py`). A function's own
docstring, removed from the code, asks for the function. A line that calls something, with the ten
lines above it, asks for the chunk that defines it; that name is defined once in the line's package,
in another file. MRR counts the first 50 places; brackets are 95% intervals by bootstrap.

`--embedding FOLDER` adds vectors: `model.onnx` and `tokenizer.json`, and numpy and onnxruntime.
`--aider PYTHON` adds the map of an installed `aider-chat`. It and grep take half a second a
question, so they are asked the first questions only, as their lines say.
"""

import argparse
import random
import subprocess
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, quantiles

import questions
import rankers
from hansa.index.index import Index
from questions import Code, Question
from rankers import Ranker
from report import Claim, option_parser, report

SEED = 20261125
QUESTIONS = 1000
GREP_QUESTIONS = 100
AIDER_QUESTIONS = 100
RESAMPLES = 1000
RECALL_AT = 5


@dataclass(frozen=True, slots=True)
class Result:
    name: str
    reciprocal: list[float]
    """1 / rank of the right place, 0 if it is not among those looked at; one a question."""
    ms_p95: float

    @property
    def mrr(self) -> float:
        return fmean(self.reciprocal)

    @property
    def recall(self) -> float:
        return fmean(self.recalled)

    @property
    def recalled(self) -> list[float]:
        return [float(value >= 1 / RECALL_AT) for value in self.reciprocal]


def main() -> None:
    parser = option_parser(__doc__ or "")
    parser.add_argument("--questions", type=int, default=QUESTIONS, help="of each kind")
    parser.add_argument("--embedding", type=Path, metavar="FOLDER")
    parser.add_argument("--vector-lines", action="store_true",
                        help="ask the vectors about lines too (twice the time)")  # fmt: skip
    parser.add_argument("--aider", type=Path, metavar="PYTHON")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        claims = _docstrings(folder, options, stack) + _definitions(folder, options, stack)
    report(claims, options.json)


def _docstrings(folder: Path, options: argparse.Namespace, stack: ExitStack) -> list[Claim]:
    root = questions.bare_code(folder / "bare")
    code, asked = Code(root), questions.docstring_questions(options.questions, SEED)
    aider = _start_aider(options.aider, code, asked)
    index = stack.enter_context(Index.open(root, folder / "state"))
    index.update()
    grep, parts = rankers.Grep(code), rankers.Bm25(code, parts=True)
    peers = [
        _asked(f"{grep.name}, words", grep.by_words, asked[:GREP_QUESTIONS]),
        _asked("BM25, identifiers whole", rankers.Bm25(code, parts=False).search, asked),
        _asked("BM25, identifiers in parts", parts.search, asked),
    ]
    peers += _finish_aider(aider, code, asked)
    ours = [
        _asked("hansa search", rankers.of_index(index), asked),
        _asked("BM25 by name (ranking.py)", parts.search_by_name, asked),
    ]
    if options.embedding:
        vectors = stack.enter_context(
            rankers.open_vectors(options.embedding, folder / "state" / "vectors.db")
        )
        began_s = time.monotonic()
        near = rankers.of_vectors(code, vectors)
        print(f"{len(vectors)} chunks embedded in {time.monotonic() - began_s:.0f} s")
        both = rankers.fused([parts.search_by_name, near], [1.0, rankers.VECTOR_WEIGHT])
        ours += [_asked("vectors alone", near, asked), _asked("by name, and vectors", both, asked)]
    return _claims("docstring", peers, ours)


def _definitions(folder: Path, options: argparse.Namespace, stack: ExitStack) -> list[Claim]:
    root = questions.plain_code(folder / "plain")
    code, asked = Code(root), questions.definition_questions(options.questions, SEED)
    aider = _start_aider(options.aider, code, asked)
    index = stack.enter_context(Index.open(root, folder / "state"))
    index.update()
    grep, parts = rankers.Grep(code), rankers.Bm25(code, parts=True)
    peers = [
        _asked(f"{grep.name}, names of the line", grep.by_words, asked[:GREP_QUESTIONS]),
        _asked(f"{grep.name}, def|class NAME", grep.by_definition, asked[: 3 * GREP_QUESTIONS]),
        _asked("BM25, identifiers whole", rankers.Bm25(code, parts=False).search, asked),
        _asked("BM25, identifiers in parts", parts.search, asked),
    ]
    peers += _finish_aider(aider, code, asked)
    defined = rankers.of_definitions(index)
    weights = [1.0, rankers.WORDS_WEIGHT]
    ours = [
        _asked("hansa search", rankers.of_index(index), asked),
        _asked("definitions (needs.py)", defined, asked),
        _asked("definitions, and BM25 by name",
               rankers.fused([defined, parts.search_by_name], weights), asked),
    ]  # fmt: skip
    if options.embedding and options.vector_lines:
        vectors = stack.enter_context(
            rankers.open_vectors(options.embedding, folder / "state" / "vectors.db")
        )
        near = rankers.of_vectors(code, vectors)
        ours += [
            _asked("vectors alone", near, asked),
            _asked("definitions, and vectors", rankers.fused([defined, near], weights), asked),
        ]
    return _claims("line", peers, ours)


def _asked(name: str, ranker: Ranker, asked: Sequence[Question]) -> Result:
    reciprocal, took_ms = [], []
    for question in asked:
        began_s = time.perf_counter()
        places = ranker(question)
        took_ms.append((time.perf_counter() - began_s) * 1000)
        ranks = [n for n, (path, start, end) in enumerate(places, start=1)
                 if path == question.path and start <= question.line_no <= end]  # fmt: skip
        reciprocal.append(1 / ranks[0] if ranks else 0.0)
    return Result(name, reciprocal, quantiles(took_ms, n=20)[-1])


def _claims(kind: str, peers: list[Result], ours: list[Result]) -> list[Claim]:
    """The best of ours has to be better than each peer."""
    best = max(ours, key=lambda each: each.mrr)
    to_beat = max(each.mrr for each in peers)
    claims: list[Claim] = []
    for each in peers + ours:
        about = f"{kind}: {each.name} (n={len(each.reciprocal)})"
        bound = to_beat if each is best else None
        low, high = _interval(each.reciprocal)
        claims.append(Claim(f"{about}, MRR [{low:.2f}, {high:.2f}]", each.mrr, "", bound, True))
        low, high = _interval(each.recalled)
        claims.append(
            Claim(f"{about}, recall@{RECALL_AT} [{low:.2f}, {high:.2f}]", each.recall, "")
        )
        if each.ms_p95:
            claims.append(Claim(f"{about}, p95", each.ms_p95, "ms"))
    return claims


def _interval(values: list[float]) -> tuple[float, float]:
    dice = random.Random(SEED)
    means = sorted(fmean(dice.choices(values, k=len(values))) for _ in range(RESAMPLES))
    return means[int(RESAMPLES * 0.025)], means[int(RESAMPLES * 0.975)]


def _start_aider(
    python: Path | None, code: Code, asked: Sequence[Question]
) -> subprocess.Popen[str] | None:
    return rankers.start_aider(python, code, asked[:AIDER_QUESTIONS]) if python else None


def _finish_aider(
    process: subprocess.Popen[str] | None, code: Code, asked: Sequence[Question]
) -> list[Result]:
    if process is None:
        return []
    some = asked[:AIDER_QUESTIONS]
    found = _asked("aider's repo map", rankers.of_aider(process, code, some), some)
    return [Result(found.name, found.reciprocal, 0.0)]


if __name__ == "__main__":
    main()
