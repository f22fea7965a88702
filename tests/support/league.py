"""Leagues for tests: keys, a signed charter and settings, made in a temporary folder."""

import contextlib
import secrets
import socket
from dataclasses import dataclass
from pathlib import Path

from hansa.core.clock import SystemClock
from hansa.core.settings import Settings, load_settings
from hansa.core.signing import SigningKey
from hansa.league.chain import write_file
from hansa.league.charter import CharterFile, draft, sign
from hansa.models.catalog import DEFAULT_MODEL, card_of
from hansa.wire.protocol import Charter, Member, ModelTerms, Shares

DAY_MS = 24 * 3600 * 1000


@dataclass(frozen=True, slots=True)
class MemberSpec:
    """What a test wants a member to be; `replicas` are ids."""

    id: str
    jurisdiction: str = "eu"
    replicas: tuple[str, ...] = ()
    engine: str = "mock"
    trains_on_prompts: bool = False
    tiers: tuple[str, ...] = ("free", "pro", "team")


PORTS = range(20_000, 32_768)
"""Below those that Linux and macOS hand out by themselves."""

THREE = (
    MemberSpec("maker", "eu"),
    MemberSpec("compute", "us", ("r1", "r2")),
    MemberSpec("editor", "eu"),
)
"""Who makes the model, who serves it, whose developer asks."""


@dataclass(frozen=True, slots=True)
class Made:
    """One member's files and address."""

    id: str
    folder: Path
    config: Path
    url: str
    root: SigningKey
    node: SigningKey

    def settings(self) -> Settings:
        return load_settings(self.config, {})


def free_port() -> int:
    """A port that is free now, and that no socket gets later which asks for any."""
    while True:
        port = secrets.choice(PORTS)
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


def make_league(
    folder: Path,
    specs: tuple[MemberSpec, ...],
    *,
    threshold: int = 2,
    signers: int | None = None,
    lifetime_ms: int = 30 * DAY_MS,
) -> dict[str, Made]:
    """Write keys, one charter and a hansa.toml for each member; `signers` of them sign."""
    made = {spec.id: _make_member(folder / spec.id, spec) for spec in specs}
    now_ms = SystemClock().now_ms()
    charter = Charter(
        league="north",
        epoch=1,
        predecessor="",
        threshold=min(threshold, len(specs)),
        issued_at_ms=now_ms - max(0, -lifetime_ms) - 1,
        expires_at_ms=now_ms + lifetime_ms,
        members=tuple(_public(spec, made[spec.id]) for spec in specs),
        models=(terms(specs[0].id),),
    )
    envelope = draft(charter)
    for each in list(made.values())[: len(specs) if signers is None else signers]:
        envelope = sign(envelope, each.root)
    for each in made.values():
        write_file(each.folder / "charter.json", CharterFile((envelope,)))
    return made


def terms(maker: str) -> ModelTerms:
    card = card_of(DEFAULT_MODEL)
    return ModelTerms(
        model=card.id,
        maker=maker,
        licence=card.licence,
        weights_sha256=card.weights.sha256,
        price_input_nanousd_per_mtok=100_000_000,
        price_output_nanousd_per_mtok=300_000_000,
        shares=Shares(maker=3000, compute=6500, commons=500),
    )


def _make_member(folder: Path, spec: MemberSpec) -> Made:
    folder.mkdir(parents=True)
    root, node = SigningKey.generate(), SigningKey.generate()
    root.save(folder / "root.key")
    node.save(folder / "node.key")
    port = free_port()
    lines = [
        f'member = "{spec.id}"',
        'charter = "charter.json"',
        'key_file = "node.key"',
        'state_dir = "state"',
        "[listen]",
        f"port = {port}",
    ]
    for replica in spec.replicas:
        lines += [
            "[[replica]]",
            f'id = "{replica}"',
            f'model = "{DEFAULT_MODEL}"',
            f'engine = "{spec.engine}"',
        ]
    config = folder / "hansa.toml"
    config.write_text("\n".join(lines) + "\n")
    return Made(spec.id, folder, config, f"http://127.0.0.1:{port}", root, node)


def _public(spec: MemberSpec, made: Made) -> Member:
    return Member(
        id=spec.id,
        name=spec.id.title(),
        jurisdiction=spec.jurisdiction,
        url=made.url,
        root_key=made.root.public,
        node_keys=(made.node.public,),
        trains_on_prompts=spec.trains_on_prompts,
        tiers=spec.tiers,
    )
