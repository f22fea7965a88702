"""What its owners do not want in a corpus: packages, paths and files by digest.

One entry a line, `#` begins a comment:

    requests                        a package or tree, by name
    requests: requests/_internal*   paths in it, `*` is any characters
    sha256:9f86d081...              a file, by the SHA-256 of its bytes
"""

import re
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from hansa.core.digests import sha256_hex
from hansa.core.errors import UserError

FILE_BYTES_MAX = 16 * 1024 * 1024

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_ENTRY = re.compile(r"(?P<name>[A-Za-z0-9][\w.-]*)(?:\s*:\s*(?P<paths>\S.*))?")


@dataclass(frozen=True, slots=True)
class OptOut:
    names: frozenset[str] = frozenset()
    paths: dict[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    digests: frozenset[str] = frozenset()
    digest: str = ""
    """Of the list itself, for the manifest; empty without one."""

    def takes_source(self, name: str) -> bool:
        """Whether all of a package is left out."""
        return plain_name(name) in self.names

    def takes_path(self, name: str, path: str) -> bool:
        """Whether one path of a package is left out."""
        return any(fnmatchcase(path, each) for each in self.paths.get(plain_name(name), ()))

    def takes_file(self, sha256: str) -> bool:
        """Whether a file is left out, wherever it is."""
        return sha256 in self.digests


def read_opt_out(path: Path) -> OptOut:
    """The list in a file.

    Raises:
        UserError: it cannot be read, or a line is no entry; a list is never taken in part.
    """
    try:
        with path.open("rb") as file:
            data = file.read(FILE_BYTES_MAX + 1)
        text = data.decode()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"cannot read the opt-out list {path}: {error}") from error
    if len(data) > FILE_BYTES_MAX:
        raise UserError(f"the opt-out list {path} is over {FILE_BYTES_MAX} bytes")
    names, digests, paths = set[str](), set[str](), dict[str, tuple[str, ...]]()
    for number, line in enumerate(text.splitlines(), 1):
        entry = line.partition("#")[0].strip()
        if _DIGEST.fullmatch(entry.lower()):
            digests.add(entry.lower().removeprefix("sha256:"))
        elif found := _ENTRY.fullmatch(entry):
            name = plain_name(found["name"])
            if found["paths"]:
                paths[name] = (*paths.get(name, ()), found["paths"].strip())
            else:
                names.add(name)
        elif entry:
            raise UserError(
                f"{path}:{number}: {entry[:80]!r} is no entry",
                hint="a name, `name: path*`, or sha256: and 64 hex digits",
            )
    return OptOut(frozenset(names), paths, frozenset(digests), sha256_hex(data))


def plain_name(name: str) -> str:
    """A package's name as it is compared. Source: PEP 503."""
    return re.sub(r"[-_.]+", "-", name).lower()
