"""Packages, wheels, sdists, trees and CPython's library as sources."""

import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from hansa.core.errors import UserError
from hansa.training.corpus.sources import open_sources
from support.corpus import GPL, MIT, installed, module, tree, write

PKG_INFO = "Metadata-Version: 2.4\nName: ships\nVersion: 2.1\nLicense-Expression: ISC\n"


def test_installed_packages_give_what_their_record_says(tmp_path: Path):
    installed(tmp_path, "ships", {"ships/a.py": module(1)}, "License-Expression: MIT")
    write(tmp_path, {"stray.py": "x = 1\n"})
    record = tmp_path / "ships-1.0.dist-info" / "RECORD"
    record.write_text(record.read_text() + "../../bin/ships,,\nships/gone.py,,\n")
    [source] = open_sources([tmp_path])
    assert (source.label, source.kind, source.licence) == ("ships 1.0", "installed", "MIT")
    paths = [each.path for each in source.entries()]
    assert paths == ["ships-1.0.dist-info/METADATA", "ships/a.py"]


def test_a_licence_text_tells_where_the_metadata_is_vague(tmp_path: Path):
    vague = "Classifier: License :: OSI Approved :: BSD License"
    info = "ships-1.0.dist-info/licenses"
    bsd = "Redistribution and use in source and binary forms\n"
    installed(tmp_path, "ships", {f"{info}/LICENSE": bsd}, vague)
    [source] = open_sources([tmp_path])
    assert (source.licence, source.evidence) == ("BSD-2-Clause", "text")


def test_a_text_that_gainsays_the_metadata_wins(tmp_path: Path):
    files = {"ships-1.0.dist-info/COPYING": GPL}
    installed(tmp_path, "ships", files, "License-Expression: MIT")
    assert open_sources([tmp_path])[0].licence == "unknown"


def test_an_sdist_and_a_wheel_are_read_in_place(tmp_path: Path):
    _sdist(tmp_path / "ships-2.1.tar.gz", {"ships-2.1/ships/a.py": module(1),
                                           "ships-2.1/PKG-INFO": PKG_INFO})  # fmt: skip
    with zipfile.ZipFile(tmp_path / "boats-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("boats/b.py", module(2))
        wheel.writestr("boats-1.0.dist-info/METADATA", PKG_INFO.replace("ships", "boats"))
        wheel.writestr("../evil.py", "x = 1\n")
    boats, ships = open_sources([tmp_path])
    assert (boats.label, boats.kind, boats.licence) == ("boats 2.1", "wheel", "ISC")
    assert (ships.label, ships.kind, ships.licence) == ("ships 2.1", "sdist", "ISC")
    first = next(boats.entries())
    assert first.path == "boats/b.py"
    assert "../evil.py" not in [each.path for each in boats.entries()]
    assert next(each.read().decode() for each in ships.entries()) == module(1)


def test_links_and_devices_in_an_sdist_are_not_followed(tmp_path: Path):
    path = tmp_path / "ships-2.1.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        link = tarfile.TarInfo("ships-2.1/a.py")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    assert list(open_sources([path])[0].entries()) == []


def test_a_damaged_archive_is_named(tmp_path: Path):
    path = tmp_path / "ships-2.1.tar.gz"
    path.write_bytes(b"\x1f\x8b not really")
    with pytest.raises(UserError, match=r"ships-2\.1\.tar\.gz is damaged"):
        open_sources([path])


def test_a_tree_is_under_its_licence_and_in_order(tmp_path: Path):
    root = tree(tmp_path / "ships", 2)
    write(root, {".git/x.py": "x", "b/c.py": "y", "a/z.py": "z"})
    (root / "link.py").symlink_to(root / "m000.py")
    [source] = open_sources([root])
    assert (source.name, source.kind, source.licence) == ("ships", "tree", "MIT")
    assert [each.path for each in source.entries()] == [
        "LICENSE", "m000.py", "m001.py", "a/z.py", "b/c.py",
    ]  # fmt: skip
    (root / "LICENSE").unlink()
    assert open_sources([root])[0].licence == "unknown"


def test_archives_in_a_tree_with_a_licence_are_its_own(tmp_path: Path):
    root = tree(tmp_path / "ships", 1)
    _sdist(root / "sample-1.0.tar.gz", {})
    assert [each.kind for each in open_sources([root])] == ["tree"]


def test_the_library_is_known_by_what_is_in_it(tmp_path: Path):
    write(tmp_path, {f"{name}/__init__.py": "" for name in ("asyncio", "importlib", "unittest")})
    write(tmp_path, {"os.py": "x", "abc.py": "y", "site-packages/p.py": "z"})
    [source] = open_sources([tmp_path])
    assert (source.name, source.licence) == ("cpython", "PSF-2.0")
    assert "site-packages/p.py" not in [each.path for each in source.entries()]


def _sdist(path: Path, files: dict[str, str]) -> None:
    with tarfile.open(path, "w:gz") as archive:
        for name, text in {**files, "ships-2.1/LICENSE": MIT}.items():
            info = tarfile.TarInfo(name)
            info.size = len(text.encode())
            archive.addfile(info, io.BytesIO(text.encode()))
