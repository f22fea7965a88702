"""What is acknowledged survives `kill -9`; what the disk refuses leaves nothing behind."""

import asyncio
import resource
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from hansa.core.errors import StorageError
from hansa.ledger import writer
from hansa.ledger.writer import disk_error

WRITER = """
import asyncio, sys
from pathlib import Path
from hansa.core.clock import SystemClock
from hansa.core.errors import StorageError
from hansa.core.signing import SigningKey
from hansa.ledger import journal
from hansa.ledger.receipts import seal
from hansa.ledger.store import Ledger
from hansa.wire.protocol import Receipt

journal.FILE_BYTES = 1 << 16

def receipt(number):
    return Receipt(
        request=f"req-{number}", grant_sha256="", charter="c" * 64, server="a", origin="a",
        model="small", replica="r", task="complete", prompt_tokens=1, cached_tokens=0,
        completion_tokens=1, finish="stop", prompt_digest="1" * 64, completion_digest="2" * 64,
        started_at_ms=1, duration_ms=1, amount_nanousd=1,
    )

async def main(path, first):
    key = SigningKey.from_seed(b"a" * 32)
    ledger = Ledger.open(path, member="a", key=key, clock=SystemClock())

    async def write(number):
        try:
            await ledger.record_served(seal(key, receipt(number)), None)
        except StorageError as error:
            print("refused", number, error.message, flush=True)
        else:
            print("acked", number, flush=True)

    for start in range(first, 100_000, 8):
        await asyncio.gather(*(write(number) for number in range(start, start + 8)))

asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
"""


def start_writer(path: Path, file_bytes_max: int | None = None) -> "subprocess.Popen[str]":
    def limit() -> None:
        if file_bytes_max is not None:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes_max, file_bytes_max))

    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path), "0"],
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=limit,
    )


def read_until_killed(process: "subprocess.Popen[str]", lines: int) -> list[list[str]]:
    """Take so many lines, kill -9, then take what had been printed before the kill."""
    assert process.stdout is not None
    with process:
        taken = [process.stdout.readline() for _ in range(lines)]
        process.kill()
        taken += process.stdout.readlines()
    return [line.split(maxsplit=2) for line in taken if line.endswith("\n")]


async def test_every_acknowledged_receipt_survives_kill_9(world, tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    said = await asyncio.to_thread(read_until_killed, start_writer(path), 100)
    acked = {f"req-{number}" for verb, number, *_ in said if verb == "acked"}
    assert len(acked) >= 100
    ledger = world.open(path, "a")
    kept = {entry.receipt.request for entry in await ledger.entries()}
    assert acked <= kept
    assert ledger.head().size == len(kept)
    ledger.close()


async def test_a_full_disk_refuses_and_leaves_the_ledger_whole(world, tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    process = start_writer(path, file_bytes_max=400_000)
    said = await asyncio.to_thread(read_until_killed, process, 800)
    acked = {f"req-{number}" for verb, number, *_ in said if verb == "acked"}
    refused = [rest for verb, *rest in said if verb == "refused"]
    assert acked
    assert len(refused) > 16, "the writer lives on and refuses again"
    assert str(path) in refused[0][1]
    ledger = world.open(path, "a")
    kept = {entry.receipt.request for entry in await ledger.entries()}
    assert acked <= kept
    assert not {f"req-{number}" for number, _ in refused} & kept
    ledger.close()


async def test_a_failed_commit_rolls_the_tree_back(world, ledger, monkeypatch) -> None:
    first, second = world.served("a", "b"), world.served("a", "b")
    await ledger.record_served(*first)
    before = ledger.head()

    def full(*_: object) -> None:
        error = sqlite3.OperationalError("database or disk is full")
        error.sqlite_errorname = "SQLITE_FULL"
        raise OperationalError("COMMIT", {}, error)

    with monkeypatch.context() as patch:
        patch.setattr(ledger._writer, "_finish", full)
        with pytest.raises(StorageError, match="no space left to write") as caught:
            await ledger.record_served(*second)
        assert "free some space" in caught.value.hint
    assert ledger.head() == before
    assert len(await ledger.entries()) == 1
    await ledger.record_served(*second)
    assert ledger.head().size == 2
    assert [entry.index for entry in await ledger.entries()] == [0, 1]


async def test_a_commit_whose_answer_was_lost_is_found_again(world, ledger, monkeypatch) -> None:
    """The disk says no after the data got there: the file, not our memory, is believed."""

    def fail() -> None:
        raise OSError(5, "Input/output error")

    first, second = world.served("a", "b"), world.served("a", "b")
    with monkeypatch.context() as patch:
        patch.setattr(ledger._writer, "_committed", fail)
        with pytest.raises(StorageError, match="Input/output error"):
            await ledger.record_served(*first)
    assert ledger.head().size == 0
    await ledger.record_served(*second)
    assert ledger.head().size == 2
    await ledger.record_served(*first)
    assert ledger.head().size == 2


async def test_what_waits_for_the_disk_is_bounded(world, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(writer, "QUEUE_MAX", 2)
    ledger = world.open(tmp_path / "ledger.db", "a")
    served = [world.served("a", "b") for _ in range(40)]
    results = await asyncio.gather(
        *(ledger.record_served(*each) for each in served), return_exceptions=True
    )
    refused = [each for each in results if each is not None]
    assert all(isinstance(each, StorageError) for each in refused)
    assert ledger.head().size == 40 - len(refused)
    ledger.close()


async def test_a_request_given_up_is_still_written(world, ledger) -> None:
    envelope, grant = world.served("a", "b")
    task = asyncio.create_task(ledger.record_served(envelope, grant))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await ledger.record_served(*world.served("a", "b"))
    assert (await ledger.entries())[0].envelope == envelope


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("SQLITE_FULL", "no space left"),
        ("SQLITE_READONLY_DIRECTORY", "read-only"),
        ("SQLITE_CANTOPEN", "cannot be opened"),
        ("SQLITE_IOERR_WRITE", "disk I/O error"),
    ],
)
def test_the_databases_errors_in_our_words(name: str, words: str) -> None:
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorname = name
    refused = disk_error(OperationalError("x", {}, error), Path("/x/ledger.db"))
    assert isinstance(refused, StorageError)
    assert words in refused.message
    assert "/x/ledger.db" in refused.message
