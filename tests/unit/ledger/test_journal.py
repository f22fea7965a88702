"""Receipts of one's own: on disk before they are acknowledged, in the log soon after, each once."""

import asyncio
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from hansa.core.clock import SystemClock
from hansa.core.errors import StorageError
from hansa.core.signing import SigningKey
from hansa.ledger import journal, writer
from hansa.ledger.journal import Journal, Record
from hansa.ledger.receipts import read
from hansa.ledger.store import Ledger
from support.waiting import until

from .conftest import World
from .test_durability import read_until_killed

WRITER = """
import asyncio, sys
from pathlib import Path
from hansa.core.clock import SystemClock
from hansa.core.signing import SigningKey
from hansa.ledger import journal, writer
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
        await ledger.record_own(receipt(number), account="key-1")
        print("acked", number, flush=True)

    for start in range(first, 100_000, 8):
        await asyncio.gather(*(write(number) for number in range(start, start + 8)))

asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
"""


def start(path: Path, first: int) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path), str(first)], stdout=subprocess.PIPE, text=True
    )


async def test_kill_9_again_and_again_loses_nothing_and_doubles_nothing(tmp_path: Path) -> None:
    """The files are small, so that they take turns many times."""
    path, acked = tmp_path / "ledger.db", set[str]()
    for turn in range(4):
        process = start(path, turn * 10_000)
        said = await asyncio.to_thread(read_until_killed, process, 300 + 37 * turn)
        acked |= {f"req-{number}" for verb, number, *_ in said if verb == "acked"}
    assert len(acked) > 1200
    key = SigningKey.from_seed(b"a" * 32)
    ledger = Ledger.open(path, member="a", key=key, clock=SystemClock())
    entries = await ledger.entries()
    kept = [entry.receipt.request for entry in entries]
    assert acked <= set(kept)
    assert len(kept) == len(set(kept)) == ledger.head().size
    [spent] = await ledger.spent("1970-01")
    assert (spent.account, spent.requests) == ("key-1", len(kept))
    assert all(entry.envelope.signatures[0].keyid == key.keyid for entry in entries)
    ledger.close()


def a_record(number: int, size: int = 10) -> Record:
    return Record(b"%d" % number + b"x" * size, "", "")


async def test_frames_come_back_in_order_and_once(tmp_path: Path) -> None:
    taken: list[Record] = []

    def take(records: list[Record], kept: object) -> None:
        taken.extend(records)

    first, left = Journal.open(tmp_path / "j", take)  # type: ignore[arg-type]  a list is a sequence
    assert left == []
    records = [a_record(number) for number in range(50)]
    await asyncio.gather(*(first.commit(each) for each in records))
    first.hand_over()
    assert taken == records
    first.close()
    second, left = Journal.open(tmp_path / "j", take)  # type: ignore[arg-type]  a list is a sequence
    assert left == records
    second.close()


async def test_a_torn_frame_is_left_out(tmp_path: Path) -> None:
    one, _ = Journal.open(tmp_path / "j", lambda _records, _kept: None)
    await one.commit(a_record(1))
    await one.commit(a_record(2))
    one.close()
    file = tmp_path / "j.a"
    data = bytearray(file.read_bytes())
    data[data.index(b"2xxxx")] ^= 1
    file.write_bytes(data)
    _, left = Journal.open(tmp_path / "j", lambda _records, _kept: None)
    assert left == [a_record(1)]


async def test_a_journal_that_is_not_taken_in_fills_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "FILE_BYTES", 4096)
    monkeypatch.setattr(journal, "FULL_WAIT_S", 0.05)
    kept: list[Callable[[], None]] = []
    one, _ = Journal.open(tmp_path / "j", lambda _records, then: kept.append(then))

    async def fill() -> None:
        for number in range(100):
            await one.commit(a_record(number, 200))

    with pytest.raises(StorageError, match="faster than"):
        await fill()
    for then in kept:
        then()
    await one.commit(a_record(101, 200))
    one.close()


async def test_a_slow_disk_is_flushed_beside_the_loop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "SLOW_FLUSH_S", -1.0)
    one, _ = Journal.open(tmp_path / "j", lambda _records, _kept: None)
    await asyncio.gather(*(one.commit(a_record(number)) for number in range(20)))
    await one.commit(a_record(20))
    one.close()
    _, left = Journal.open(tmp_path / "j", lambda _records, _kept: None)
    assert len(left) == 21


async def test_what_waits_for_a_flush_is_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "WAITING_MAX", 3)
    one, _ = Journal.open(tmp_path / "j", lambda _records, _kept: None)
    done = await asyncio.gather(
        *(one.commit(a_record(number)) for number in range(5)), return_exceptions=True
    )
    assert sum(isinstance(each, StorageError) for each in done) == 2
    one.close()


async def test_a_database_that_refuses_for_a_while_loses_nothing(
    world: World, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More changes are held than go into one transaction; each is taken in once."""
    monkeypatch.setattr(writer, "HELD_RETRY_S", 0.01)
    monkeypatch.setattr(writer, "BATCH_MAX", 4)
    tries: list[int] = []

    def full(*_: object) -> None:
        tries.append(1)
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(ledger._writer, "_finish", full)
        for number in range(12):
            await ledger.record_own(read(world.served("a", "a", request=f"req-{number}")[0]))
            assert ledger._journal is not None
            ledger._journal.hand_over()
        await until(lambda: len(tries) > 12)
        assert await ledger.entries() == []
    await until(lambda: ledger.head().size == 12)
    assert len(await ledger.entries()) == 12
