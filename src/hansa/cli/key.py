"""`hansa key`: API keys of a node."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from hansa.cli.output import print_json, say
from hansa.cli.table import print_table

if TYPE_CHECKING:
    from hansa.accounts.keys import KeyRing

_config = click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("hansa.toml"),
    show_default=True,
    help="The node's configuration.",
)
_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group()
def key() -> None:
    """Create, list and revoke API keys."""


@key.command()
@click.argument("name")
@click.option("--tier", type=click.Choice(["free", "pro", "team"]), default="free",
              show_default=True)  # fmt: skip
@_config
@_json
def create(name: str, tier: str, config: Path, as_json: bool) -> None:
    """Make a key called NAME; it is shown this once. A running node knows it at once."""
    made, secret = _ring(config).create(name, tier)  # pyright: ignore[reportArgumentType]  Click checked it
    if as_json:
        print_json({"id": made.id, "name": made.name, "tier": made.tier, "key": secret})
        return
    print(secret)
    say(f"{made.id} for {made.name}, tier {made.tier}; keep it, it is not shown again")


@key.command("list")
@_config
@_json
def list_(config: Path, as_json: bool) -> None:
    """List keys; the secrets are not kept."""
    keys = _ring(config).all_keys()
    if as_json:
        print_json([{"id": each.id, "name": each.name, "tier": each.tier,
                     "created_at_ms": each.created_at_ms} for each in keys])  # fmt: skip
        return
    print_table(["ID", "NAME", "TIER"], [[each.id, each.name, each.tier] for each in keys])


@key.command()
@click.argument("key_id")
@_config
def revoke(key_id: str, config: Path) -> None:
    """Revoke the key with the id KEY_ID; a running node refuses it from now on."""
    gone = _ring(config).revoke(key_id)
    say(f"revoked {gone.id} of {gone.name}")


def _ring(config: Path) -> "KeyRing":
    from hansa.accounts.keys import KeyRing, keys_path
    from hansa.core.clock import SystemClock
    from hansa.core.settings import load_settings

    return KeyRing(keys_path(load_settings(config).state_dir), SystemClock())
