"""What a repository may hold to trip a walk, or to have a secret indexed."""

import os
from pathlib import Path

import pytest

from hansa.index import walk as walking
from hansa.index.walk import Walk, unfit

SECRETS = [
    ".npmrc", ".pypirc", "credentials.json", "secrets.yaml", "store.p12", ".git-credentials",
    ".ssh/config", ".aws/config", ".gnupg/pubring", ".htpasswd", "terraform.tfstate",
]  # fmt: skip


def walked(root: Path) -> list[str]:
    return sorted(file.path for file in Walk(root).files())


@pytest.mark.parametrize("name", SECRETS)
def test_files_that_hold_secrets_by_custom_are_left_out(name: str, lay) -> None:
    assert walked(lay({name: "token = 1\n", "a.py": "x\n"})) == ["a.py"]


def test_a_private_key_makes_any_file_a_secret() -> None:
    head = b"PRIVATE KEY-----"  # Apart from what begins it, or this file would hold one.
    openssh, pkcs8 = b"-----BEGIN OPENSSH " + head, b"-----BEGIN " + head
    assert unfit(b"cat <<X\n  " + openssh + b"\r\nb3BlbnNzaC1rZXktdjE\nX\n") == "may hold a secret"
    assert unfit(pkcs8 + b"\nMII") == "may hold a secret"
    assert unfit(b'if "' + pkcs8 + b'" in text:\n    refuse()\n') == ""
    assert unfit(b"-----BEGIN PUBLIC KEY-----\nMII\n") == ""


def test_an_ignore_file_of_any_bytes_is_read_as_far_as_it_makes_sense(lay) -> None:
    root = lay({".gitignore": b"\xff\xfe\n[z-a]\n**//\n!\n\\\n*.log\n", "a.py": "x", "a.log": "x"})
    assert walked(root) == [".gitignore", "a.py"]


@pytest.mark.parametrize("name", [".gitignore", ".hansaignore"])
def test_an_ignore_file_that_is_a_pipe_is_not_opened(name: str, lay) -> None:
    root = lay({"a.py": "x\n"})
    os.mkfifo(root / name)
    assert walked(root) == ["a.py"]


def test_folders_too_deep_and_files_too_many_are_counted(
    lay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(walking, "DEPTH_MAX", 2)
    monkeypatch.setattr(walking, "FILES_MAX", 3)
    walk = Walk(lay(dict.fromkeys(("a", "b", "c", "d", "1/2/3/e"), "x\n")))
    assert len(list(walk.files())) == 3
    assert walk.skipped == {"more than 3 files": 1, "folder too deep": 1}


def test_a_file_that_goes_while_its_folder_is_listed_is_passed_over(
    lay, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = lay({"a.py": "x\n", "b.py": "x\n"})
    listed = walking._entries

    def list_then_remove(*args: object) -> object:
        entries = listed(*args)  # type: ignore[arg-type]  whatever it was called with
        (root / "a.py").unlink()
        return entries

    monkeypatch.setattr(walking, "_entries", list_then_remove)
    assert walked(root) == ["b.py"]
