"""Three organisations found a league with files passed by hand."""

import json
import stat
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from hansa.cli.league import league
from hansa.core.errors import ConfigError, IntegrityError
from hansa.league.chain import Chain

TERMS = "--licence Apache-2.0 --price-input 0.10 --price-output 0.30"
SHARES = "--shares maker=3000,compute=6500,commons=500"


class Desk:
    """Runs `hansa league` in a folder; paths are relative to it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.charter = folder / "charter.json"

    def run(self, words: str) -> Result:
        placed = [each.replace("@", f"{self.folder}/") for each in words.split()]
        return CliRunner().invoke(league, placed, catch_exceptions=True)

    def do(self, words: str) -> str:
        result = self.run(words)
        assert result.exit_code == 0, (words, result.exception, result.output)
        return result.stdout

    def fail(self, words: str) -> Exception:
        result = self.run(words)
        assert isinstance(result.exception, Exception), (words, result.output)
        return result.exception

    def init(self, member: str) -> None:
        self.do(
            f"init --dir @{member} --member {member} --name {member} --jurisdiction eu "
            f"--url http://{member}.example/"
        )


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    desk = Desk(tmp_path)
    for member in "abc":
        desk.init(member)
    return desk


@pytest.fixture
def founded(desk: Desk) -> Desk:
    desk.do(
        "join @charter.json --league testing --threshold 2 "
        "--member @a/member.json --member @b/member.json --member @c/member.json"
    )
    desk.do(f"offer @charter.json --model small --maker a {TERMS} {SHARES}")
    desk.do("sign @charter.json --key @a/root.key")
    desk.do("sign @charter.json --key @b/root.key")
    return desk


def test_keys_are_private_and_never_overwritten(desk: Desk) -> None:
    for name in ("root.key", "node.key"):
        assert stat.S_IMODE((desk.folder / "a" / name).stat().st_mode) == 0o600
    member = json.loads((desk.folder / "a" / "member.json").read_text())
    assert member["url"] == "http://a.example"
    secret = (desk.folder / "a" / "root.key").read_text().strip()
    assert secret not in json.dumps(member)
    again = desk.fail("init --dir @a --member a --name a --jurisdiction eu --url http://a.example")
    assert "never overwritten" in str(again)


@pytest.mark.parametrize(
    "words",
    [
        "--member A --jurisdiction eu --url http://a",
        "--member a --jurisdiction Europe --url http://a",
        "--member a --jurisdiction eu --url a.example",
    ],
)
def test_a_member_that_no_charter_would_take_gets_no_keys(words: str, tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    assert isinstance(desk.fail(f"init --dir @x --name x {words}"), ConfigError)
    assert not (tmp_path / "x").exists()


def test_a_league_is_founded_by_hand(founded: Desk) -> None:
    chain = Chain.load(founded.charter)
    assert [member.id for member in chain.current.members] == ["a", "b", "c"]
    assert chain.current.threshold == 2
    said = json.loads(founded.do("verify @charter.json --json"))
    assert said == {"valid": True, "league": "testing", "epoch": 1, "digest": chain.digest}
    assert "epoch 1: valid" in founded.do("verify @charter.json")


def test_what_is_missing_is_named(desk: Desk) -> None:
    desk.do("join @charter.json --league testing --member @a/member.json --member @b/member.json")
    desk.do("sign @charter.json --key @a/root.key")
    error = desk.fail("verify @charter.json")
    assert isinstance(error, IntegrityError)
    assert error.exit_code == 1
    assert "has 1 of 2 needed signatures; missing: b" in error.message
    result = desk.run("verify @charter.json --json")
    assert json.loads(result.stdout)["valid"] is False
    shown = json.loads(desk.do("show @charter.json --json"))
    assert shown["standing"]["may_sign"] == ["b"]


def test_editing_a_draft_drops_its_signatures_and_says_so(desk: Desk) -> None:
    desk.do("join @charter.json --league testing --member @a/member.json --member @b/member.json")
    desk.do("sign @charter.json --key @a/root.key")
    result = desk.run(f"offer @charter.json --model small --maker a {TERMS} {SHARES}")
    assert "signatures were dropped" in result.stderr
    assert "0 of 2 needed" in result.stdout


def test_signing_changes_nothing_but_signatures(founded: Desk) -> None:
    before = json.loads(founded.charter.read_text())["epochs"][0]
    founded.do("sign @charter.json --key @c/root.key")
    founded.do("sign @charter.json --key @c/root.key")
    after = json.loads(founded.charter.read_text())["epochs"][0]
    assert after["payload"] == before["payload"]
    assert len(after["signatures"]) == 3
    Chain.load(founded.charter)


def test_a_change_to_a_signed_charter_is_the_next_epoch(founded: Desk) -> None:
    first = Chain.load(founded.charter)
    founded.init("d")
    founded.do("join @charter.json --member @d/member.json --threshold 3")
    with pytest.raises(IntegrityError, match="epoch 2 has 0 of 2 needed"):
        Chain.load(founded.charter)
    for member in "dba":
        founded.do(f"sign @charter.json --key @{member}/root.key")
    chain = Chain.load(founded.charter)
    assert chain.digests == (first.digest, chain.digest)
    assert (chain.current.epoch, chain.current.threshold) == (2, 3)
    assert chain.current.member("d") is not None


def test_a_member_can_leave_without_its_own_consent(founded: Desk) -> None:
    founded.do("leave @charter.json --member c")
    for member in "ab":
        founded.do(f"sign @charter.json --key @{member}/root.key")
    assert Chain.load(founded.charter).current.member("c") is None
    assert "is no member" in str(founded.fail("leave @charter.json --member c"))
    assert "its maker 'a' is no member" in str(founded.fail("leave @charter.json --member a"))


def test_keys_rotate_with_an_epoch(founded: Desk) -> None:
    (founded.folder / "new").mkdir()
    fresh = json.loads((founded.folder / "a" / "member.json").read_text())
    founded.init("e")
    fresh["node_keys"] = json.loads((founded.folder / "e" / "member.json").read_text())["node_keys"]
    (founded.folder / "new" / "member.json").write_text(json.dumps(fresh))
    founded.do("join @charter.json --member @new/member.json")
    for member in "ab":
        founded.do(f"sign @charter.json --key @{member}/root.key")
    assert len(Chain.load(founded.charter).node_keys("a")) == 2


def test_offers_from_a_file(founded: Desk) -> None:
    offers = founded.folder / "models.toml"
    offers.write_text(
        """
        [[model]]
        model = "large"
        maker = "b"
        licence = "MIT"
        price_input = "2.50"
        price_output = "7.50"
        shares = { maker = 4000, compute = 6000 }
        """
    )
    founded.do("join @charter.json --offer @models.toml")
    shown = json.loads(founded.do("show @charter.json --json"))
    large = next(each for each in shown["charter"]["models"] if each["model"] == "large")
    assert large["price_output_nanousd_per_mtok"] == 7_500_000_000
    for content, words in (
        ("[[model]]\nmodel = 3", "holds no offers"),
        ("[[model]]\nmodel = 'x'\nextra = 1", "holds no offers"),
        ("nonsense", "holds no offers"),
    ):
        offers.write_text(content)
        assert words in str(founded.fail("join @charter.json --offer @models.toml"))
    assert "cannot read the offers" in str(founded.fail("join @charter.json --offer @none.toml"))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("verify @none.json", "cannot read the charter"),
        ("show @a/member.json", "no charter file"),
        ("sign @none.json --key @a/root.key", "cannot read the charter"),
        ("sign @charter.json --key @a/none.key", "cannot read the key file"),
        ("sign @charter.json --key @a/node.key", "root key of no member"),
        ("sign @charter.json --key @a/member.json", "holds no Ed25519 key"),
        ("join @charter.json --league other", "charter of league testing"),
        ("join @charter.json --member @a/root.key", "no member file"),
        ("join @charter.json --member @a/none.json", "cannot read the member file"),
        ("join @charter.json --threshold 4", "threshold of 4 cannot work with 3"),
        ("join @none.json --member @a/member.json", "does not exist"),
        (f"offer @charter.json --model m --maker z {TERMS} {SHARES}", "'z' is no member"),
        (f"offer @charter.json --model m --maker a {TERMS} --shares maker=1", "add up to 1"),
        (f"offer @charter.json --model m --maker a {TERMS} --shares bank=10000", "is no share"),
    ],
)
def test_wrong_use_exits_2_and_changes_nothing(words: str, said: str, founded: Desk) -> None:
    before = founded.charter.read_bytes()
    error = founded.fail(words)
    assert isinstance(error, ConfigError)
    assert error.exit_code == 2
    assert said in str(error)
    assert founded.charter.read_bytes() == before
    assert not (founded.folder / "none.json").exists()


def test_show_for_people(founded: Desk) -> None:
    shown = founded.do("show @charter.json")
    assert "league testing, epoch 1, signed" in shown
    assert "$0.300000000" in shown
    assert "3000/6500/500" in shown
