"""`hansa receipts`: list, verify, export and reconcile receipts."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from hansa.cli.output import print_error, print_json, say
from hansa.cli.table import print_table
from hansa.core.errors import ConfigError, HansaError
from hansa.core.money import format_usd

if TYPE_CHECKING:
    from hansa.books import Books
    from hansa.ledger.entries import Entry
    from hansa.ledger.reconcile import Export, Reconciliation

UNACCOUNTED_AFTER_MS = 600_000
"""An answer and its receipt take two minutes at most."""

EXPORT_BYTES_MAX = 1024 * 1024 * 1024

_FILE = click.Path(path_type=Path, dir_okay=False)
_config = click.option(
    "--config",
    type=_FILE,
    default=Path("hansa.toml"),
    show_default=True,
    help="The node's configuration.",
)
_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
_period = click.option("--period", default="all", show_default=True, help="2026-11 or 2026-11-25.")


@click.group()
def receipts() -> None:
    """List, verify and reconcile receipts."""


@receipts.command("list")
@_config
@_period
@click.option("--pending", is_flag=True, help="Only those the other side has not signed.")
@_json
def list_(config: Path, period: str, pending: bool, as_json: bool) -> None:
    """List the receipts this member is party to, in the order of its log."""
    from hansa.books import open_books

    with open_books(config) as books:
        entries = _entries(books, period)
    entries = [entry for entry in entries if not (pending and entry.countersigned)]
    if as_json:
        print_json(
            [
                {
                    "index": entry.index,
                    "role": entry.role,
                    "countersigned": entry.countersigned,
                    "refused": entry.refused,
                    "receipt": entry.receipt,
                }
                for entry in entries
            ]
        )
        return
    print_table(
        ["#", "REQUEST", "ROLE", "WITH", "MODEL", "IN", "OUT", "AMOUNT", "SIGNED"],
        [
            [
                entry.index,
                entry.receipt.request,
                entry.role,
                entry.counterparty,
                entry.receipt.model,
                entry.receipt.prompt_tokens,
                entry.receipt.completion_tokens,
                format_usd(entry.receipt.amount_nanousd),
                "both" if entry.countersigned else "refused" if entry.refused else "pending",
            ]
            for entry in entries
        ],
    )


@receipts.command()
@_config
@_json
def verify(config: Path, as_json: bool) -> None:
    """Check the log, and every receipt's price and signatures; exits 1 if one does not hold."""
    from hansa.books import open_books
    from hansa.ledger.audit import audit

    with open_books(config) as books:
        result = audit(_entries(books, "all"), books.chain.at, books.chain.node_keys)
        head = books.ledger.head()
    if as_json:
        print_json({"head": head, "audit": result})
    else:
        for finding in result.findings:
            print(f"#{finding.index} {finding.problem}")
        print(
            f"{result.checked} receipts, log root {head.root[:16]}: "
            f"{len(result.findings)} wrong, {len(result.pending)} pending"
        )
    if result.findings:
        raise SystemExit(1)


@receipts.command()
@click.argument("counterparty")
@_config
@_period
def export(counterparty: str, config: Path, period: str) -> None:
    """Print what COUNTERPARTY may see: the receipts it is party to, with proofs, as JSON."""
    from hansa.books import open_books
    from hansa.ledger.reconcile import export_for
    from hansa.ledger.settlement import period_bounds

    since_ms, until_ms = period_bounds(period)
    with open_books(config) as books:
        if not books.chain.node_keys(counterparty):
            raise ConfigError(f"{counterparty!r} was never a member of this league")
        print_json(
            asyncio.run(
                export_for(books.ledger, counterparty, since_ms=since_ms, until_ms=until_ms)
            )
        )


