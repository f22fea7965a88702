"""What a person meets is documented: commands, keys, variables, metrics, errors, links."""

import contextlib
import importlib
import pkgutil
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

import hansa
from hansa.cli.main import COMMANDS, HELP
from hansa.core import settings
from hansa.core.errors import HansaError
from hansa.models.catalog import DEFAULT_MODEL, card_of
from support.repository import ROOT, name_of, python_files, tracked_files

DOCS = ROOT / "docs"
CODE = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)
LINK = re.compile(r"(?<!!)\[[^]]*\]\(([^)\s]+)\)")
TABLES = {
    "": settings.Settings,
    "listen": settings.Listen,
    "replica": settings.ReplicaSettings,
    "tier": settings.TierSettings,
    "canary": settings.CanarySettings,
    "observe": settings.Observe,
}


@pytest.fixture(scope="module")
def configuration() -> str:
    return (DOCS / "configuration.md").read_text("utf-8")


def test_the_generated_reference_is_current():
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts/reference.py"), "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_every_verb_says_what_it_does():
    assert HELP.keys() == COMMANDS.keys()
    assert all(HELP.values())


@pytest.mark.parametrize("table", TABLES)
def test_every_key_is_documented_with_its_default(table: str, configuration: str):
    missing = [
        field.name
        for field in msgspec.structs.fields(TABLES[table])
        if not re.search(_row(table, field), configuration)
    ]
    assert missing == []


def test_every_environment_variable_is_documented(configuration: str):
    source = "".join(path.read_text("utf-8") for path in python_files("src"))
    names = set(re.findall(r"\b(?:HANSA|OTEL)_[A-Z_]+[A-Z]\b", source))
    assert set(settings.ENVIRONMENT) < names
    assert {name for name in names if f"| `{name}` |" not in configuration} == set()


def test_the_example_configuration_is_valid(configuration: str, tmp_path: Path):
    example = re.search(r"```toml\n(.*?)```", configuration, re.DOTALL)
    assert example
    (tmp_path / "hansa.toml").write_text(example[1])
    loaded = settings.load_settings(tmp_path / "hansa.toml", {})
    assert loaded.replica


def test_every_error_is_documented():
    page = (DOCS / "reference/errors.md").read_text("utf-8")
    rows = {
        f"| `{each.code}` | {each.status} | {each.exit_code} | {_yes(each.retryable)} |"
        for each in _errors()
    }
    assert len(rows) > 10
    assert {row for row in rows if row not in page} == set()
    documented = set(re.findall(r"^\| `(\w+)` \| \d+ \|", page, re.MULTILINE))
    assert documented == {each.code for each in _errors()}
    assert all(f"| {code} |" in page for code in (0, 1, 2, 130))


def test_every_relative_link_leads_somewhere():
    broken = [
        f"{name_of(path)}: {link}" for path, link in _links() if not _leads_somewhere(path, link)
    ]
    assert broken == []


def test_every_page_is_on_the_map():
    linked = {
        (DOCS / link.partition("#")[0]).resolve()
        for link in LINK.findall((DOCS / "index.md").read_text("utf-8"))
    }
    pages = {path for path in DOCS.rglob("*.md") if path.name != "index.md"}
    assert {name_of(path) for path in pages - linked} == set()


def test_every_make_target_says_what_it_does():
    text = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^\.PHONY: (\S+)$", text, re.MULTILINE))
    described = set(re.findall(r"^([a-z-]+):[^#\n]*## \S", text, re.MULTILINE))
    assert {"demo", "test", "check", "bench"} <= targets == described


def test_the_changelog_knows_this_version():
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert version == hansa.__version__
    assert re.search(rf"^## \[{re.escape(version)}\]", (ROOT / "CHANGELOG.md").read_text(), re.M)


def _row(table: str, field: msgspec.structs.FieldInfo) -> str:
    key = f"{table}.{field.name}" if table else field.name
    if field.name in TABLES:
        return rf"\n## .*`\[+{field.name}\]+`"
    default = "required" if field.required else _toml(field.default)
    return rf"\| `{re.escape(key)}` \| [^|]+ \| {re.escape(default)} \|"


def _toml(value: object) -> str:
    return "none" if value is None else f"`{msgspec.json.encode(value).decode()}`"


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def _errors() -> set[type[HansaError]]:
    for module in pkgutil.walk_packages(hansa.__path__, "hansa."):
        if not module.name.endswith("__main__"):
            with contextlib.suppress(*_absent(module.name)):
                importlib.import_module(module.name)
    return {HansaError, *_below(HansaError)}


def _absent(module: str) -> tuple[type[Exception], ...]:
    """Only training may need what .venv does not have; it defines no errors of its own."""
    return (ModuleNotFoundError,) if module.startswith("hansa.training.") else ()


def _below(kind: type[HansaError]) -> Iterator[type[HansaError]]:
    for each in kind.__subclasses__():
        if each.__module__.startswith("hansa."):
            yield each
            yield from _below(each)


def _links() -> Iterator[tuple[Path, str]]:
    for path in {*tracked_files(), *DOCS.rglob("*.md"), *ROOT.glob("*.md")}:
        if path.suffix == ".md":
            for link in LINK.findall(CODE.sub("", path.read_text("utf-8"))):
                if "://" not in link:
                    yield path, link


def _leads_somewhere(path: Path, link: str) -> bool:
    place, _, anchor = link.partition("#")
    target = (path.parent / place) if place else path
    if not target.exists():
        return False
    return not anchor or anchor in _anchors(target)


def _anchors(path: Path) -> set[str]:
    heads = re.findall(r"^#+ (.+)$", path.read_text("utf-8"), re.MULTILINE)
    plain = (re.sub(r"[^\w\s-]", "", head.lower()) for head in heads)
    return {re.sub(r"\s", "-", head.strip()) for head in plain}


def test_the_tutorials_digest_is_that_of_the_default_model():
    text = (DOCS / "tutorial.md").read_text("utf-8")
    assert f"--model {DEFAULT_MODEL}" in text
    assert f"--weights-sha256 {card_of(DEFAULT_MODEL).weights.sha256}" in text
