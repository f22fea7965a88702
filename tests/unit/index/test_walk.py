"""Which files of a repository are read, and why the others are not."""

import os
from pathlib import Path

import pytest

from hansa.core.bounds import FILE_BYTES_MAX, LINE_CHARS_MAX
from hansa.core.errors import UserError
from hansa.index.walk import Walk, check_root, unfit


def walked(root: Path) -> list[str]:
    return [file.path for file in Walk(root).files()]


def test_folders_that_are_not_source_are_not_entered(lay) -> None:
    root = lay({f"{name}/a.py": "x = 1\n" for name in
                (".git", ".venv", "node_modules", "src", "a/__pycache__", "a/b")})  # fmt: skip
    assert sorted(walked(root)) == ["a/b/a.py", "src/a.py"]


def test_ignore_files_nest_and_the_nearest_decides(lay) -> None:
    root = lay({
        ".gitignore": "*.log\n/out\nbuild/\n", "a.log": "1", "out/a.py": "1", "deep/out/a.py": "1",
        "build/a.py": "1", "sub/.gitignore": "!keep.log\n/own.py\n", "sub/keep.log": "1",
        "sub/other.log": "1", "sub/own.py": "1", "sub/x/own.py": "1",
        ".hansaignore": "private/\n", "private/a.py": "1",
    })  # fmt: skip
    assert sorted(walked(root)) == [
        ".gitignore", ".hansaignore", "deep/out/a.py", "sub/.gitignore", "sub/keep.log",
        "sub/x/own.py",
    ]  # fmt: skip


def test_rules_of_the_repository_around_hold_in_its_folders(lay) -> None:
    root = lay({
        ".gitignore": "*.log\n/src/made/\n", ".git/info/exclude": "mine.py\n",
        "src/a.py": "1", "src/a.log": "1", "src/made/b.py": "1", "src/mine.py": "1",
    })  # fmt: skip
    assert walked(root / "src") == ["a.py"]
    assert walked(root / "src" / "made") == ["b.py"], "an ignored folder asked for by name"


def test_a_rule_above_the_repository_says_nothing(lay) -> None:
    root = lay({".gitignore": "*.py\n", "inner/.git/HEAD": "1", "inner/a.py": "1"})
    assert walked(root / "inner") == ["a.py"]


@pytest.mark.parametrize("name", [".env", ".env.local", "key.PEM", "id_rsa", "tls.key", ".netrc"])
def test_what_may_hold_a_secret_is_not_read(name: str, lay) -> None:
    walk = Walk(lay({name: "password", ".env.example": "HOST=\n"}))
    assert [file.path for file in walk.files()] == [".env.example"]
    assert walk.skipped == {"may hold a secret": 1}


def test_symbolic_links_lead_nowhere(lay, tmp_path: Path) -> None:
    root = lay({"a.py": "x = 1\n"})
    (tmp_path / "outside.py").write_text("secret = 1\n")
    (root / "out.py").symlink_to(tmp_path / "outside.py")
    (root / "loop").symlink_to(root)
    (root / "gone.py").symlink_to("nowhere")
    walk = Walk(root)
    assert [file.path for file in walk.files()] == ["a.py"]
    assert walk.skipped == {"symbolic link": 3}


def test_odd_files_are_counted(lay) -> None:
    root = lay({"empty.py": "", "large.py": b"x" * (FILE_BYTES_MAX + 1)})
    os.mkfifo(root / "pipe.py")
    (root / os.fsdecode(b"\xff.py")).write_text("x = 1\n")
    walk = Walk(root)
    assert list(walk.files()) == []
    assert walk.skipped == {
        "empty": 1, "too large": 1, "not a regular file": 1, "name is not UTF-8": 1,
    }  # fmt: skip


def test_what_cannot_be_read_is_skipped(lay, monkeypatch: pytest.MonkeyPatch) -> None:
    root = lay({"a.py": "x = 1\n", "b/c.py": "x = 1\n"})
    walk = Walk(root)
    file = next(each for each in walk.files() if each.path == "a.py")

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", refuse)
        assert walk.read(file) == (b"", "cannot be read")
    monkeypatch.setattr(os, "scandir", refuse)
    assert list(walk.files()) == []
    assert walk.skipped["folder cannot be read"] == 1


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"x = 1\n", ""),
        (b"\x7fELF\x00", "binary"),
        ("é".encode("latin-1"), "not UTF-8"),
        (b" \n\t\n", "empty"),
        (b"x" * LINE_CHARS_MAX, ""),
        (b"ok\n" + b"x" * (LINE_CHARS_MAX + 1), "a line is too long"),
        (b"x\n" * FILE_BYTES_MAX, "too large"),
    ],
)
def test_unfit(data: bytes, reason: str) -> None:
    assert unfit(data) == reason


def test_a_file_that_grows_while_it_is_read_is_not_read_whole(lay) -> None:
    root = lay({"a.py": "x = 1\n"})
    walk = Walk(root)
    file = next(walk.files())
    with (root / "a.py").open("wb") as grown:
        grown.truncate(50 * 1024 * 1024)
    data, reason = walk.read(file)
    assert reason == "too large"
    assert len(data) == FILE_BYTES_MAX + 1


def test_a_root_must_be_a_folder(lay) -> None:
    root = lay({"a.py": "x = 1\n"})
    for wrong in (root / "nowhere", root / "a.py"):
        with pytest.raises(UserError, match="is no folder"):
            check_root(wrong)
