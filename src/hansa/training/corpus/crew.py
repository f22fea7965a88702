"""Documents judged by up to two processes, given back in their order."""

import multiprocessing
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Self, TypeVar

from hansa.core.errors import HansaError
from hansa.training.corpus.decontaminate import Evals
from hansa.training.corpus.judge import Document, Judged, judge

T = TypeVar("T")

WORKERS_MAX = 2
ENDS_WITHIN_S = 5.0


class Crew:
    """Use as a context manager; without workers, documents are judged in this process.

    A worker has one batch at a time, and ends when this process does, killed or not: its end of
    the pipe then closes.
    """

    def __init__(self, evals: Evals, workers: int) -> None:
        self._evals = evals
        self._workers = [_Worker(evals) for _ in range(min(workers, WORKERS_MAX))]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        for worker in self._workers:
            worker.stop()

    def judge(
        self, batches: Iterable[tuple[T, Sequence[Document]]]
    ) -> Iterator[tuple[T, list[Judged]]]:
        """Give each batch's judgements with what came with it, in the order of the batches."""
        if not self._workers:
            for mark, documents in batches:
                yield mark, [judge(each, self._evals) for each in documents]
            return
        idle, busy = deque(self._workers), deque[tuple[T, _Worker]]()
        for mark, documents in batches:
            done = None
            if not idle:
                before, worker = busy.popleft()
                done = before, worker.take()
                idle.append(worker)
            worker = idle.popleft()
            worker.give(documents)
            busy.append((mark, worker))
            if done:
                yield done
        while busy:
            mark, worker = busy.popleft()
            yield mark, worker.take()


class _Worker:
    def __init__(self, evals: Evals) -> None:
        spawn = multiprocessing.get_context("spawn")
        self._pipe, theirs = spawn.Pipe()
        self._process = spawn.Process(target=_serve, args=(theirs, evals), daemon=True)
        self._process.start()
        theirs.close()

    def give(self, documents: Sequence[Document]) -> None:
        self._pipe.send(documents)

    def take(self) -> list[Judged]:
        try:
            found: list[Judged] = self._pipe.recv()
        except (EOFError, OSError) as error:
            raise HansaError(
                "a process that judges documents ended", hint="run it again: it goes on"
            ) from error
        return found

    def stop(self) -> None:
        self._pipe.close()
        self._process.join(ENDS_WITHIN_S)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()


def _serve(pipe: "Connection[list[Judged], Sequence[Document]]", evals: Evals) -> None:
    """Judge batches until the other end is gone."""
    while True:
        try:
            documents = pipe.recv()
            pipe.send([judge(each, evals) for each in documents])
        except (EOFError, OSError, KeyboardInterrupt):
            return
