"""What an answer cites is checked to exist."""

from hansa.editor.citations import citations
from hansa.wire.requests import Snippet

SHOWN = (Snippet("src/shop.py", 3, 9, "..."), Snippet("docs/guide.md", 1, 4, "..."))
LINES = {"src/shop.py": 40, "docs/guide.md": 12}


def cited(text: str) -> dict[str, str]:
    return {each.said: each.place for each in citations(text, SHOWN, LINES.get)}


def test_numbers_are_places_of_what_was_shown() -> None:
    assert cited("See [1] and [3].") == {"[1]": "src/shop.py:3-9", "[3]": ""}


def test_files_and_lines_must_exist() -> None:
    text = "In src/shop.py:12-14 and shop.py:7; not src/shop.py:99 or lib/none.py:3."
    assert cited(text) == {
        "src/shop.py:12-14": "src/shop.py:12-14",
        "shop.py:7": "src/shop.py:7-7",
        "src/shop.py:99": "",
        "lib/none.py:3": "",
    }


def test_words_with_dots_are_no_places() -> None:
    assert cited("os.path and e.g. version 1.2 are fine; docs/guide.md is a file.") == {
        "docs/guide.md": "docs/guide.md:1-12"
    }
