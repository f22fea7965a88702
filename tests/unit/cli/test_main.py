"""The command itself: what it loads, what it says, how it ends."""

import importlib
import os
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

from hansa import __version__
from hansa.cli import main as door
from hansa.cli.main import COMMANDS, HELP
from hansa.core.errors import (
    ConfigError,
    EngineUnavailable,
    HansaError,
    IntegrityError,
    PolicyRefusal,
)

HEAVY = (
    "sqlalchemy", "aiohttp", "rich", "tree_sitter", "starlette", "uvicorn", "prometheus_client",
    "jinja2", "cryptography", "asyncio", "xllamacpp", "torch",
)  # fmt: skip


async def test_help_lists_every_command_with_what_it_does(run):
    ran = await run("--help")
    assert (ran.code, ran.err) == (0, "")
    for name, said in HELP.items():
        assert re.search(rf"^  {name} +{re.escape(said[:30])}", ran.out, re.MULTILINE)
    assert list(HELP) == list(COMMANDS)


def test_help_loads_nothing_heavy():
    code = (
        "import sys\n"
        "sys.argv = ['hansa', '--help']\n"
        "from hansa.cli.main import main\n"
        "main()\n"
        "print('LOADED', *sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    loaded = set(done.stdout.partition("LOADED")[2].split())
    assert "click" in loaded
    assert loaded.isdisjoint(HEAVY), loaded & set(HEAVY)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_where_it_is_said_to_be(name: str):
    module, _, attribute = COMMANDS[name].partition(":")
    command = getattr(importlib.import_module(module), attribute)
    assert isinstance(command, click.Command)
    assert command.help


@pytest.mark.parametrize("name", COMMANDS)
async def test_every_command_has_help(run, name: str):
    ran = await run(name, "--help")
    assert ran.code == 0
    assert ran.out.startswith("Usage: ")


async def test_the_version(run):
    assert (await run("--version")).out == f"hansa, version {__version__}\n"


@pytest.mark.parametrize(
    "args",
    [
        ["nonsense"],
        ["--nonsense"],
        ["model", "nonsense"],
        ["search"],
        ["search", "x", "--limit", "0"],
        ["key", "create", "x", "--tier", "gold"],
        ["complete", "nowhere"],
    ],
    ids=" ".join,
)
async def test_wrong_use_is_exit_code_2(run, args: list[str]):
    ran = await run(*args)
    assert ran.code == 2
    assert ran.out == ""
    assert "rror" in ran.err


async def test_an_unknown_command_is_named(run):
    assert "No such command 'nonsense'" in (await run("nonsense")).err


async def test_no_command_shows_the_help(run):
    ran = await run()
    assert ran.code == 2
    assert "Commands:" in ran.err + ran.out


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (ConfigError("bad", hint="mend it"), 2, "error: bad\nhint: mend it\n"),
        (EngineUnavailable("down"), 1, "error: down\n"),
        (IntegrityError("forged"), 1, "error: forged\n"),
        (PolicyRefusal("no", rule="tier"), 1, "error: no [rule: tier]\n"),
        (click.ClickException("wrong"), 2, "Error: wrong\n"),
        (click.Abort(), 130, ""),
        (KeyboardInterrupt(), 130, ""),
        (click.exceptions.Exit(3), 3, ""),
    ],
    ids=lambda value: type(value).__name__,
)
async def test_an_error_becomes_a_message_and_an_exit_code(
    run, monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int, said: str
):
    def broken() -> None:
        raise error

    monkeypatch.setattr(
        door.cli, "get_command", lambda _ctx, name: click.Command(name, callback=broken)
    )
    ran = await run("up")
    assert ran.code == code
    assert ran.err.strip("\n") == said.strip("\n")
    assert "Traceback" not in ran.err


async def test_a_bug_is_not_hidden(run, monkeypatch: pytest.MonkeyPatch):
    def broken() -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(
        door.cli, "get_command", lambda _ctx, name: click.Command(name, callback=broken)
    )
    with pytest.raises(ZeroDivisionError):
        await run("up")


def test_a_reader_that_closes_its_pipe_is_no_traceback():
    hansa = Path(sys.executable).with_name("hansa")
    done = subprocess.run(
        f"{hansa} --help | true", shell=True, capture_output=True, text=True, timeout=60,
        check=False, env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    assert done.stderr == ""


def test_errors_carry_no_colour_where_there_is_no_terminal(capfd: pytest.CaptureFixture[str]):
    from hansa.cli.output import print_error

    print_error(HansaError("it broke"))
    assert capfd.readouterr().err == "error: it broke\n"
