"""The ledger's file: how it is opened, by whom, and whether it still says what it said."""

import contextlib
import fcntl
from collections.abc import Callable, Generator
from pathlib import Path
from typing import IO, Any, TypeVar
from urllib.parse import quote

import msgspec
from sqlalchemy import Connection, create_engine, event, insert, select
from sqlalchemy.engine import Engine
from sqlalchemy.exc import SQLAlchemyError

from hansa.core.errors import ConfigError, IntegrityError, NotFound
from hansa.ledger import schema
from hansa.ledger.entries import columns_agree, entry_of
from hansa.ledger.merkle import Tree
from hansa.ledger.writer import disk_error

T = TypeVar("T")


def connect(path: Path, *, read_only: bool) -> Engine:
    """An engine for the SQLite file; transactions see one state from begin to end."""
    mode = "ro" if read_only else "rwc"
    engine = create_engine(
        f"sqlite:///file:{quote(str(path.resolve()))}?mode={mode}&uri=true",
        connect_args={"check_same_thread": False, "timeout": 10},
        pool_size=1 if not read_only else 4,
        max_overflow=0,
    )
    event.listen(engine, "connect", _on_connect if not read_only else _manual_begin)
    event.listen(engine, "begin", _begin_immediate if not read_only else _begin)
    return engine


@contextlib.contextmanager
def spoken(path: Path) -> Generator[None]:
    """Turn the database's errors into ours."""
    try:
        yield
    except SQLAlchemyError as error:
        raise disk_error(error, path) from error


def hold(path: Path) -> IO[bytes]:
    """Take the ledger for this process; the system gives it back when the process ends.

    Raises:
        ConfigError: another process writes it.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.with_name(path.name + ".lock").open("ab")
    except OSError as error:
        raise disk_error(error, path) from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.close()
        raise ConfigError(
            f"another process writes the ledger {path}", hint="one node per ledger; stop the other"
        ) from error
    return file


def prepare(engine: Engine, path: Path, member: str) -> None:
    """Make the tables if they are missing; refuse a file of another version or member."""
    with spoken(path), engine.begin() as connection:
        schema.metadata.create_all(connection)
        if connection.scalar(select(schema.schema_version.c.version)) is None:
            connection.execute(insert(schema.schema_version).values(version=schema.SCHEMA_VERSION))
            empty = Tree().root()
            connection.execute(insert(schema.tree).values(id=1, member=member, size=0, root=empty))


def require_file(path: Path) -> None:
    if not path.is_file():
        raise NotFound(
            f"there is no ledger at {path}", hint="a node writes it; check state_dir in hansa.toml"
        )


def load(connection: Connection, path: Path, member: str) -> Tree:
    """Rebuild the log's tree from the receipts, and compare it with what was last committed.

    Raises:
        ConfigError: the file is of another version, or another member's.
        IntegrityError: a receipt was changed, moved, added or removed behind our back.
    """
    version = connection.scalar(select(schema.schema_version.c.version))
    if version != schema.SCHEMA_VERSION:
        raise ConfigError(
            f"the ledger {path} has schema {version}, this hansa reads {schema.SCHEMA_VERSION}"
        )
    known = connection.execute(select(schema.tree)).one()
    if known.member != member:
        raise ConfigError(f"{path} is the ledger of member {known.member}, not of {member}")
    tree = Tree()
    rows = connection.execute(
        select(schema.receipts)
        .order_by(schema.receipts.c.position)
        .execution_options(yield_per=1000)
    )
    for row in rows:
        if row.position != tree.size or not _is_sound(row, member):
            raise _tampered(path, f"receipt number {tree.size} was changed or removed")
        tree.append(row.payload)
    if (tree.size, tree.root()) != (known.size, known.root):
        raise _tampered(
            path, f"it holds {tree.size} receipts that are not the {known.size} it held"
        )
    return tree


def read(engine: Engine, path: Path, query: Callable[[Connection], T]) -> T:
    with spoken(path), engine.begin() as connection:
        return query(connection)


def _is_sound(row: Any, member: str) -> bool:
    try:
        return columns_agree(entry_of(row), row, member)
    except (TypeError, ValueError, msgspec.DecodeError, IntegrityError):
        return False  # Whatever was put there, it is not what we wrote.


def _tampered(path: Path, what: str) -> IntegrityError:
    return IntegrityError(
        f"the ledger {path} was changed since it was written: {what}",
        hint="restore it from a backup; `hansa receipts reconcile` compares it with other members",
    )


def _manual_begin(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # SQLAlchemy's begin event says BEGIN


def _on_connect(connection: Any, record: object) -> None:
    _manual_begin(connection, record)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")


def _begin_immediate(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
