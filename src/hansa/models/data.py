"""What a model of ours was trained on, as its card says it."""

import msgspec


class DataSource(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    name: str
    version: str
    licence: str
    documents: int
    text_bytes: int
    """As UTF-8."""
    sha256: str
    """A chain over what was kept of it."""


class Data(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A corpus; `hansa corpus show` prints the whole manifest."""

    manifest_sha256: str
    documents: int
    text_bytes: int
    replaced: int
    """Secrets and personal data that were taken out."""
    evals_texts: int
    """Texts of evals it was kept apart from."""
    evals_sha256: str
    licences: dict[str, int]
    """SPDX expression to the documents under it."""
    sources: tuple[DataSource, ...]
