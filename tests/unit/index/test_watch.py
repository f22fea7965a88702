"""Files saved, moved and removed are in the index soon after."""

import shutil
import threading
from collections.abc import Iterator

import pytest

from hansa.index.index import Index
from hansa.index.watch import follow
from support.waiting import until


class Follower(threading.Thread):
    """A watch in a thread of its own, as `hansa index --watch` is."""

    def __init__(self, repo, state) -> None:
        super().__init__()
        self.stop = threading.Event()
        self.seen: list[list[str]] = []
        self._repo, self._state = repo, state

    def run(self) -> None:
        with Index.open(self._repo, self._state) as index:
            for paths, _ in follow(index, self.stop):
                self.seen.append(paths)


@pytest.fixture
def follower(lay, repo, state) -> Iterator[Follower]:
    lay({"a.py": "def first(): pass\n", "b/c.py": "def below(): pass\n"})
    thread = Follower(repo, state)
    thread.start()
    yield thread
    thread.stop.set()
    thread.join(10)
    assert not thread.is_alive()


async def test_what_is_saved_is_found(follower, repo, open_index) -> None:
    await until(lambda: follower.seen == [[]])
    index = open_index()
    assert index.search("first", 1)
    (repo / "a.py").write_text("def second(): pass\n")
    await until(lambda: bool(index.search("second", 1)))
    assert not index.search("first", 1)
    (repo / "new").mkdir()
    (repo / "new/d.py").write_text("def third(): pass\n")
    await until(lambda: bool(index.search("third", 1)))
    (repo / "b").rename(repo / "z")
    await until(lambda: [e.path for e in index.graph.definitions("below")] == ["z/c.py"])
    shutil.rmtree(repo / "z")
    await until(lambda: not index.graph.definitions("below"))


async def test_what_is_left_out_is_not_reported(follower, repo, open_index) -> None:
    await until(lambda: follower.seen == [[]])
    for name in ("node_modules", ".git"):
        (repo / name).mkdir()
        (repo / name / "x.py").write_text("def hidden(): pass\n")
    (repo / ".env").write_text("TOKEN=x\n")
    (repo / "last.py").write_text("def last(): pass\n")
    index = open_index()
    await until(lambda: bool(index.search("last", 1)))
    assert not index.search("hidden", 1)
    told = [path for paths in follower.seen for path in paths]
    assert not [path for path in told if path.startswith(("node_modules", ".git/"))]
