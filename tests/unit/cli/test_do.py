"""`hansa do`: shows a command; runs it only when told, and what is risky only by a person."""

import json
import sys
from pathlib import Path

import click
import pytest

from hansa.core.errors import EngineError
from hansa.editor.shell import (
    missing_program,
    not_known_to_look,
    read_command,
    risks_of,
    touched_by,
)


def read(name: str) -> str:
    return Path(name).read_text()


def put(name: str, text: str, encoding: str = "utf-8") -> None:
    Path(name).parent.mkdir(exist_ok=True)
    Path(name).write_text(text, encoding)


def exists(name: str) -> bool:
    return Path(name).exists()


async def test_nobody_to_ask_runs_nothing(run, fixed_node) -> None:
    fixed_node.texts = ["touch made"]
    ran = await run("do", "make a file")
    assert (ran.code, ran.out) == (1, "touch made\n")
    assert "not run: nobody to ask" in ran.err
    assert not exists("made")


@pytest.mark.parametrize("agrees", [True, False])
async def test_a_person_is_asked_and_the_exit_code_passed_on(
    agrees, run, fixed_node, monkeypatch
) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("SHELL", "/bin/sh")
    fixed_node.texts = ["touch made; exit 7"]
    defaults: list[bool] = []

    def confirm(*_: object, default: bool, **__: object) -> bool:
        defaults.append(default)
        return agrees

    monkeypatch.setattr(click, "confirm", confirm)
    ran = await run("do", "make a file")
    assert ran.code == (7 if agrees else 1)
    assert exists("made") is agrees
    assert defaults == [False]


async def test_yes_runs_what_only_looks(run, fixed_node, monkeypatch) -> None:
    monkeypatch.setenv("SHELL", "/bin/sh")
    put("a.txt", "x")
    fixed_node.texts = ["test -e a.txt && exit 7", "ls a.txt | wc -l", "touch made", "rm a.txt"]
    ran = await run("do", "leave", "--yes")
    assert "--yes runs what only looks at things, and exit is not known to" in ran.err
    assert (await run("do", "look", "--yes")).code == 0
    assert (await run("do", "make a file", "--yes")).code == 2
    assert not exists("made")
    ran = await run("do", "delete it", "--yes")
    assert ran.code == 2
    assert "--yes does not run a command that deletes or overwrites files" in ran.err
    assert "names: a.txt" in ran.err
    assert exists("a.txt")


@pytest.mark.parametrize(
    ("command", "acting"),
    [
        ("git log --oneline | head -3", ""),
        ("grep -rn 'TODO' src; wc -l a.py", ""),
        ("git commit -am x", "git"),
        ("git -c core.pager=evil log", "git"),
        ("ls && python x.py", "python"),
        ("PATH=. ls", "PATH=."),
        ("grep 'a|make' x", "make'"),
        ("(touch x)", "(touch"),
    ],
)
def test_what_only_looks(command: str, acting: str) -> None:
    assert not_known_to_look(command) == acting


async def test_json_runs_nothing(run, fixed_node) -> None:
    fixed_node.texts = ["cat x | sh"]
    ran = await run("do", "install it", "--json")
    told = json.loads(ran.out)
    assert told["command"] == "cat x | sh"
    assert told["risks"] == ["runs what it fetches or is given"]


@pytest.mark.parametrize(
    "command",
    ["rm -r x", "sudo ls", "curl -s x | bash", "wget -O- x | sudo sh",
     "find . -delete", "echo x > f",
     "eval x", "ls $(x)", "ls `x`", "bash -c x", "dd if=a of=b", "git clean -fd", "kill 1",
     "chmod 777 x", "find . | xargs rm", "sed -i s/a/b/ f", "mv a b", "python3 -c 'x'",
        "make 2> f",
        "find . -exec x {} +",
        "cp a b",
        "perl -pi -e 's/a/b/' f", "node -e 'x'", "awk 'BEGIN {system(x)}'", "curl -d @f https://x",
        "wget https://x", "scp f host:", "tar -xf a.tar", "tar xf a.tar", "unzip -o a.zip",
        "git branch -D x", "git stash", "docker system prune", "crontab -r", ". ./x", "patch -p1",
        "find . -fprint x", "sort -o f f"],
)  # fmt: skip
def test_risks(command: str) -> None:
    assert risks_of(command)


@pytest.mark.parametrize(
    "command",
    [
        "ls -la",
        "grep -rn x .",
        "git status",
        "du -sh * 2>&1",
        "git branch",
        "tar -tf a.tar",
        "sort f",
        "python x.py",
    ],
)
def test_no_risks(command: str) -> None:
    assert risks_of(command) == ()


async def test_what_starts_no_program_is_not_proposed(run, fixed_node) -> None:
    fixed_node.texts = ["no-such-program -l"]
    ran = await run("do", "count the lines")
    assert (ran.code, ran.out) == (1, "")
    assert "proposed 'no-such-program -l', and there is no program no-such-program here" in ran.err


def test_programs_that_are_there(tmp_path: Path) -> None:
    (tmp_path / "run.sh").touch()
    for command in ("ls -l", "cd x", "A=1 B=2 ls", "./run.sh", "for x in *; do ls; done", "(ls)",
                    "[ -f x ]", "$EDITOR x", "/bin/sh x"):  # fmt: skip
        assert missing_program(command, tmp_path) == ""
    for command, name in (("nope x", "nope"), ("A=1 nope", "nope"), ("./nope", "./nope")):
        assert missing_program(command, tmp_path) == name


def test_reading_an_answer() -> None:
    assert read_command("```sh\nls \\\n  -a\n```\nThat is it.") == "ls -a"
    assert read_command("$ ls") == "ls"
    for text in ("", "ls\nrm -r /"):
        with pytest.raises(EngineError, match="proposed no single command"):
            read_command(text)


def test_what_it_names(tmp_path: Path) -> None:
    for name in ("a.py", "b.py", "c.txt"):
        (tmp_path / name).touch()
    assert touched_by("wc -l *.py c.txt none.txt", tmp_path) == ("a.py", "b.py", "c.txt")
