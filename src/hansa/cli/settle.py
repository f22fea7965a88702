"""`hansa settle`: price a period's receipts and share them out."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hansa.cli.output import print_json
from hansa.cli.table import print_table
from hansa.core.money import format_usd

if TYPE_CHECKING:
    from hansa.ledger.settlement import Statement


@click.command()
@click.argument("period")
@click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("hansa.toml"),
    show_default=True,
    help="The node's configuration.",
)
@click.option(
    "--sign",
    "signed_path",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the statement here too, signed with the node's key.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def settle(period: str, config: Path, signed_path: Path | None, as_json: bool) -> None:
    """Draw up the statement of PERIOD: 2026-11, 2026-11-25 or all (UTC).

    It shows what this member is party to, split as each receipt's charter says. Receipts that
    both sides have not signed are listed apart and not counted.
    """
    import msgspec

    from hansa.books import open_books
    from hansa.core.digests import canonical_json
    from hansa.core.files import write_atomic
    from hansa.ledger import settlement
    from hansa.wire.protocol import STATEMENT_TYPE

    since_ms, until_ms = settlement.period_bounds(period)
    with open_books(config) as books:
        entries = asyncio.run(books.ledger.entries(since_ms=since_ms, until_ms=until_ms))
        statement = settlement.settle(
            entries,
            books.chain.at,
            period,
            member=books.member,
            node_keys=books.chain.node_keys,
        )
        if signed_path:
            envelope = books.key.seal(STATEMENT_TYPE, canonical_json(statement))
            write_atomic(signed_path, msgspec.json.encode(envelope) + b"\n")
    if as_json:
        print_json(statement)
    else:
        _print_statement(statement)


def _print_statement(statement: "Statement") -> None:
    print(f"statement of {statement.member} for {statement.period}\n")
    print_table(
        [
            "MODEL",
            "SERVED BY",
            "FOR",
            "RECEIPTS",
            "IN",
            "OUT",
            "AMOUNT",
            "MAKER",
            "COMPUTE",
            "COMMONS",
        ],
        [
            [
                line.model,
                line.server,
                line.origin,
                line.receipts,
                line.prompt_tokens,
                line.completion_tokens,
                format_usd(line.amount_nanousd),
                format_usd(line.maker_nanousd),
                format_usd(line.compute_nanousd),
                format_usd(line.commons_nanousd),
            ]
            for line in statement.lines
        ],
    )
    print()
    _print_balances(statement)
    print(f"\ntotal {format_usd(statement.total_nanousd)}; lines, shares and balances add up to it")
    if statement.pending:
        print(f"\nnot counted ({len(statement.pending)}):")
        for each in statement.pending:
            print(f"  {each.request} {format_usd(each.amount_nanousd)}: {each.reason}")


def _print_balances(statement: "Statement") -> None:
    print_table(
        ["MEMBER", "PAYS", "EARNS", "NET"],
        [
            [
                each.member,
                format_usd(each.pays_nanousd),
                format_usd(each.earns_nanousd),
                format_usd(each.net_nanousd),
            ]
            for each in statement.balances
        ],
    )
