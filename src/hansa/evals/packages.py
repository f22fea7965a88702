"""Packages that the repository set is made of: pure Python, permissive, not needed to run Hansa.

They are held out: none is installed beside Hansa, so that a corpus made of installed packages lacks
them, and decontamination takes out what copies them.
"""

import shutil
from hashlib import sha256
from pathlib import Path

import msgspec

from hansa.core.errors import IntegrityError
from hansa.core.files import exclusive_lock
from hansa.models.fetching import digest_of
from hansa.models.wheel import fetch_package


class Package(msgspec.Struct, frozen=True):
    name: str
    version: str
    folder: str
    """Its import name."""
    licence: str
    sha256: str
    """Of the names and digests of its Python files."""


HELD_OUT = (
    Package(
        name="alembic",
        version="1.16.5",
        folder="alembic",
        licence="MIT",
        sha256="f4dea26de85aea7a7aed7857a2b60e51e2e431cc4af0e6dcd98693ff806937f1",
    ),
    Package(
        name="celery",
        version="5.5.3",
        folder="celery",
        licence="BSD-3-Clause",
        sha256="bf57c3f4c529454ed64abd55b84658f2e0b7994c9e556d99bd220a458ba78201",
    ),
    Package(
        name="mistune",
        version="3.1.3",
        folder="mistune",
        licence="BSD-3-Clause",
        sha256="0b34639cd24d616e6f92f48c899f33547c0cb1be0cad9f0c1949f75b839cf047",
    ),
    Package(
        name="scrapy",
        version="2.13.3",
        folder="scrapy",
        licence="BSD-3-Clause",
        sha256="f3d384d9a3e79d6483d36f2f0758df14c78ba876e9af2902bc0522f166243bf1",
    ),
    Package(
        name="sqlparse",
        version="0.5.3",
        folder="sqlparse",
        licence="BSD-3-Clause",
        sha256="cd9055489e74548585e11377000a1c93cf16c9fdc71df924d6558019fd982211",
    ),
)


def fetch_packages(state_dir: Path, packages: tuple[Package, ...] = HELD_OUT) -> dict[str, Path]:
    """The folder of each package's sources by name, fetched once.

    Raises:
        FetchFailed: pip or uv could not fetch one.
        IntegrityError: its files are not those this module names.
        StorageError: the disk is full.
    """
    folder = state_dir / "evals" / "packages"
    folder.mkdir(parents=True, exist_ok=True)
    with exclusive_lock(folder / ".lock"):
        return {each.name: _fetch(each, folder) for each in packages}


def tree_digest(sources: Path) -> str:
    """Of all Python files under a folder, by name."""
    lines = [
        f"{digest_of(path)}  {path.relative_to(sources).as_posix()}\n"
        for path in sorted(sources.rglob("*.py"))
    ]
    return sha256("".join(lines).encode()).hexdigest()


def _fetch(package: Package, folder: Path) -> Path:
    target = folder / f"{package.name}-{package.version}"
    sources = target / package.folder
    if sources.is_dir() and tree_digest(sources) == package.sha256:
        return sources
    shutil.rmtree(target, ignore_errors=True)
    fetch_package(package.name, package.version, target)
    if tree_digest(sources) != package.sha256:
        shutil.rmtree(target, ignore_errors=True)
        raise IntegrityError(
            f"{package.name} {package.version} has other files than the repository set names",
            hint="check which package index pip or uv is configured to use",
        )
    return sources
