"""Patches are read as they are written by git, by diff and by models."""

import subprocess
from pathlib import Path

import pytest

from hansa.core.errors import UserError
from hansa.editor.patch.formats import form_of, read_patch


def test_blocks_of_several_files() -> None:
    text = """I change two files.

**src/a.py**
```python
<<<<<<< SEARCH
x = 1
=======
x = 2
>>>>>>> REPLACE
```
And once more:
<<<<<<< SEARCH
y
=======
>>>>>>> REPLACE

new.py
<<<<<<< SEARCH
=======
z = 1
>>>>>>> REPLACE
"""
    first, second = read_patch(text)
    assert (first.path, second.path, second.creates) == ("src/a.py", "new.py", True)
    assert [(each.number, each.old, each.new) for each in first.hunks] == [
        (1, ("x = 1",), ("x = 2",)),
        (2, ("y",), ()),
    ]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("<<<<<<< SEARCH\na\n=======\nb\n", "line 1 of the patch begins a block that does not end"),
        ("<<<<<<< SEARCH\na\n>>>>>>> REPLACE\n", "has 0 lines of ======="),
        ("<<<<<<< SEARCH\nT\n=======\n=======\nb\n>>>>>>> REPLACE\n", "has 2 lines of ======="),
        ("", "the patch has 0 characters"),
    ],
)
def test_blocks_that_are_broken(text: str, says: str) -> None:
    with pytest.raises(UserError, match=says):
        read_patch(text, "blocks")


def test_a_diff_with_wrong_counts_and_prose() -> None:
    text = """Here is the diff:
--- a/x.py
+++ b/x.py
@@ -1,9 +1,9 @@
 a

-b
+c
@@ @@
-d
+e
"""
    (file,) = read_patch(text)
    assert [(each.line, each.old, each.new) for each in file.hunks] == [
        (1, ("a", "", "b"), ("a", "", "c")),
        (None, ("d",), ("e",)),
    ]


def test_lines_that_look_like_heads_are_counted() -> None:
    text = "--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n a\n--- b\n+++ c\n-- \n2.39\n"
    (file,) = read_patch(text)
    assert [(each.old, each.new) for each in file.hunks] == [(("a", "-- b"), ("a", "++ c"))]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\nthat is all\n@@ @@\n", "is no line of a hunk"),
        ("--- a/x\n+++ b/x\n@@ -1 +1 @@\n a\n", "changes nothing"),
        ("diff --git a/x b/y\nsimilarity index 90%\nrename from x\n@@ @@\n", "renames a file"),
        ("diff --git a/x b/x\nold mode 100644\nnew mode 100755\n@@ -1 +1 @@\n", "a file's mode"),
        ("diff --git a/e b/e\nnew file mode 100644\ndiff --git a/x b/x\n--- a/x\n+++ b/x\n"
         "@@ -1 +1 @@\n-a\n+b\n", "changes e without a hunk"),
        ("--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n" * 2, "changes x twice"),
    ],
)  # fmt: skip
def test_diffs_that_are_refused(text: str, says: str) -> None:
    with pytest.raises(UserError, match=says):
        read_patch(text, "diff")


def test_what_git_writes(tmp_path: Path) -> None:
    def git(*words: str) -> str:
        done = subprocess.run(["git", "-c", "user.name=x", "-c", "user.email=x@y", *words],
                              cwd=tmp_path, capture_output=True, check=True)  # fmt: skip
        return done.stdout.decode()

    git("init", "-q")
    (tmp_path / "über uns.txt").write_text("a\nb")
    (tmp_path / "gone").write_text("g\n")
    git("add", "."), git("commit", "-qm", "x")
    (tmp_path / "über uns.txt").write_text("a\nc")
    (tmp_path / "gone").unlink()
    (tmp_path / "run.sh").write_text("#!/bin/sh\n")
    (tmp_path / "run.sh").chmod(0o755)
    git("add", ".")
    found = {each.path: each for each in read_patch(git("diff", "--cached"))}
    assert found.keys() == {"über uns.txt", "gone", "run.sh"}
    assert found["gone"].deletes
    assert found["run.sh"].creates
    assert found["run.sh"].executable
    (hunk,) = found["über uns.txt"].hunks
    assert (hunk.old, hunk.new, hunk.old_ends, hunk.new_ends) == (
        ("a", "b"), ("a", "c"), False, False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("x = 1\n", "whole"),
        ("```python\nx = 1\n```\n", "whole"),
        ("a.py\n<<<<<<< SEARCH\na\n=======\nb\n>>>>>>> REPLACE\n", "blocks"),
        ("```diff\n--- a\n+++ b\n@@ -1 +1 @@\n-a\n+b\n```\n", "diff"),
        ("# Title\n--- a line\n", "whole"),
    ],
)
def test_the_form_is_told_from_the_marks(text: str, form: str) -> None:
    assert form_of(text) == form
    assert read_patch(text)


@pytest.mark.parametrize(
    "text", ["<<<<<<< SEARCH\nx = 1\n", "<<<<<<< SEARCH\na\n=======\nb\n", "\n"]
)
def test_what_was_cut_off_is_no_whole_file(text: str) -> None:
    with pytest.raises(UserError, match=r"does not end|is empty"):
        read_patch(text)


def test_fences_around_a_whole_file_are_taken_off() -> None:
    assert read_patch("```python\nx = 1\n```\n")[0].whole == "x = 1\n"
