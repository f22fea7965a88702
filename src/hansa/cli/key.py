"""`hansa key`: API keys of a node."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from hansa.cli.output import print_json, say
from hansa.cli.table import print_table

if TYPE_CHECKING:
    from hansa.accounts.administration import Administration
    from hansa.wire.admin import KeyView

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
@click.option("--model", "models", multiple=True, help="Only this model; may be repeated.")
@click.option("--task", "tasks", multiple=True,
              type=click.Choice(["complete", "edit", "apply", "chat", "reason", "embed"]),
              help="Only this task; may be repeated.")  # fmt: skip
@click.option("--residency", multiple=True,
              help="Prompts are processed only in this jurisdiction; may be repeated.")  # fmt: skip
@click.option("--expires", default="", help="Refused after this time, like 12h, 30d or 8w.")
@click.option("--admin", is_flag=True, help="It may manage keys and the node over the admin API.")
@_config
@_json
def create(
    name: str, tier: str, models: tuple[str, ...], tasks: tuple[str, ...],
    residency: tuple[str, ...], expires: str, admin: bool, config: Path, as_json: bool,
) -> None:  # fmt: skip
    """Make a key called NAME; it is shown this once. A running node knows it at once."""
    from hansa.accounts.administration import command_line
    from hansa.accounts.scopes import day_and_time, expiry_ms, make_scope
    from hansa.core.clock import SystemClock

    made, secret = _administration(config).create_key(
        command_line(),
        name,
        tier,  # pyright: ignore[reportArgumentType]  Click checked it
        make_scope(models, tasks, residency),
        expires_at_ms=expiry_ms(expires, SystemClock().now_ms()),
        admin=admin,
    )
    for model in _unknown(config, models):
        say(f"the charter has no model {model!r}: until it has, nobody serves it")
    if as_json:
        print_json({"id": made.id, "name": made.name, "tier": made.tier, "key": secret})
        return
    print(secret)
    until = "" if made.expires_at_ms is None else f", until {day_and_time(made.expires_at_ms)}"
    say(f"{made.id} for {made.name}, tier {made.tier}{until}; keep it, it is not shown again")


@key.command("list")
@_config
@_json
def list_(config: Path, as_json: bool) -> None:
    """List keys and what each is held to; the secrets are not kept."""
    from hansa.accounts.administration import key_view
    from hansa.core.clock import SystemClock

    now_ms = SystemClock().now_ms()
    views = [key_view(each, now_ms) for each in _administration(config).ring.all_keys()]
    if as_json:
        print_json(views)
        return
    rows = [[each.id, each.name, each.tier, _scope(each), _expiry(each)] for each in views]
    print_table(["ID", "NAME", "TIER", "SCOPE", "EXPIRES"], rows)


@key.command()
@click.argument("key_id")
@_config
def revoke(key_id: str, config: Path) -> None:
    """Revoke the key with the id KEY_ID; a running node refuses it from now on."""
    from hansa.accounts.administration import command_line

    gone = _administration(config).revoke_key(command_line(), key_id)
    say(f"revoked {gone.id} of {gone.name}")


def _scope(key: "KeyView") -> str:
    held = {"models": key.models, "tasks": key.tasks, "residency": key.residency}
    said = [f"{name}={','.join(entries)}" for name, entries in held.items() if entries]
    return " ".join([*(["admin"] if key.admin else []), *said]) or "-"


def _expiry(key: "KeyView") -> str:
    from hansa.accounts.scopes import day_and_time

    if key.expires_at_ms is None:
        return "-"
    return f"{day_and_time(key.expires_at_ms)}{' (expired)' if key.expired else ''}"


def _unknown(config: Path, models: tuple[str, ...]) -> list[str]:
    """Those that no member offers now."""
    from hansa.core.settings import load_settings
    from hansa.league.chain import Chain

    if not models:
        return []
    charter = Chain.load(load_settings(config).charter).current
    return [each for each in models if charter.terms(each) is None]


def _administration(config: Path) -> "Administration":
    from hansa.accounts.administration import open_administration
    from hansa.core.settings import load_settings

    return open_administration(load_settings(config).state_dir, say)
