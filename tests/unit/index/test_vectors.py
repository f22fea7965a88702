"""Vectors on disk: kept under what was embedded, filled batch by batch, never mixed."""

import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from hansa.core.errors import UserError
from hansa.index import vectors as module
from hansa.index.embedding import MiniLm, card
from hansa.index.vectors import BATCH, Background, Vectors, digest

DIMENSIONS = 16
WAIT_S = 30.0


class Letters:
    """Counts letters: texts of the same letters are alike."""

    dimensions = DIMENSIONS

    def __init__(self, name: str = "letters") -> None:
        self.name = name
        self.texts: list[str] = []
        self.after_batch = lambda: None

    def embed(self, texts: Sequence[str]) -> Any:
        np = pytest.importorskip("numpy")
        self.texts += texts
        out = np.zeros((len(texts), DIMENSIONS), np.float32)
        for n, text in enumerate(texts):
            for char in text:
                out[n, ord(char) % DIMENSIONS] += 1
        self.after_batch()
        return out / np.linalg.norm(out, axis=1, keepdims=True)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    pytest.importorskip("numpy")
    return tmp_path / "state" / "vectors.db"


def test_the_nearest_is_what_is_most_alike(path: Path) -> None:
    with Vectors(path, Letters()) as vectors:
        vectors.fill(["aaab", "cccd", "aacc"])
        found = vectors.nearest("aaa", 2)
        assert [each for each, _ in found] == [digest("aaab"), digest("aacc")]
        assert found[0][1] == pytest.approx(3 / 10**0.5, abs=0.02)
        assert len(vectors.nearest("aaa", 99)) == 3
        assert vectors.nearest("aaa", 0) == vectors.nearest(" ", 5) == []


def test_nothing_is_near_when_nothing_is_there(path: Path) -> None:
    with Vectors(path, Letters()) as vectors:
        assert vectors.nearest("a", 5) == []


def test_what_did_not_change_keeps_its_vector(path: Path) -> None:
    with Vectors(path, Letters()) as vectors:
        vectors.fill(["aa", "bb"])
    embedder = Letters()
    with Vectors(path, embedder) as vectors:
        filled = vectors.fill(["bb", "cc", "cc"])
        assert (filled.embedded, filled.left, embedder.texts) == (1, 0, ["cc"])
        assert vectors.keep({digest("cc")}) == 2
        assert [each for each, _ in vectors.nearest("aa", 5)] == [digest("cc")]


def test_vectors_of_another_model_are_dropped(path: Path) -> None:
    with Vectors(path, Letters()) as vectors:
        vectors.fill(["aa"])
    with Vectors(path, Letters("others")) as vectors:
        assert len(vectors) == 0


def test_a_damaged_file_is_made_anew(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"no database" * 1000)
    with Vectors(path, Letters()) as vectors:
        assert vectors.fill(["aa"]).embedded == 1


def test_a_stopped_run_is_gone_on_with(path: Path) -> None:
    cards = [f"{'a' * n}b" for n in range(1, 3 * BATCH + 1)]
    embedder, stop = Letters(), threading.Event()
    embedder.after_batch = stop.set
    with Vectors(path, embedder) as vectors:
        assert vectors.fill(cards, stop) == module.Filled(BATCH, 2 * BATCH)
    again = Letters()
    with Vectors(path, again) as vectors:
        assert vectors.fill(cards) == module.Filled(2 * BATCH, 0)
    assert not set(again.texts) & set(embedder.texts)


def test_a_failed_batch_keeps_those_before(path: Path) -> None:
    cards = [f"{'a' * n}b" for n in range(1, 3 * BATCH + 1)]
    embedder = Letters()

    def fail_on_second() -> None:
        if len(embedder.texts) > BATCH:
            raise MemoryError

    embedder.after_batch = fail_on_second
    with Vectors(path, embedder) as vectors:
        with pytest.raises(MemoryError):
            vectors.fill(cards)
        assert len(vectors) == BATCH


def test_the_background_fills_while_others_read(path: Path) -> None:
    cards = [f"{'a' * n}b" for n in range(1, 2 * BATCH + 1)]
    first, go_on = threading.Event(), threading.Event()
    embedder = Letters()

    def pause() -> None:
        first.set()
        assert go_on.wait(WAIT_S)

    embedder.after_batch = pause
    background = Background(lambda: Vectors(path, embedder), lambda: cards)
    with Vectors(path, Letters()) as reader:
        background.start()
        assert first.wait(WAIT_S)
        assert reader.nearest("ab", 5) == []
        go_on.set()
        assert background.wait(WAIT_S)
        assert background.error is None
        assert background.filled == module.Filled(2 * BATCH, 0)
        assert len(reader.nearest("ab", 99)) == 2 * BATCH


def test_the_background_stops_after_its_batch(path: Path) -> None:
    cards = [f"{'a' * n}b" for n in range(1, 2 * BATCH + 1)]
    first, go_on = threading.Event(), threading.Event()
    embedder = Letters()
    embedder.after_batch = lambda: (first.set(), go_on.wait(WAIT_S))
    background = Background(lambda: Vectors(path, embedder), lambda: cards)
    background.start()
    assert first.wait(WAIT_S)
    assert not background.stop(0)
    go_on.set()
    assert background.stop(WAIT_S)
    assert background.filled == module.Filled(BATCH, BATCH)


def test_the_background_tells_what_went_wrong(path: Path) -> None:
    path.parent.write_text("no folder")
    background = Background(lambda: Vectors(path, Letters()), list)
    background.start()
    assert background.wait(WAIT_S)
    assert "cannot write" in str(background.error)


def test_without_the_extra_the_error_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "numpy", None)
    with pytest.raises(UserError, match="numpy") as caught:
        Vectors(tmp_path / "vectors.db", Letters())
    assert "hansa[vectors]" in str(caught.value.hint)
    assert not list(tmp_path.iterdir())


def test_a_file_that_is_no_model_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    model = tmp_path / "model.onnx"
    with pytest.raises(UserError, match="there is no embedding model"):
        MiniLm(model, tmp_path / "tokenizer.json")
    model.write_bytes(b"no model")
    with pytest.raises(UserError, match="no model for onnxruntime"):
        MiniLm(model, tmp_path / "tokenizer.json")


def test_a_card_says_where_the_text_is_and_is_bounded() -> None:
    assert card("net/retry.py", "Retry.wait", "x = 1").startswith("net retry py")
    assert len(card("a.py", "f", "x" * 100_000)) < 5000
