"""Text as the ids of a BERT vocabulary."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hansa.core.errors import UserError
from hansa.index.wordpiece import WORD_CHARS_MAX, WordPiece

MARKS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
PIECES = [*MARKS, "draw", "##ing", "table", "(", ")", "_", "u", "##ber", "漢", "[", "]", "sep"]
IDS = {piece: n for n, piece in enumerate(PIECES)}


def pieces(text: str, limit: int = 100) -> list[str]:
    return [PIECES[n] for n in WordPiece(IDS).ids(text, limit)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("Drawing_table()", ["draw", "##ing", "_", "table", "(", ")"]),
        ("drawn table", ["[UNK]", "table"]),
        ("über漢 table", ["u", "##ber", "漢", "table"]),
        ("dr\u200baw\n\ttable\x00", ["draw", "table"]),
        ("x" * (WORD_CHARS_MAX + 1), ["[UNK]"]),
        ("[SEP]", ["[", "sep", "]"]),
    ],
)
def test_words_become_the_longest_known_pieces(text: str, expected: list[str]) -> None:
    assert pieces(text) == ["[CLS]", *expected, "[SEP]"]


@given(st.text(), st.integers(2, 20))
def test_the_limit_counts_the_marks(text: str, limit: int) -> None:
    ids = WordPiece(IDS).ids(text, limit)
    assert 2 <= len(ids) <= limit
    assert (ids[0], ids[-1]) == (IDS["[CLS]"], IDS["[SEP]"])


def test_a_file_without_a_vocabulary_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps({"model": {"vocab": IDS}}))
    assert WordPiece.from_file(path).ids("table", 9) == WordPiece(IDS).ids("table", 9)
    for damaged in ("{", "[]", '{"model": {"vocab": {"a": 1}}}', '{"model": {}}'):
        path.write_text(damaged)
        with pytest.raises(UserError, match="no vocabulary"):
            WordPiece.from_file(path)
