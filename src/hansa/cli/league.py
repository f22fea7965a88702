"""`hansa league`: found, join, sign, verify and show a league's charter."""

from collections.abc import Callable
from pathlib import Path

import click

from hansa.cli.output import print_json, say
from hansa.cli.table import print_table
from hansa.core.clock import SystemClock
from hansa.core.errors import ConfigError, IntegrityError
from hansa.core.money import format_usd
from hansa.core.signing import SigningKey
from hansa.league import drafting
from hansa.league.chain import Chain, day, read_file, write_file
from hansa.league.charter import CharterFile, decode, digest, signers
from hansa.league.standing import sign_last, standing
from hansa.wire.protocol import Charter, Member

DAY_MS = 24 * 3600 * 1000

_FILE = click.Path(path_type=Path, dir_okay=False)
_charter = click.argument("charter", type=_FILE)
_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
_expires = click.option(
    "--expires-days",
    type=click.IntRange(1, 3650),
    default=365,
    show_default=True,
    help="How long the charter holds before it must be signed anew.",
)


@click.group()
def league() -> None:
    """Found, join, sign, verify and show a league's charter.

    A charter is one JSON file that members hand to each other. A change is a draft at its end
    until a threshold of members has signed it; nodes go on with a copy of the file before it.
    """


@league.command()
@click.option("--dir", "folder", type=click.Path(path_type=Path, file_okay=False), required=True)
@click.option("--member", "member_id", required=True, help="Short name, such as harbor.")
@click.option("--name", required=True, help="Full name of the organisation.")
@click.option("--jurisdiction", required=True, help='Where it processes prompts, such as "eu".')
@click.option("--url", required=True, help="Address of its node.")
@click.option("--trains-on-prompts", is_flag=True, help="Say so if it does.")
@_json
def init(
    folder: Path,
    member_id: str,
    name: str,
    jurisdiction: str,
    url: str,
    trains_on_prompts: bool,
    as_json: bool,
) -> None:
    """Make this member's keys and its public member.json.

    root.key signs charters: keep it offline. node.key signs receipts: the node needs it.
    """
    root, node = SigningKey.generate(), SigningKey.generate()
    member = Member(
        id=member_id,
        name=name,
        jurisdiction=jurisdiction,
        url=url.rstrip("/"),
        root_key=root.public,
        node_keys=(node.public,),
        trains_on_prompts=trains_on_prompts,
    )
    drafting.found(member_id, (member,), 1, lifetime_ms=DAY_MS, now_ms=0)
    paths = [folder / each for each in ("root.key", "node.key", "member.json")]
    for path in paths:
        if path.exists():
            raise ConfigError(f"{path} exists already", hint="keys are never overwritten")
    root.save(paths[0])
    node.save(paths[1])
    drafting.write_member(paths[2], member)
    if as_json:
        print_json({"member": member, "files": [str(path) for path in paths]})
    else:
        print(paths[2])
        say(f"keys of {member_id} are in {folder}; take root.key offline, give out member.json")


@league.command()
@_charter
@click.option("--member", "members", type=_FILE, multiple=True, help="A member.json to add.")
@click.option("--offer", "offers", type=_FILE, multiple=True, help="TOML file of models to add.")
@click.option("--league", "name", help="Name of a new league.")
@click.option("--threshold", type=click.IntRange(1), help="Signatures a charter needs.")
@_expires
@_json
def join(
    charter: Path,
    members: tuple[Path, ...],
    offers: tuple[Path, ...],
    name: str | None,
    threshold: int | None,
    expires_days: int,
    as_json: bool,
) -> None:
    """Add members to a draft of CHARTER, which is made if it is missing.

    After a fully signed epoch this drafts the next one. A member that is there already is
    replaced, which is how keys are rotated and addresses changed.
    """
    joining = [drafting.read_member(path) for path in members]
    models = [terms for path in offers for terms in drafting.read_offers(path)]

    def change(draft: Charter) -> Charter:
        for member in joining:
            draft = drafting.with_member(draft, member)
        for terms in models:
            draft = drafting.with_model(draft, terms)
        return drafting.with_threshold(draft, name, threshold)

    if not charter.exists():
        if name is None or not joining:
            raise ConfigError(
                f"{charter} does not exist", hint="a new league needs --league and --member"
            )
        write_file(charter, _found(name, joining, threshold, expires_days))
    _redraft(charter, change, expires_days, as_json=as_json)


