"""`hansa tier`: what keys of each tier may use."""

from pathlib import Path

import click

from hansa.cli.output import print_json
from hansa.cli.table import print_table


@click.group()
def tier() -> None:
    """Show what keys of each tier may use."""


@tier.command("list")
@click.option("--config", type=click.Path(path_type=Path, dir_okay=False),
              default=Path("hansa.toml"), show_default=True,
              help="The node's configuration.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_(config: Path, as_json: bool) -> None:
    """List the limits of each tier; they are those of one key, set in hansa.toml."""
    from hansa.accounts.tiers import limits_of
    from hansa.core.settings import load_settings

    limits = limits_of(load_settings(config).tier)
    if as_json:
        print_json([{"tier": name, "requests_per_minute": each.requests_per_minute,
                     "tokens_per_minute": each.tokens_per_minute,
                     "monthly_spend_nanousd": each.monthly_spend_nanousd}
                    for name, each in limits.items()])  # fmt: skip
        return
    head = ["TIER", "REQUESTS/MIN", "TOKENS/MIN", "SPEND/MONTH"]
    print_table(head, [[name, *each.words()] for name, each in limits.items()])
