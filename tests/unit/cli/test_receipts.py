"""`hansa receipts` and `hansa settle` over two members' real ledgers."""

import asyncio
import contextlib
import json
import sys
import types
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner, Result

from hansa.cli.receipts import receipts
from hansa.cli.settle import settle
from hansa.core.clock import SystemClock
from hansa.core.digests import canonical_json, sha256_hex
from hansa.core.errors import ConfigError, PeerUnavailable, UserError
from hansa.core.signing import SigningKey
from hansa.league.chain import Chain
from hansa.league.charter import draft, sign
from hansa.ledger.receipts import countersign, price, seal
from hansa.ledger.reconcile import export_for
from hansa.ledger.store import Ledger
from hansa.wire.protocol import GRANT_TYPE, Charter, Grant, Member, ModelTerms, Receipt, Shares
from hansa.wire.requests import Policy

NOW_MS = 1_795_564_800_000  # 2026-11-25
KEYS = {name: SigningKey.from_seed(name.encode() * 32) for name in "ab"}
ROOTS = {name: SigningKey.from_seed(name.upper().encode() * 32) for name in "ab"}
TERMS = ModelTerms("small", "b", "MIT", "", 10**8, 3 * 10**8, Shares(3000, 6500, 500))


def make_chain() -> Chain:
    members = tuple(
        Member(each, each, "eu", f"http://{each}", ROOTS[each].public, (KEYS[each].public,))
        for each in "ab"
    )
    charter = Charter("testing", 1, "", 2, 0, NOW_MS * 2, members, (TERMS,))
    return Chain.of([sign(sign(draft(charter), ROOTS["a"]), ROOTS["b"])])


@dataclass
class Books:
    ledger: Ledger
    chain: Chain
    member: str
    key: SigningKey


@dataclass
class Office:
    """Both members' ledgers, and the assembly that would open them."""

    folder: Path
    chain: Chain
    exports: dict[str, object]

    def open(self, member: str, *, read_only: bool = False) -> Ledger:
        return Ledger.open(
            self.folder / f"{member}.db",
            member=member,
            key=KEYS[member],
            clock=SystemClock(),
            read_only=read_only,
        )

    @contextlib.contextmanager
    def open_books(self, config: Path) -> Generator[Books]:
        ledger = self.open(config.stem, read_only=True)
        with contextlib.closing(ledger):
            yield Books(ledger, self.chain, config.stem, KEYS[config.stem])

    def fetch_exports(self, config: Path) -> dict[str, object]:
        return self.exports

    def serve(self, request: str, *, origin_knows: bool = True, inflate: int = 0) -> None:
        """a serves b."""
        asyncio.run(self._serve(request, origin_knows, inflate))

    async def _serve(self, request: str, origin_knows: bool, inflate: int) -> None:
        grant = Grant(
            issuer="b",
            audience="a",
            charter=self.chain.digest,
            request=request,
            request_sha256="3" * 64,
            model="small",
            task="complete",
            policy=Policy(),
            max_prompt_tokens=4096,
            max_tokens=24,
            issued_at_ms=NOW_MS,
            expires_at_ms=NOW_MS + 1,
            nonce=request,
            salt="s",
        )
        sealed = KEYS["b"].seal(GRANT_TYPE, canonical_json(grant))
        receipt = self._receipt(request, sha256_hex(sealed.body()))
        honest = seal(KEYS["a"], receipt)
        inflated = msgspec.structs.replace(receipt, amount_nanousd=receipt.amount_nanousd + inflate)
        with contextlib.closing(self.open("a")) as ledger:
            await ledger.record_served(seal(KEYS["a"], inflated), sealed)
            if origin_knows and not inflate:
                await ledger.record_countersigned([countersign(KEYS["b"], honest)])
        if origin_knows:
            with contextlib.closing(self.open("b")) as ledger:
                await ledger.record_received(countersign(KEYS["b"], honest))

    def _receipt(self, request: str, grant_sha256: str) -> Receipt:
        return Receipt(
            request=request,
            grant_sha256=grant_sha256,
            charter=self.chain.digest,
            server="a",
            origin="b",
            model="small",
            replica="r",
            task="complete",
            prompt_tokens=580,
            cached_tokens=0,
            completion_tokens=24,
            finish="stop",
            prompt_digest="1" * 64,
            completion_digest="2" * 64,
            started_at_ms=NOW_MS,
            duration_ms=183,
            amount_nanousd=price(TERMS, 580, 24),
        )

    def export(self, member: str, counterparty: str) -> object:
        with contextlib.closing(self.open(member, read_only=True)) as ledger:
            return asyncio.run(export_for(ledger, counterparty))


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Office:
    office = Office(tmp_path, make_chain(), {})
    books = types.ModuleType("hansa.books")
    books.open_books = office.open_books
    books.fetch_exports = office.fetch_exports
    monkeypatch.setitem(sys.modules, "hansa.books", books)
    for member in "ab":
        office.open(member).close()
    office.serve("req-1")
    office.serve("req-2")
    return office