@league.command()
@_charter
@click.option("--model", required=True)
@click.option("--maker", required=True, help="Member that makes the model.")
@click.option("--licence", required=True, help="SPDX identifier.")
@click.option("--weights-sha256", default="", help="Digest of the weights; empty if hosted.")
@click.option("--price-input", required=True, help="Dollars per 1,000,000 prompt tokens.")
@click.option("--price-output", required=True, help="Dollars per 1,000,000 generated tokens.")
@click.option("--shares", required=True, help="maker=3000,compute=6500,commons=500")
@_expires
@_json
def offer(charter: Path, expires_days: int, as_json: bool, shares: str, **terms: str) -> None:
    """Add a model and its terms to a draft of CHARTER, or change them."""
    offered = drafting.Offer(shares=drafting.parse_shares(shares), **terms).terms()
    _redraft(
        charter, lambda draft: drafting.with_model(draft, offered), expires_days, as_json=as_json
    )


@league.command()
@_charter
@click.option("--member", "member_id", required=True, help="Who leaves.")
@_expires
@_json
def leave(charter: Path, member_id: str, expires_days: int, as_json: bool) -> None:
    """Take a member out in a draft of CHARTER; those who stay can sign it without it."""
    _redraft(
        charter,
        lambda draft: drafting.without_member(draft, member_id),
        expires_days,
        as_json=as_json,
    )


@league.command("sign")
@_charter
@click.option("--key", "key_file", type=_FILE, required=True, help="Your root.key.")
@_json
def sign_(charter: Path, key_file: Path, as_json: bool) -> None:
    """Sign the last epoch of CHARTER; changes nothing in it but the signatures."""
    file = _read(charter)
    write_file(charter, sign_last(file, SigningKey.load(key_file)))
    _report(charter, as_json=as_json)


@league.command()
@_charter
@_json
def verify(charter: Path, as_json: bool) -> None:
    """Check every epoch of CHARTER offline; exits 1 and says what is missing."""
    try:
        chain = Chain.of(_read(charter).epochs)
        chain.require_current(SystemClock().now_ms())
    except IntegrityError as error:
        if as_json:
            print_json({"valid": False, "problem": error.message, "hint": error.hint})
        raise
    current = chain.current
    if as_json:
        print_json(
            {
                "valid": True,
                "league": current.league,
                "epoch": current.epoch,
                "digest": chain.digest,
            }
        )
    else:
        print(f"league {current.league}, epoch {current.epoch}: valid ({chain.digest[:16]})")


@league.command()
@_charter
@_json
def show(charter: Path, as_json: bool) -> None:
    """Show the last epoch of CHARTER: members, models, prices, who signed."""
    file = _read(charter)
    last, state = file.epochs[-1], standing(file)
    content = decode(last)
    if as_json:
        print_json({"charter": content, "digest": digest(last.body()), "standing": state})
        return
    signed = signers(last, content.members)
    print(f"league {content.league}, epoch {content.epoch}, {state.state}")
    print(f"digest {digest(last.body())}, expires {day(content.expires_at_ms)}\n")
    print_table(
        ["MEMBER", "NAME", "WHERE", "TRAINS", "SIGNED", "URL"],
        [
            [
                each.id,
                each.name,
                each.jurisdiction,
                _yes(each.trains_on_prompts),
                _yes(each.id in signed),
                each.url,
            ]
            for each in content.members
        ],
    )
    print()
    print_table(
        ["MODEL", "MAKER", "LICENCE", "INPUT/MTOK", "OUTPUT/MTOK", "MAKER/COMPUTE/COMMONS"],
        [
            [
                each.model,
                each.maker,
                each.licence,
                format_usd(each.price_input_nanousd_per_mtok),
                format_usd(each.price_output_nanousd_per_mtok),
                f"{each.shares.maker}/{each.shares.compute}/{each.shares.commons}",
            ]
            for each in content.models
        ],
    )


def _found(
    name: str, joining: list[Member], threshold: int | None, expires_days: int
) -> CharterFile:
    needed = len(joining) // 2 + 1 if threshold is None else threshold
    return drafting.found(
        name,
        tuple(joining),
        needed,
        lifetime_ms=expires_days * DAY_MS,
        now_ms=SystemClock().now_ms(),
    )


def _redraft(
    charter: Path, change: Callable[[Charter], Charter], expires_days: int, *, as_json: bool
) -> None:
    changed, dropped = drafting.redraft(
        _read(charter), change, lifetime_ms=expires_days * DAY_MS, now_ms=SystemClock().now_ms()
    )
    write_file(charter, changed)
    if dropped:
        say("the draft changed, so its signatures were dropped; it has to be signed again")
    _report(charter, as_json=as_json)


def _report(charter: Path, *, as_json: bool) -> None:
    state = standing(_read(charter))
    if as_json:
        print_json(state)
    else:
        print(f"{charter}: epoch {state.epoch}, {state.state}")


def _read(path: Path) -> CharterFile:
    file = read_file(path)
    if not file.epochs:
        raise ConfigError(f"{path} holds no epoch", hint="start one with `hansa league join`")
    return file


def _yes(value: bool) -> str:
    return "yes" if value else "no"