@receipts.command()
@_config
@click.option("--theirs", type=_FILE, multiple=True, help="A counterparty's export, as a file.")
@_period
@_json
def reconcile(config: Path, theirs: tuple[Path, ...], period: str, as_json: bool) -> None:
    """Compare the books with every other member's; exits 1 if anything differs.

    Asks the other members' nodes, unless their exports are given as files.
    """
    from hansa.books import fetch_exports, open_books

    exports: dict[str, Export | HansaError] = (
        {each.member: each for each in map(_read_export, theirs)}
        if theirs
        else fetch_exports(config)
    )
    results: dict[str, Reconciliation | HansaError] = {}
    with open_books(config) as books:
        for member, export in exports.items():
            results[member] = _compare(books, period, member, export)
    _print_results(results, as_json=as_json)
    if not all(not isinstance(each, HansaError) and each.ok for each in results.values()):
        raise SystemExit(1)


def _compare(
    books: "Books", period: str, member: str, export: "Export | HansaError"
) -> "Reconciliation | HansaError":

    from hansa.ledger.reconcile import reconcile, within
    from hansa.ledger.settlement import period_bounds

    if isinstance(export, HansaError):
        return export
    keys = books.chain.node_keys(member)
    if not keys:
        return ConfigError(f"{member!r} was never a member of this league")
    if export.counterparty != books.member:
        return ConfigError(f"{member} exported this for {export.counterparty}, not for us")
    try:
        theirs = within(export, *period_bounds(period))
        ours = _entries(books, period)
        result = reconcile(ours, theirs, keys, books.ledger.peer_head(member))
        return msgspec.structs.replace(result, unaccounted=_unaccounted(books, member))
    except HansaError as error:
        return error


def _unaccounted(books: "Books", member: str) -> tuple[str, ...]:
    """Requests we granted `member` a while ago and have no receipt of."""
    from hansa.wire.protocol import Grant

    granted = asyncio.run(books.ledger.open_grants(UNACCOUNTED_AFTER_MS))
    opened = (msgspec.json.decode(each.body(), type=Grant) for each in granted)
    return tuple(each.request for each in opened if each.audience == member)


def _print_results(results: "dict[str, Reconciliation | HansaError]", *, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                member: {"error": each.message, "hint": each.hint}
                if isinstance(each, HansaError)
                else {"ok": each.ok, "result": each}
                for member, each in results.items()
            }
        )
        return
    for member, result in results.items():
        if isinstance(result, HansaError):
            say(f"{member}: no comparison")
            print_error(result)
        else:
            _print_result(result)


def _print_result(result: "Reconciliation") -> None:
    verdict = "books agree" if result.ok else "books differ"
    print(f"{result.counterparty}: {verdict}; {result.agree} receipts agree")
    for title, requests in (
        ("only we have", result.only_ours),
        ("only they have", result.only_theirs),
        ("not signed by both", result.missing_countersignature),
        ("not proven to be in their log", result.bad_proof),
    ):
        for request in requests:
            print(f"  {title}: {request}")
    if result.unaccounted:
        print(f"  granted and never accounted for: {len(result.unaccounted)} requests (--json)")
    for difference in result.differ:
        for name, (ours, theirs) in difference.fields.items():
            print(f"  {difference.request} {name}: we say {ours}, they say {theirs}")
    if result.log:
        print(f"  their log: {result.log}")


def _entries(books: "Books", period: str) -> "list[Entry]":
    from hansa.ledger.settlement import period_bounds

    since_ms, until_ms = period_bounds(period)
    return asyncio.run(books.ledger.entries(since_ms=since_ms, until_ms=until_ms))


def _read_export(path: Path) -> "Export":

    from hansa.ledger.reconcile import Export

    try:
        if path.stat().st_size > EXPORT_BYTES_MAX:
            raise ConfigError(f"{path} is larger than any export")
        return msgspec.json.decode(path.read_bytes(), type=Export)
    except OSError as error:
        raise ConfigError(f"cannot read the export {path}: {error.strerror}") from error
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise ConfigError(
            f"{path} is no export: {error}", hint="the other member makes it: `receipts export`"
        ) from error
