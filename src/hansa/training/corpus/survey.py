"""A first look at a source: what is in it, and which of its parts have a licence of their own."""

from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import PurePosixPath

from hansa.training.corpus import licences
from hansa.training.corpus.entries import TEXT_BYTES_MAX, licence_name
from hansa.training.corpus.sources import Source


@dataclass(frozen=True, slots=True)
class Survey:
    files: int
    listing: str
    """A digest of the names and sizes of its files: changes when they do."""
    parts: dict[str, str] = field(default_factory=dict[str, str])
    """Folders that hold a licence, to what it is."""

    def licence_of(self, path: str) -> str:
        """The licence of the nearest folder above a file that has its own; empty if none has."""
        if not self.parts:
            return ""
        above = map(str, PurePosixPath(path).parents)
        return next((self.parts[folder] for folder in above if folder in self.parts), "")


def survey(source: Source) -> Survey:
    """Go through a source's files once; only licences are read."""
    files, found, parts = 0, sha256(), dict[str, str]()
    for entry in source.entries():
        files += 1
        found.update(f"{entry.path}\0{entry.size}\n".encode("utf-8", "surrogateescape"))
        place = PurePosixPath(entry.path)
        small = entry.size <= TEXT_BYTES_MAX
        if small and licence_name(place.name) and len(place.parts) > source.root_parts:
            text = entry.read()[: licences.TEXT_CHARS].decode("utf-8", "replace")
            folder, told = str(place.parent), licences.of_text(text)
            parts[folder] = licences.both(parts.get(folder, told), told)
    return Survey(files, found.hexdigest(), parts)
