"""What of a codebase may help at a cursor, and in which order."""

from dataclasses import dataclass

from hansa.context.budget import Limits
from hansa.context.candidates import Codebase, Document, candidates, similarity
from hansa.context.focus import Focus
from hansa.context.gather import gather
from hansa.wire.requests import Snippet

LINES = """
from shop import basket_total, format_price

def show(basket, currency):
    price = basket_total(basket)
    return format_price(price, currency)

def other(basket):
"""
HERE = Document("app.py", LINES)


@dataclass(frozen=True)
class Hit:
    snippet: Snippet


def snippet(path: str, text: str = "def basket_total(basket): ...") -> Snippet:
    return Snippet(path, 1, 1 + text.count("\n"), text)


def found(codebase: Codebase) -> list[tuple[str, str]]:
    focus = Focus.of(LINES, "")
    return [(each.kind, each.snippet.path) for each in candidates(HERE, focus, codebase)]


def test_a_definition_of_a_name_above_the_cursor_comes_before_what_was_searched() -> None:
    places = {"basket_total": [Hit(snippet("shop.py"))]}
    codebase = Codebase(
        search=lambda query, limit: [Hit(snippet("docs.md"))],
        define=lambda name: places.get(name, []),
    )
    assert found(codebase) == [("definition", "shop.py"), ("found", "docs.md")]


def test_a_name_defined_here_or_everywhere_is_not_looked_up() -> None:
    here = Codebase(define=lambda _: [Hit(snippet("app.py")), Hit(snippet("b.py"))])
    assert found(here) == []
    everywhere = Codebase(define=lambda _: [Hit(snippet(f"{n}.py")) for n in range(9)])
    assert found(everywhere) == []


def test_open_files_and_edits_count_by_what_they_have_in_common() -> None:
    codebase = Codebase(
        open_files=(
            Document(
                "tests.py", "x\n" * 20 + "price = basket_total(basket)\nformat_price(price)\n"
            ),
            Document("unrelated.py", "import numpy\nmatrix = numpy.zeros(3)\n"),
            HERE,
        ),
        edited=(snippet("shop.py"), snippet("none.py", "matrix = numpy.zeros(3)")),
    )
    assert found(codebase) == [("edited", "shop.py"), ("open", "tests.py")] or found(codebase) == [
        ("open", "tests.py"),
        ("edited", "shop.py"),
    ]
    [window] = [
        each for each in candidates(HERE, Focus.of(LINES, ""), codebase) if each.kind == "open"
    ]
    assert window.snippet.start_line == 21


def test_every_piece_says_what_became_of_it() -> None:
    hits = [
        Hit(snippet("a.py")),
        Hit(snippet("app.py")),
        Hit(snippet("b.py")),
        Hit(snippet("a.py")),
    ]
    plan = gather(HERE, len(LINES), Codebase(lambda query, limit: hits), Limits(snippets_max=1))
    told = {each.candidate.snippet.path: each.verdict for each in plan.considered}
    assert told == {
        "a.py": "shown",
        "app.py": "the prompt has these lines already",
        "b.py": "1 are shown already",
    }


def test_similarity() -> None:
    assert similarity(frozenset("ab"), frozenset("bc")) == 1 / 3
    assert similarity(frozenset(), frozenset()) == 0
