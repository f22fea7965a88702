"""`hansa refactor`: changes that keep what a program does, checked before they are written."""

import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hansa.cli.changing import agreed, open_journal, write
from hansa.cli.output import print_json, say

if TYPE_CHECKING:
    from hansa.editor.journal import Change

TEST_TIMEOUT_S = 1800
TAIL_LINES = 20

_SHARED = (
    click.option("--yes", "-y", is_flag=True, help="Make the change without asking."),
    click.option("--test", is_flag=True, help="Run the project's pytest after; undo if it fails."),
    click.option("--state-dir", type=click.Path(path_type=Path),
                 help="Where Hansa keeps its state."),
    click.option("--json", "as_json", is_flag=True,
                 help="Print JSON; changes nothing without --yes."),
)  # fmt: skip


def _shared(command: Callable[..., None]) -> Callable[..., None]:
    for option in reversed(_SHARED):
        command = option(command)
    return command


@click.group()
def refactor() -> None:
    """Rename, extract or inline; every changed file has to parse before any is written."""


@refactor.command()
@click.argument("old")
@click.argument("new")
@click.option("--in", "within", metavar="FILE", default="", help="Where OLD is defined.")
@click.option("--also", multiple=True, metavar="FILE:LINE",
              help="A doubtful place to rename too, or all.")  # fmt: skip
@click.option("--leave", multiple=True, metavar="FILE:LINE",
              help="A doubtful place to leave, or all.")  # fmt: skip
@click.option("--path", type=click.Path(path_type=Path), default=Path(), show_default=True,
              help="The codebase.")  # fmt: skip
@_shared
def rename(
    old: str, new: str, within: str, also: tuple[str, ...], leave: tuple[str, ...], path: Path,
    yes: bool, test: bool, state_dir: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Rename OLD, a name or Class.method, to NEW in every file that means it.

    Places that have the name and may mean something else are listed, and nothing is renamed until
    --also or --leave says which is which.
    """
    from hansa.cli.index import update_with_progress
    from hansa.core.files import user_state_dir
    from hansa.editor.refactor.rename import decider, rename_symbol
    from hansa.index.index import Index

    with Index.open(path, state_dir or user_state_dir()) as index:
        update_with_progress(index)
        made = rename_symbol(
            index.root, index.graph, old, new, within=within, decide=decider(also, leave)
        )
        root = index.root
    for spot in made.left if not as_json else ():
        say(f"not renamed: {spot.place}  {spot.text.strip()}")
    _make(f"rename {old} to {new}", root, made.as_changes(root), yes, test, state_dir, as_json)


@refactor.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.argument("lines", metavar="A-B")
@click.argument("name")
@_shared
def extract(
    file: Path, lines: str, name: str, yes: bool, test: bool, state_dir: Path | None, as_json: bool
) -> None:
    """Make lines A-B of the Python file FILE a function called NAME."""
    from hansa.editor.document import parse_range
    from hansa.editor.refactor.extract import extract as extracted

    chosen = parse_range(lines)
    _in_file(file, f"extract {name} from {file}:{lines}",
             lambda text: extracted(str(file), text, chosen, name),
             yes, test, state_dir, as_json)  # fmt: skip


@refactor.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.argument("name")
@click.option("--line", type=click.IntRange(1), help="Where NAME is defined, if it is twice.")
@_shared
def inline(
    file: Path, name: str, line: int | None, yes: bool, test: bool, state_dir: Path | None,
    as_json: bool,
) -> None:  # fmt: skip
    """Put the value of the variable or one-line function NAME where it is used in FILE."""
    from hansa.editor.refactor.inline import inline as inlined

    _refuse_if_used_elsewhere(file, name, state_dir)
    _in_file(file, f"inline {name} in {file}",
             lambda text: inlined(str(file), text, name, line),
             yes, test, state_dir, as_json)  # fmt: skip


def _refuse_if_used_elsewhere(file: Path, name: str, state_dir: Path | None) -> None:
    """A function that other files may call cannot be put into this one's calls alone."""
    from hansa.core.errors import Conflict
    from hansa.core.files import user_state_dir
    from hansa.editor.codebase import find_root, relative_name
    from hansa.index.index import Index

    root = find_root(file, Path.cwd(), Path.home())
    if root is None or not file.is_file():
        return
    here = relative_name(file, root)
    with Index.open(root, state_dir or user_state_dir()) as index:
        index.update()
        if not any(each.path == here for each in index.graph.definitions(name)):
            return
        used = sorted({each.path for each in index.graph.references(name)} - {here})
    if used:
        raise Conflict(
            f"{name} is named in {', '.join(used[:5])} too, where it may be the same",
            hint="change those first, or rename it if it is another one",
        )


def _in_file(
    file: Path, what: str, made: Callable[[str], str], yes: bool, test: bool,
    state_dir: Path | None, as_json: bool,
) -> None:  # fmt: skip
    from hansa.core.errors import UserError
    from hansa.editor.codebase import find_root
    from hansa.editor.document import read_source
    from hansa.editor.journal import Change
    from hansa.index.languages import language_of

    if language_of(str(file)) != "python":
        raise UserError(f"{file} is no Python file; only those can be refactored so")
    source = read_source(file)
    mark = "\ufeff" if source.text.startswith("\ufeff") else ""
    new = mark + made(source.lf_text.removeprefix(mark)).replace("\n", source.newline)
    root = find_root(file, Path.cwd(), Path.home()) or file.resolve().parent
    change = Change(file.resolve(), source.text.encode(), new.encode())
    _make(what, root, [change], yes, test, state_dir, as_json)


def _make(
    what: str, root: Path, changes: "Sequence[Change]", yes: bool, test: bool,
    state_dir: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Show, ask, write; and with `test` take it back if the tests fail."""
    from hansa.core.errors import Conflict
    from hansa.editor.apply import unified_diff
    from hansa.editor.codebase import relative_name

    journal = open_journal(state_dir)
    diff = "".join(
        unified_diff(relative_name(each.path, root), (each.old or b"").decode(),
                     (each.new or b"").decode()) for each in changes
    )  # fmt: skip
    if not as_json:
        print(diff, end="")
    applied = yes or (not as_json and agreed(str(root)))
    if applied:
        write(journal, what, root, changes)
    if applied and test:
        failed = _run_tests(root)
        if failed:
            journal.undo(root)
            raise Conflict(f"the tests fail after {what!r}; it was undone:\n{failed}")
        say("the tests pass")
    if as_json:
        files = [str(each.path) for each in changes]
        print_json({"what": what, "files": files, "diff": diff, "applied": applied})


def _run_tests(root: Path) -> str:
    """The end of what pytest said; empty if all passed."""
    from hansa.core.errors import UserError

    marks = ("pytest.ini", "pyproject.toml", "tox.ini", "setup.cfg")
    if not any((root / each).exists() for each in marks) and not (root / "tests").is_dir():
        raise UserError(f"{root} has no tests that pytest would find; the change is made",
                        hint="`hansa undo` takes it back")  # fmt: skip
    say("running the tests")
    try:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-x"], cwd=root, capture_output=True, text=True,
            timeout=TEST_TIMEOUT_S, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return f"they took over {TEST_TIMEOUT_S} s"
    tail = "\n".join((done.stdout + done.stderr).splitlines()[-TAIL_LINES:])
    return "" if done.returncode == 0 else tail or f"pytest ended with {done.returncode}"
