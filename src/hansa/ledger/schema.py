"""Tables of the ledger's SQLite file."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    UniqueConstraint,
)

SCHEMA_VERSION = 1

metadata = MetaData()

schema_version = Table("schema_version", metadata, Column("version", Integer, nullable=False))

receipts = Table(
    "receipts",
    metadata,
    Column("position", Integer, primary_key=True, autoincrement=False),  # in the Merkle log
    Column("request", String, nullable=False),
    Column("role", String, nullable=False),
    Column("server", String, nullable=False),
    Column("origin", String, nullable=False),
    Column("started_at_ms", BigInteger, nullable=False),
    Column("payload", LargeBinary, nullable=False),  # the leaf
    Column("signatures", LargeBinary, nullable=False),  # JSON; grows when countersigned
    Column("grant", LargeBinary),  # JSON of an envelope; NULL when we asked ourselves
    Column("countersigned", Boolean, nullable=False),
    Column("refused", String, nullable=False),  # why the origin would not sign; empty if not
    Column("maker", String, nullable=False),  # who is to get a copy; empty if nobody else
    Column("copied", Boolean, nullable=False),
    UniqueConstraint("request", "role", "server", "origin"),
    Index("receipts_by_time", "started_at_ms"),
    Index("receipts_pending", "countersigned", "position"),
    Index("receipts_uncopied", "copied", "maker", "position"),
)

spend = Table(
    "spend",
    metadata,
    Column("account", String, primary_key=True),  # id of an API key
    Column("month", String, primary_key=True),  # YYYY-MM, UTC
    Column("requests", BigInteger, nullable=False),
    Column("prompt_tokens", BigInteger, nullable=False),
    Column("completion_tokens", BigInteger, nullable=False),
    Column("amount_nanousd", BigInteger, nullable=False),
)

open_grants = Table(
    "open_grants",
    metadata,
    Column("grant_sha256", String, primary_key=True),
    Column("issued_at_ms", BigInteger, nullable=False, index=True),
    Column("envelope", LargeBinary, nullable=False),
)

disputes = Table(
    "disputes",
    metadata,
    Column("grant_sha256", String, primary_key=True),
    Column("reason", String, nullable=False),  # why we do not sign the receipt of this grant
)

tree = Table(
    "tree",
    metadata,
    Column("id", Integer, primary_key=True),  # one row
    Column("member", String, nullable=False),
    Column("size", Integer, nullable=False),
    Column("root", LargeBinary, nullable=False),
)

peer_heads = Table(
    "peer_heads",
    metadata,
    Column("member", String, primary_key=True),
    Column("size", Integer, primary_key=True),
    Column("root", String, nullable=False),
    Column("envelope", LargeBinary, nullable=False),
)
