"""`hansa audit`: who administered a node."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from hansa.cli.output import print_json, say
from hansa.cli.table import print_table

if TYPE_CHECKING:
    from hansa.accounts.audit import AuditLog

_config = click.option("--config", type=click.Path(path_type=Path, dir_okay=False),
                       default=Path("hansa.toml"), show_default=True,
                       help="The node's configuration.")  # fmt: skip
_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group()
def audit() -> None:
    """List and verify who administered a node."""


@audit.command("list")
@click.option("--limit", type=click.IntRange(1, 10_000), default=100, show_default=True,
              help="So many of the newest.")  # fmt: skip
@_config
@_json
def list_(limit: int, config: Path, as_json: bool) -> None:
    """List administrative acts, oldest first."""
    from hansa.accounts.scopes import day_and_time

    entries = _log(config).latest(limit)
    if as_json:
        print_json(entries)
        return
    print_table(
        ["WHEN", "WHO", "ACT", "DETAILS"],
        [
            [day_and_time(each.at_ms), each.actor, each.act, _details(each.details)]
            for each in entries
        ],
    )


@audit.command()
@_config
@_json
def verify(config: Path, as_json: bool) -> None:
    """Follow the log's chain of digests; exit code 1 if a line was changed or taken out, now or
    in a file before this one.

    Keep the head it prints elsewhere: a later log that does not hold it was cut or rewritten.
    """
    verdict = _log(config).verify()
    if as_json:
        print_json({"entries": verdict.entries, "head": verdict.head,
                    "torn_bytes": verdict.torn_bytes, "breaks": verdict.breaks})  # fmt: skip
        raise SystemExit(1 if verdict.breaks else 0)
    print(f"{verdict.entries} acts, head {verdict.head}")
    if verdict.torn_bytes:
        say(
            f"the last line was never finished ({verdict.torn_bytes} bytes): its writer was killed "
            "as it wrote; the next act replaces it"
        )
    for each in verdict.breaks:
        say(each)
    if verdict.breaks:
        raise SystemExit(1)


def _details(details: dict[str, str]) -> str:
    return "; ".join(f"{name} {value}" for name, value in details.items())


def _log(config: Path) -> "AuditLog":
    from hansa.accounts.audit import AuditLog, audit_path
    from hansa.core.clock import SystemClock
    from hansa.core.settings import load_settings

    return AuditLog(audit_path(load_settings(config).state_dir), SystemClock())
