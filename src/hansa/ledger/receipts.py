"""Receipts: priced, sealed by the server, countersigned by the origin, and checked by both."""

from collections.abc import Callable

import msgspec

from hansa.core.digests import canonical_json, parse_canonical
from hansa.core.errors import IntegrityError
from hansa.core.money import NanoUsd, price_tokens
from hansa.core.signing import Envelope, SigningKey, key_id, open_envelope, verifies
from hansa.wire.protocol import RECEIPT_TYPE, TREE_HEAD_TYPE, Charter, ModelTerms, Receipt, TreeHead

SIGNATURES_MAX = 8

CharterLookup = Callable[[str], Charter | None]
"""From a charter's digest to the charter, or None if it is not known here."""


def price(terms: ModelTerms, prompt_tokens: int, completion_tokens: int) -> NanoUsd:
    """What a request costs: input and output are each rounded half to even, then added."""
    return NanoUsd(
        price_tokens(prompt_tokens, terms.price_input_nanousd_per_mtok)
        + price_tokens(completion_tokens, terms.price_output_nanousd_per_mtok)
    )


def seal(key: SigningKey, receipt: Receipt) -> Envelope:
    """The server's signature over its receipt."""
    return key.seal(RECEIPT_TYPE, canonical_json(receipt))


def read(envelope: Envelope) -> Receipt:
    """The receipt in an envelope; says nothing about who signed it.

    Raises:
        IntegrityError: no receipt in canonical JSON, or too many signatures.
    """
    if envelope.payload_type != RECEIPT_TYPE:
        raise IntegrityError(f"expected a receipt, got {envelope.payload_type!r}")
    if len(envelope.signatures) > SIGNATURES_MAX:
        raise IntegrityError(f"a receipt with over {SIGNATURES_MAX} signatures")
    return parse_canonical(envelope.body(), Receipt)


def signed_by(envelope: Envelope, keys: tuple[str, ...]) -> bool:
    """Whether one of `keys` signed this receipt."""
    body = envelope.body()
    hints = {key_id(key) for key in keys}
    # The hint is not trusted, but the signature it names is the one to try first.
    signatures = sorted(envelope.signatures[:SIGNATURES_MAX], key=lambda s: s.keyid not in hints)
    return any(
        verifies(key, RECEIPT_TYPE, body, signature) for signature in signatures for key in keys
    )


def countersign(key: SigningKey, envelope: Envelope) -> Envelope:
    """Add `key`'s signature over the same bytes; a second time changes nothing."""
    signature = key.sign(RECEIPT_TYPE, envelope.body())
    others = tuple(each for each in envelope.signatures if each.keyid != key.keyid)
    return msgspec.structs.replace(envelope, signatures=(*others, signature))


def merge_signatures(ours: Envelope, theirs: Envelope) -> Envelope:
    """Our envelope with the signatures of theirs that it lacks; both hold the same payload."""
    new = tuple(each for each in theirs.signatures if each not in ours.signatures)
    return msgspec.structs.replace(ours, signatures=(*ours.signatures, *new)[:SIGNATURES_MAX])


def check(envelope: Envelope, charter_lookup: CharterLookup) -> Receipt:
    """Return the receipt if its server signed it and it is priced as the charter says.

    Raises:
        IntegrityError: unknown charter, strangers, no signature by the server, another price.
    """
    receipt = read(envelope)
    where = f"receipt {receipt.request}"
    charter = charter_lookup(receipt.charter)
    if charter is None:
        raise IntegrityError(f"{where} is under the unknown charter {receipt.charter[:16]}")
    server = charter.member(receipt.server)
    if server is None or charter.member(receipt.origin) is None:
        stranger = receipt.server if server is None else receipt.origin
        raise IntegrityError(f"{where} names {stranger!r}, no member of league {charter.league}")
    if not signed_by(envelope, server.node_keys):
        raise IntegrityError(f"{where} is not signed by its server {receipt.server}")
    _check_amount(receipt, charter)
    return receipt


def seal_head(key: SigningKey, head: TreeHead) -> Envelope:
    """A log's head, signed by the member whose log it is."""
    return key.seal(TREE_HEAD_TYPE, canonical_json(head))


def open_head(envelope: Envelope, member: str, keys: tuple[str, ...]) -> TreeHead:
    """The tree head in `envelope`, if it is of `member`'s log and signed by one of its `keys`."""
    head = parse_canonical(open_envelope(envelope, TREE_HEAD_TYPE, keys), TreeHead)
    if head.member != member:
        raise IntegrityError(f"this is the log head of {head.member!r}, not of {member}")
    return head


def _check_amount(receipt: Receipt, charter: Charter) -> None:
    where = f"receipt {receipt.request}"
    terms = charter.terms(receipt.model)
    if terms is None:
        raise IntegrityError(f"{where} is for model {receipt.model!r}, not in its charter")
    if min(receipt.prompt_tokens, receipt.completion_tokens, receipt.duration_ms) < 0:
        raise IntegrityError(f"{where} counts less than nothing")
    if not 0 <= receipt.cached_tokens <= receipt.prompt_tokens:
        raise IntegrityError(f"{where} counts more cached tokens than its prompt has")
    due = price(terms, receipt.prompt_tokens, receipt.completion_tokens)
    if receipt.amount_nanousd != due:
        raise IntegrityError(
            f"{where} charges {receipt.amount_nanousd} nano-dollars; "
            f"its tokens cost {due} under its charter"
        )
