"""Where a machine cannot isolate, that is said; nothing runs."""

import struct
from pathlib import Path

import pytest

from hansa.core.errors import ConfigError
from hansa.evals.sandbox import check_isolation, run
from hansa.evals.seccomp import filter_program

CHECK = "def check(candidate):\n    assert candidate(2) == 3\n"


async def test_without_bubblewrap_nothing_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigError, match="bubblewrap is missing") as raised:
        await run("def f(x): return 3", CHECK, "f")
    assert "apt-get install bubblewrap" in raised.value.hint
    assert "--unsafe" in raised.value.hint


async def test_a_machine_that_allows_no_namespaces_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    bwrap = tmp_path / "bwrap"
    bwrap.write_text("#!/bin/sh\necho 'bwrap: No permissions to create a namespace' >&2\nexit 1\n")
    bwrap.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigError, match="No permissions to create"):
        await check_isolation()


async def test_unsafe_is_asked_for_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    program = "def f(x): return x + 1"
    assert (await run(program, CHECK, "f", unsafe=True)).outcome == "passed"
    assert (await run("def f(x): return x", CHECK, "f", unsafe=True)).outcome == "failed"


def test_an_architecture_without_a_filter_is_refused():
    with pytest.raises(ConfigError, match="no filter of system calls for riscv64"):
        filter_program("riscv64")


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_each_jump_of_the_filter_ends_inside_it(machine: str):
    steps = list(struct.iter_unpack("<HBBI", filter_program(machine)))
    jumps = [at + 1 + jump for at, (_, jump, _, _) in enumerate(steps) if jump]
    assert jumps
    assert all(place < len(steps) for place in jumps)
