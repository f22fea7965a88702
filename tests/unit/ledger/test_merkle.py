import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hansa.ledger.merkle import EMPTY_ROOT, Tree, verify_consistency, verify_inclusion

SIZES = st.integers(1, 70)


def grown(size: int, salt: bytes = b"") -> Tree:
    tree = Tree()
    for number in range(size):
        assert tree.append(salt + b"%d" % number) == number
    return tree


def reference_root(leaves: list[bytes]) -> bytes:
    """MTH exactly as RFC 6962 section 2.1 writes it."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    left, right = reference_root(leaves[:split]), reference_root(leaves[split:])
    return hashlib.sha256(b"\x01" + left + right).digest()


def test_roots_known_from_elsewhere() -> None:
    """Source: the reference leaves of certificate-transparency's own tests."""
    leaves = ["", "00", "10", "2021", "3031", "40414243"]
    leaves += ["5051525354555657", "606162636465666768696a6b6c6d6e6f"]
    tree = Tree()
    for leaf in leaves:
        tree.append(bytes.fromhex(leaf))
    assert tree.root(1).hex().startswith("6e340b9cffb37a98")
    assert tree.root(8).hex() == "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"


@given(st.integers(0, 70))
def test_roots_are_those_of_the_definition(size: int) -> None:
    tree = grown(70)
    assert tree.root(size) == reference_root([b"%d" % number for number in range(size)])
    assert tree.root() == tree.root(70)


@given(SIZES, st.data())
def test_every_leaf_can_be_shown_to_be_in_the_tree(size: int, data: st.DataObject) -> None:
    tree = grown(size + 3)
    index = data.draw(st.integers(0, size - 1))
    proof, root = tree.inclusion_proof(index, size), tree.root(size)
    leaf = b"%d" % index
    assert verify_inclusion(leaf, index, size, proof, root)
    assert not verify_inclusion(b"other", index, size, proof, root)
    assert not verify_inclusion(leaf, index, size, proof, tree.root(size + 1))
    assert not verify_inclusion(leaf, index, size, [*proof, root], root)
    assert not verify_inclusion(leaf, index + size, size, proof, root)
    if proof:
        assert not verify_inclusion(leaf, index, size, proof[:-1], root)
        assert not verify_inclusion(leaf, index, size, [bytes(32), *proof[1:]], root)


@given(SIZES, st.data())
def test_a_grown_tree_is_consistent_with_what_it_was(size: int, data: st.DataObject) -> None:
    tree = grown(size)
    old = data.draw(st.integers(0, size))
    proof = tree.consistency_proof(old, size)
    assert verify_consistency(old, size, tree.root(old), tree.root(size), proof)
    assert not verify_consistency(old, size, bytes(32), tree.root(size), proof)
    if 0 < old < size:
        assert not verify_consistency(old, size, tree.root(old), bytes(32), proof)
        assert not verify_consistency(old, size, tree.root(old), tree.root(size), proof[:-1])
        assert not verify_consistency(old, size, tree.root(old), tree.root(), [*proof, bytes(32)])


@given(st.integers(2, 70), st.data())
def test_a_rewritten_tree_is_not_consistent(size: int, data: st.DataObject) -> None:
    old = data.draw(st.integers(1, size - 1))
    honest, forked = grown(old), grown(size, b"fork")
    proof = forked.consistency_proof(old, size)
    assert not verify_consistency(old, size, honest.root(), forked.root(), proof)


@given(st.integers(0, 70), st.integers(0, 70))
def test_cutting_back_forgets_exactly_what_came_after(first: int, second: int) -> None:
    keep, size = sorted((first, second))
    tree = grown(size)
    tree.truncate(keep)
    assert tree.root() == grown(keep).root()
    for number in range(keep, size):
        tree.append(b"%d" % number)
    assert tree.root() == grown(size).root()


def test_there_is_nothing_outside_a_tree() -> None:
    tree = grown(3)
    assert Tree().root() == EMPTY_ROOT
    for wrong in (
        lambda: tree.root(4),
        lambda: tree.inclusion_proof(3, 3),
        lambda: tree.inclusion_proof(-1, 3),
        lambda: tree.consistency_proof(3, 2),
        lambda: tree.consistency_proof(1, 4),
        lambda: tree.truncate(4),
    ):
        with pytest.raises(ValueError, match="tree"):
            wrong()
    assert not verify_consistency(3, 2, tree.root(), tree.root(2), [])
