"""Whatever is wrong is said in one message that names it; exit codes as promised."""

import json
import resource
import socket
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from hansa.accounts.keys import KeyRing
from hansa.assembly import build
from hansa.core.clock import SystemClock
from hansa.core.errors import ConfigError
from support.league import Made, MemberSpec, make_league
from support.nodes import hansa, node_process

LINUX = hasattr(resource, "prlimit")


@pytest.fixture
def solo(tmp_path: Path) -> Made:
    return make_league(tmp_path, (MemberSpec("solo", replicas=("r1",)),))["solo"]


def serve(made: Made, **environment: str) -> tuple[int, str]:
    ran = hansa("node", "serve", "--config", made.config, **environment)
    assert "Traceback" not in ran.stderr
    return ran.returncode, ran.stderr


def test_port_in_use(solo: Made) -> None:
    port = int(solo.url.rpartition(":")[2])
    with socket.create_server(("127.0.0.1", port)):
        code, said = serve(solo)
    assert code == 2
    assert f"cannot listen on 127.0.0.1:{port}" in said
    assert "[listen] port" in said


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('lisen = "x"', ["hansa.toml, line 5", "'lisen'", "did you mean 'listen'?"]),
        ("log_level = 3", ["hansa.toml, line 5", "log_level"]),
        ("replica = [", ["is not TOML"]),
    ],
)
def test_wrong_configuration(solo: Made, line: str, said: list[str]) -> None:
    lines = solo.config.read_text().splitlines()
    solo.config.write_text("\n".join([*lines[:4], line, *lines[4:]]))
    code, told = serve(solo)
    assert code == 2
    assert all(each in told for each in said), told


def test_missing_configuration(tmp_path: Path) -> None:
    ran = hansa("node", "serve", "--config", tmp_path / "none.toml")
    assert ran.returncode == 2
    assert "none.toml" in ran.stderr


def test_missing_and_damaged_weights(solo: Made, tmp_path: Path) -> None:
    solo.config.write_text(solo.config.read_text().replace('"mock"', '"llamacpp"'))
    state = str(tmp_path / "models-state")
    code, said = serve(solo, HANSA_STATE_DIR=state)
    assert code == 2
    assert "hansa model pull hansa-coder-135m" in said
    weights = tmp_path / "models-state" / "models" / "hansa-coder-135m.Q8_0.gguf"
    weights.parent.mkdir(parents=True)
    weights.write_bytes(b"GGUF, but not that one")
    code, said = serve(solo, HANSA_STATE_DIR=state)
    assert code == 1
    assert "damaged" in said
    assert "hansa model pull" in said


def test_charter_with_too_few_signatures(tmp_path: Path) -> None:
    specs = (MemberSpec("a", replicas=("r1",)), MemberSpec("b"), MemberSpec("c"))
    made = make_league(tmp_path, specs, threshold=2, signers=1)
    code, said = serve(made["a"])
    assert code == 1
    assert "1 of 2 needed signatures" in said
    assert "b, c" in said
    verified = hansa("league", "verify", made["a"].folder / "charter.json")
    assert verified.returncode == 1


def test_expired_charter(tmp_path: Path) -> None:
    made = make_league(tmp_path, (MemberSpec("a"), MemberSpec("b")), lifetime_ms=-86_400_000)
    code, said = serve(made["a"])
    assert code == 1
    assert "expired on" in said


def test_a_key_the_charter_does_not_name(solo: Made) -> None:
    other = make_league(solo.folder / "other", (MemberSpec("solo"),))["solo"]
    (solo.folder / "node.key").write_bytes((other.folder / "node.key").read_bytes())
    code, said = serve(solo)
    assert code == 2
    assert "none of solo's node keys" in said


