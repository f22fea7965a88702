"""The Merkle tree finds what differs, all of it and nothing else, looking only where it must."""

from hypothesis import given
from hypothesis import strategies as st

from hansa.index.tree import Tree, split
from hansa.index.walk import File

PATHS = st.lists(st.sampled_from(["a", "b", "c", "é", "a.py"]), min_size=1, max_size=4).map(
    "/".join
)
STATES = st.dictionaries(PATHS, st.integers(0, 2), max_size=12).map(
    # A name is a file or a folder, not both.
    lambda state: {path: at for path, at in state.items()
                   if not any(other.startswith(f"{path}/") for other in state)}
)  # fmt: skip


def tree(state: dict[str, int]) -> Tree:
    return Tree(File(path, mtime_ns, 1) for path, mtime_ns in state.items())


def looking_at(old: Tree, seen: list[str]):
    def entries(folder: str):
        seen.append(folder)
        return old._folders.get(folder, {})

    return entries


@given(STATES, STATES)
def test_what_differs_is_found(before: dict[str, int], after: dict[str, int]) -> None:
    old, new = tree(before), tree(after)
    seen: list[str] = []
    found = new.difference(old.root, looking_at(old, seen))
    assert sorted(found.files) == sorted(p for p, at in after.items() if before.get(p) != at)
    assert sorted(found.gone) == sorted(before.keys() - after.keys())
    assert (old.root == new.root) == (before == after)
    touched = {*found.files, *found.gone}
    assert set(seen) == {folder for path in touched for folder in above(path)}
    assert {folder for folder, made in found.folders.items() if not made} == {
        folder for folder in found.folders if folder and folder not in new._folders
    }


@given(STATES)
def test_the_order_of_files_does_not_matter(state: dict[str, int]) -> None:
    assert tree(state).root == tree(dict(reversed(state.items()))).root


def test_names_do_not_run_into_each_other() -> None:
    assert tree({"ab": 1}).root != tree({"a": 1}).root
    assert tree({"a/b": 1}).root != tree({"ab": 1}).root
    assert tree({"a": 11}).root != tree({"a1": 1}).root


def test_split() -> None:
    assert split("a/b/c.py") == ("a/b/", "c.py")
    assert split("a/b/") == ("a/", "b/")
    assert split("a/") == ("", "a/")
    assert split("") == ("", "")


def above(path: str) -> list[str]:
    folders = []
    while path:
        path = split(path)[0]
        folders.append(path)
    return folders
