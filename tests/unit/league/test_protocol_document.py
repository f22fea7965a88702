"""docs/protocol.md is true: its vectors are recomputed, its limits and fields compared."""

import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hansa.core import bounds
from hansa.core.digests import canonical_json, parse_canonical, salted_digest, sha256_hex
from hansa.core.money import price_tokens, split_by_shares
from hansa.core.signing import SigningKey, open_envelope
from hansa.league import charter, grants, hello
from hansa.ledger.merkle import Tree, verify_consistency, verify_inclusion
from hansa.wire import protocol, requests

DOCUMENT = Path(__file__).parents[3] / "docs" / "protocol.md"
TEXT = DOCUMENT.read_text("utf-8")
VECTORS: dict[str, Any] = json.loads(TEXT.rpartition("```json\n")[2].partition("```")[0])

KINDS = {
    protocol.CHARTER_TYPE: protocol.Charter,
    protocol.GRANT_TYPE: protocol.Grant,
    protocol.RECEIPT_TYPE: protocol.Receipt,
    protocol.TREE_HEAD_TYPE: protocol.TreeHead,
    protocol.STATUS_TYPE: protocol.NodeStatus,
    protocol.HELLO_TYPE: protocol.Hello,
}


def test_the_key() -> None:
    key = SigningKey.from_seed(bytes.fromhex(VECTORS["seed"]))
    assert (key.public, key.keyid) == (VECTORS["public"], VECTORS["keyid"])


@pytest.mark.parametrize("vector", VECTORS["documents"], ids=lambda each: each["type"])
def test_documents(vector: dict[str, Any]) -> None:
    key = SigningKey.from_seed(bytes.fromhex(VECTORS["seed"]))
    payload = canonical_json(vector["document"])
    envelope = key.seal(vector["type"], payload)
    assert vector["sha256"] == sha256_hex(payload)
    assert vector["sig"] == envelope.signatures[0].sig
    assert open_envelope(envelope, vector["type"], (VECTORS["public"],)) == payload
    parse_canonical(payload, KINDS[vector["type"]])


def test_every_kind_of_document_has_a_vector() -> None:
    assert {each["type"] for each in VECTORS["documents"]} == set(KINDS)
    assert all(f"`{kind}`" in TEXT for kind in KINDS)


def test_the_log() -> None:
    log, tree = VECTORS["log"], Tree()
    for leaf in log["leaves"]:
        tree.append(leaf.encode())
    size = tree.size
    assert log["roots"] == [tree.root(each).hex() for each in range(size + 1)]
    inclusion = [bytes.fromhex(step) for step in log["inclusion"]["proof"]]
    index = log["inclusion"]["index"]
    assert inclusion == tree.inclusion_proof(index, size)
    leaf = log["leaves"][index].encode()
    assert verify_inclusion(leaf, index, size, inclusion, tree.root())
    consistency = [bytes.fromhex(step) for step in log["consistency"]["proof"]]
    old = log["consistency"]["old"]
    assert consistency == tree.consistency_proof(old, size)
    assert verify_consistency(old, size, tree.root(old), tree.root(), consistency)


def test_money() -> None:
    for each in VECTORS["prices"]:
        assert price_tokens(each["tokens"], each["price_nanousd_per_mtok"]) == each["nanousd"]
    for each in VECTORS["splits"]:
        assert split_by_shares(each["amount"], each["shares"]) == each["parts"]


def test_digests() -> None:
    each = VECTORS["salted_digest"]
    assert salted_digest(each["salt"], each["text"]) == each["sha256"]


def test_limits() -> None:
    stated = dict(re.findall(r"^\| `([A-Z_]+)` \| ([0-9]+) \|", TEXT, re.MULTILINE))
    assert len(stated) == 12
    for name, value in stated.items():
        where = next(each for each in (bounds, grants, hello, charter) if hasattr(each, name))
        assert getattr(where, name) == int(value), name


@pytest.mark.parametrize(
    "kind",
    [
        *KINDS.values(),
        protocol.Member,
        protocol.ModelTerms,
        protocol.Shares,
        protocol.ReplicaStatus,
        protocol.CopiesReply,
        protocol.CountersignReply,
        requests.Request,
        requests.Policy,
        requests.Sampling,
        requests.Snippet,
        requests.Usage,
        requests.Chunk,
    ],
)
def test_every_field_is_in_the_document(kind: type[msgspec.Struct]) -> None:
    assert [each for each in kind.__struct_encode_fields__ if f"`{each}`" not in TEXT] == []