def test_wrong_api_key_and_no_node(solo: Made, tmp_path: Path) -> None:
    file = tmp_path / "app.py"
    file.write_text("x = 1\n")
    ask = ("complete", f"{file}:1:6", "--no-index")
    where = {"HANSA_NODE_URL": solo.url, "HANSA_API_KEY": "wrong", "HANSA_STATE_DIR": str(tmp_path)}
    ran = hansa(*ask, **where)
    assert ran.returncode == 1
    assert f"no node answers at {solo.url}" in ran.stderr
    with node_process(solo) as node:
        node.wait_until("/ready")
        ran = hansa(*ask, **where)
    assert ran.returncode == 2
    assert "not known here" in ran.stderr


def post(url: str, key: str, body: bytes) -> tuple[int, dict[str, object]]:
    request = urllib.request.Request(
        url, body, {"authorization": f"Bearer {key}", "content-type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=20) as reply:
            return reply.status, json.loads(reply.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read())


@pytest.mark.skipif(not LINUX, reason="prlimit is Linux's")
def test_full_disk_refuses_and_loses_nothing(solo: Made) -> None:
    """A limit on file size stands for the full disk: what is written past it is refused."""
    key = KeyRing(solo.folder / "state" / "keys.json", SystemClock()).create("dev")[1]
    body = json.dumps({"model": "auto", "prompt": "x = "}).encode()
    url = f"{solo.url}/v1/completions"
    with node_process(solo) as node:
        node.wait_until("/ready")
        assert post(url, key, body)[0] == 200
        resource.prlimit(node.process.pid, resource.RLIMIT_FSIZE, (0, -1))
        status, said = post(url, key, body)
        assert status == 507
        assert "storage_error" in str(said)
        assert "ledger.journal" in str(said)
        resource.prlimit(node.process.pid, resource.RLIMIT_FSIZE, (-1, -1))
        assert post(url, key, body)[0] == 200
        node.kill()
    with node_process(solo) as node:
        node.wait_until("/ready")
    ran = hansa("receipts", "verify", "--config", solo.config, "--json")
    assert ran.returncode == 0, ran.stdout
    assert json.loads(ran.stdout)["head"]["size"] == 2


def test_a_client_that_sends_too_large_a_body_reads_the_refusal(solo: Made) -> None:
    key = KeyRing(solo.folder / "state" / "keys.json", SystemClock()).create("dev")[1]
    with node_process(solo) as node:
        node.wait_until("/ready")
        body = json.dumps({"model": "auto", "prompt": "x" * (20 * 1024 * 1024)}).encode()
        status, said = post(f"{solo.url}/v1/completions", key, body)
        unknown, _ = post(f"{solo.url}/v1/completions", "nobody", body)
    assert unknown == 401
    assert status == 413
    assert "4194304" in str(said)


def test_positions_and_files(tmp_path: Path) -> None:
    environment = {"HANSA_NODE_URL": "http://127.0.0.1:1", "HANSA_API_KEY": "x"}
    latin = tmp_path / "latin.py"
    latin.write_bytes(b"name = '\xe9'\n")
    short = tmp_path / "short.py"
    short.write_text("x = 1\n")
    long = tmp_path / "long.py"
    with long.open("wb") as file:
        file.truncate(50 * 1024 * 1024)
    for place, said in (
        (f"{latin}:1:1", "UTF-8"),
        (f"{short}:400:1", "400"),
        (f"{short}:1:99", "99"),
        (f"{long}:1:1", "long.py"),
        (f"{tmp_path / 'none.py'}:1:1", "none.py"),
    ):
        ran = hansa("complete", place, **environment)
        assert ran.returncode == 2, ran.stderr
        assert said in ran.stderr
        assert "Traceback" not in ran.stderr


def test_an_empty_repository(tmp_path: Path) -> None:
    ran = hansa("index", tmp_path, HANSA_STATE_DIR=str(tmp_path.parent / "state"))
    assert ran.returncode == 0
    assert "nothing to index" in ran.stdout
    assert list(tmp_path.iterdir()) == []


async def test_a_replica_without_its_engine_installed(
    solo: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    solo.config.write_text(solo.config.read_text().replace('"mock"', '"llamacpp"'))
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(ConfigError, match="not installed") as caught:
        await build(solo.settings())
    assert caught.value.hint == "install hansa[embedded]"
