"""The league of the demo, founded with the commands its members would use."""

from pathlib import Path

from hansa.demo.stage import Member, Ran, done, run
from hansa.models.catalog import DEFAULT_MODEL, card_of

_REPLICA = """
[[replica]]
id = "{id}"
model = "{model}"
threads = 2
slots = 2
context_tokens = 2048
"""


def members(folder: Path) -> tuple[Member, Member, Member]:
    """A model maker in the EU, a compute owner in the US, an editor company in the EU."""
    return (
        Member("maker", "Model Maker", "eu", folder),
        Member("compute", "Compute Owner", "us", folder),
        Member("editor", "Editor Company", "eu", folder),
    )


def found(folder: Path, maker: Member, compute: Member, editor: Member) -> Ran:
    """Keys, charter, offer, two signatures of three; returns the verification."""
    charter = folder / "charter.json"
    for each in (maker, compute, editor):
        done(
            run("league", "init", "--dir", each.folder, "--member", each.id, "--name", each.name,
                "--jurisdiction", each.jurisdiction, "--url", each.url)
        )  # fmt: skip
    public = [each.folder / "member.json" for each in (maker, compute, editor)]
    joining = [word for path in public for word in ("--member", str(path))]
    done(run("league", "join", charter, "--league", "demo", "--threshold", "2", *joining))
    card = card_of(DEFAULT_MODEL)
    done(
        run("league", "offer", charter, "--model", card.id, "--maker", maker.id,
            "--licence", card.licence, "--weights-sha256", card.weights.sha256,
            "--price-input", "0.10", "--price-output", "0.30",
            "--shares", "maker=3000,compute=6500,commons=500")
    )  # fmt: skip
    for each in (maker, compute):
        done(run("league", "sign", charter, "--key", each.folder / "root.key"))
    return done(run("league", "verify", charter, "--json"))


def configure(member: Member, charter: Path, model_dir: Path, replicas: tuple[str, ...]) -> None:
    """Write the member's own hansa.toml."""
    text = (
        f'member = "{member.id}"\n'
        f'charter = "{charter}"\n'
        'key_file = "node.key"\n'
        'state_dir = "state"\n'
        f'model_dir = "{model_dir}"\n\n'
        f"[listen]\nport = {member.port}\n"
    )
    text += "".join(_REPLICA.format(id=each, model=DEFAULT_MODEL) for each in replicas)
    member.config.write_text(text)


def api_key(member: Member, name: str) -> str:
    """An API key of this member's node."""
    made = done(run("key", "create", name, "--tier", "team", "--config", member.config, "--json"))
    return str(made.json()["key"])
