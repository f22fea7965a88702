"""The checkout as the house tests see it: what is tracked, and how Python files parse."""

import ast
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

_NOT_OURS = {".git", ".venv", "__pycache__", "node_modules", "dist", "build"}


def tracked_files() -> list[Path]:
    """Files that git tracks; in a copy without git, all files that are not built."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode == 0 and listed.stdout:
        paths = [ROOT / name for name in listed.stdout.split("\0") if name]
        return [path for path in paths if path.is_file()]
    found = (path for path in ROOT.rglob("*") if path.is_file())
    return sorted(path for path in found if not _NOT_OURS & set(path.relative_to(ROOT).parts))


def python_files(*folders: str) -> list[Path]:
    """Python files under `folders` of the checkout, tracked or not."""
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"), filename=str(path))
