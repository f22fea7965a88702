"""`hansa doctor`: what is right, what is not, and what to do."""

import importlib
import json
import os
import socket
from pathlib import Path
from typing import Any

import pytest

from hansa import doctor
from hansa.core.signing import SigningKey
from hansa.models.store import ModelStore
from support.league import Made, MemberSpec, make_league

MACHINE = ["python", "memory", "engine", "state", "disk", "weights", "completions"]
NODE = ["config", "charter", "key", "port", "models", "replicas"]


@pytest.fixture(autouse=True)
def healthy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine on which nothing is wrong, whatever the real one is."""
    monkeypatch.setenv("HANSA_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setattr(doctor, "MEMORY_BYTES_MIN", 1)
    monkeypatch.setattr(doctor, "FREE_BYTES_MIN", 1)
    monkeypatch.setattr(doctor, "_engine", lambda: "xllamacpp 1")
    monkeypatch.setattr(ModelStore, "require", lambda self, card: self.path(card))


@pytest.fixture
def made(tmp_path: Path) -> Made:
    specs = (MemberSpec("acme", replicas=("r1",), engine="llamacpp"),)
    return make_league(tmp_path / "league", specs, threshold=1)["acme"]


async def examined(run: Any, *args: str) -> tuple[int, dict[str, dict[str, Any]]]:
    ran = await run("doctor", "--json", *args)
    return ran.code, {each["check"]: each for each in json.loads(ran.out)}


async def test_a_healthy_machine(run):
    code, findings = await examined(run)
    assert (code, list(findings)) == (0, MACHINE)
    assert all(each["ok"] for each in findings.values())


async def test_a_healthy_node(run, made: Made):
    code, findings = await examined(run, "--config", str(made.config))
    assert list(findings) == MACHINE + NODE
    assert {name: each["said"] for name, each in findings.items() if not each["ok"]} == {}
    assert code == 0


async def test_for_a_person(run, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(doctor, "FREE_BYTES_MIN", 1 << 60)
    ran = await run("doctor")
    assert ran.code == 1
    assert "ok    python: " in ran.out
    assert "FAIL  disk: " in ran.out
    assert "      free " in ran.out


async def test_little_memory(run, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(doctor, "MEMORY_BYTES_MIN", 1 << 60)
    code, findings = await examined(run)
    assert code == 1
    assert not findings["memory"]["ok"]


async def test_which_models_complete_in_time_is_an_estimate(run, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(doctor.speed, "weights_per_second", lambda: 40e9)
    monkeypatch.setattr(doctor, "_memory_free_bytes", lambda: 4 << 30)
    code, findings = await examined(run)
    said = findings["completions"]["said"]
    assert (code, findings["completions"]["ok"]) == (0, True)
    assert said.startswith("estimated from 40.0 GB of weights read a second")
    in_time, _, rest = said.partition("; slower: ")
    assert in_time.endswith("within 200 ms: smollm2-135m-instruct 59 ms, hansa-coder-135m 87 ms")
    assert rest.startswith("qwen2.5-coder-0.5b 315 ms, ")
    assert "more than the free memory: qwen2.5-coder-7b 8," in rest


async def test_a_machine_that_is_too_slow_for_all_is_no_failure(
    run, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(doctor.speed, "weights_per_second", lambda: 1e9)
    code, findings = await examined(run)
    assert code == 0
    assert "within 200 ms: none; slower" in findings["completions"]["said"]


def test_free_memory_is_what_the_system_says():
    assert (
        1 << 20
        < doctor._memory_free_bytes()
        <= os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    )


async def test_an_engine_that_cannot_be_loaded(run, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.undo()

    def refuse(name: str) -> None:
        raise ImportError(f"no {name}")

    monkeypatch.setattr(importlib, "import_module", refuse)
    finding = doctor._run("engine", doctor._engine)
    assert (finding.ok, finding.hint) == (False, "install hansa[embedded]")


async def test_weights_that_are_not_there(run, monkeypatch: pytest.MonkeyPatch, made: Made):
    monkeypatch.undo()
    monkeypatch.setattr(doctor, "_engine", lambda: "xllamacpp 1")
    empty = ("--state-dir", str(made.folder / "empty"))
    config = ("--config", str(made.config))
    monkeypatch.setenv("HANSA_MODEL_DIR", str(made.folder / "none"))
    code, findings = await examined(run, *empty, *config)
    assert code == 1
    assert "hansa model pull" in findings["weights"]["hint"]
    assert str(made.folder / "none") in findings["models"]["said"]


async def test_a_state_folder_that_cannot_be_written(run, tmp_path: Path):
    (tmp_path / "file").write_text("x")
    code, findings = await examined(run, "--state-dir", str(tmp_path / "file" / "state"))
    assert code == 1
    assert not findings["state"]["ok"]
    assert not findings["disk"]["ok"]


async def test_a_wrong_configuration_ends_its_own_checks_only(run, made: Made):
    made.config.write_text("membr = 1\n")
    code, findings = await examined(run, "--config", str(made.config))
    assert (code, list(findings)) == (1, [*MACHINE, "config"])
    assert findings["config"]["hint"] == "did you mean 'member'?"


async def test_a_charter_that_is_not_there(run, made: Made):
    (made.folder / "charter.json").unlink()
    code, findings = await examined(run, "--config", str(made.config))
    assert code == 1
    assert not findings["charter"]["ok"]
    assert not findings["key"]["ok"]
    assert findings["port"]["ok"]


async def test_an_expired_charter(run, tmp_path: Path):
    specs = (MemberSpec("acme"),)
    made = make_league(tmp_path / "old", specs, threshold=1, lifetime_ms=-1)["acme"]
    _, findings = await examined(run, "--config", str(made.config))
    assert not findings["charter"]["ok"]
    assert "expired" in findings["charter"]["said"]


async def test_a_member_the_charter_does_not_name(run, made: Made):
    made.config.write_text(made.config.read_text().replace('"acme"', '"borg"'))
    _, findings = await examined(run, "--config", str(made.config))
    assert "'borg' is no member of league north" in findings["charter"]["said"]


async def test_a_key_others_can_read(run, made: Made):
    (made.folder / "node.key").chmod(0o644)
    _, findings = await examined(run, "--config", str(made.config))
    assert findings["key"]["hint"].startswith("chmod 600")


async def test_a_key_the_charter_does_not_name(run, made: Made):
    path = made.folder / "node.key"
    path.unlink()
    SigningKey.generate().save(path)
    _, findings = await examined(run, "--config", str(made.config))
    assert "the charter does not name the key" in findings["key"]["said"]


async def test_a_port_that_is_taken(run, made: Made):
    listen = made.settings().listen
    with socket.create_server((listen.host, listen.port)):
        code, findings = await examined(run, "--config", str(made.config))
    assert code == 1
    assert "a node is running there already" in findings["port"]["hint"]


async def test_an_engines_key_that_is_not_there(run, made: Made):
    wrong = 'engine = "vllm"\nurl = "http://127.0.0.1:1/v1"\napi_key_file = "nowhere.secret"'
    made.config.write_text(made.config.read_text().replace('engine = "llamacpp"', wrong))
    code, findings = await examined(run, "--config", str(made.config))
    assert (code, findings["replicas"]["ok"]) == (1, False)
    assert "nowhere.secret: No such file or directory" in findings["replicas"]["said"]
    assert "write the engine's key into that file" in findings["replicas"]["hint"]