def run(*words: str, member: str = "a") -> Result:
    return CliRunner().invoke(receipts, [*words, "--config", f"{member}.toml"])


def test_receipts_are_listed(office: Office) -> None:
    office.serve("req-3", origin_knows=False)
    listed = json.loads(run("list", "--json").stdout)
    assert [each["receipt"]["request"] for each in listed] == ["req-1", "req-2", "req-3"]
    assert [each["countersigned"] for each in listed] == [True, True, False]
    pending = run("list", "--pending").stdout
    assert "req-3" in pending
    assert "req-1" not in pending
    assert "$0.000065200" in pending
    assert json.loads(run("list", "--json", "--period", "2026-10").stdout) == []


def test_sound_books_verify(office: Office) -> None:
    result = run("verify")
    assert result.exit_code == 0, result.output
    assert "2 receipts" in result.stdout
    assert "0 wrong, 0 pending" in result.stdout


def test_a_wrong_price_is_found(office: Office) -> None:
    office.serve("req-3", origin_knows=False, inflate=5)
    result = run("verify")
    assert result.exit_code == 1
    assert "receipt req-3 charges 65205 nano-dollars" in result.stdout
    found = json.loads(run("verify", "--json").stdout)
    assert found["head"]["size"] == 3
    assert [each["request"] for each in found["audit"]["findings"]] == ["req-3"]


def test_books_are_compared_by_file(office: Office) -> None:
    exported = office.folder / "b.json"
    exported.write_text(run("export", "a", member="b").stdout)
    result = run("reconcile", "--theirs", str(exported))
    assert result.exit_code == 0, result.output
    assert "b: books agree; 2 receipts agree" in result.stdout
    office.serve("req-3", origin_knows=False)
    result = run("reconcile", "--theirs", str(exported))
    assert result.exit_code == 1
    assert "only we have: req-3" in result.stdout
    assert run("reconcile", "--theirs", str(exported), "--period", "2026-10").exit_code == 0


def test_books_are_compared_over_the_network(office: Office) -> None:
    office.exports["b"] = office.export("b", "a")
    result = run("reconcile", "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["b"]["ok"] is True
    office.exports["c"] = PeerUnavailable("c does not answer", hint="try later")
    result = run("reconcile")
    assert result.exit_code == 1
    assert "c does not answer" in result.stderr
    assert json.loads(run("reconcile", "--json").stdout)["c"]["error"] == "c does not answer"


def test_an_inflated_amount_is_shown_on_both_sides(office: Office) -> None:
    office.serve("req-3", inflate=7)
    office.exports["a"] = office.export("a", "b")
    result = run("reconcile", member="b")
    assert result.exit_code == 1
    assert "req-3 amount_nanousd: we say 65200, they say 65207" in result.stdout


def test_an_export_for_somebody_else_is_refused(office: Office) -> None:
    office.exports["b"] = office.export("b", "b")
    result = run("reconcile")
    assert result.exit_code == 1
    assert "exported this for b, not for us" in result.stderr
    office.exports.clear()
    office.exports["z"] = office.export("b", "a")
    assert "never a member" in run("reconcile").stderr


@pytest.mark.parametrize("content", [b"", b"{}", b"[", b"\xff"])
def test_files_that_are_no_export(content: bytes, office: Office) -> None:
    path = office.folder / "x.json"
    path.write_bytes(content)
    assert isinstance(run("reconcile", "--theirs", str(path)).exception, ConfigError)
    assert isinstance(run("reconcile", "--theirs", "/none.json").exception, ConfigError)
    assert isinstance(run("export", "z").exception, ConfigError)


def test_a_statement(office: Office) -> None:
    office.serve("req-3", origin_knows=False)
    result = CliRunner().invoke(settle, ["2026-11", "--config", "a.toml"])
    assert result.exit_code == 0, result.output
    assert "total $0.000130400" in result.stdout
    assert "not counted (1)" in result.stdout
    statements = [
        json.loads(
            CliRunner().invoke(settle, ["2026-11-25", "--config", f"{each}.toml", "--json"]).stdout
        )
        for each in "ab"
    ]
    assert statements[0]["lines"] == statements[1]["lines"]
    assert statements[0]["balances"] == statements[1]["balances"]
    assert statements[0]["adds_up"] is True
    wrong = CliRunner().invoke(settle, ["yesterday", "--config", "a.toml"]).exception
    assert isinstance(wrong, UserError)
