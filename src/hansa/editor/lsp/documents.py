"""The files an editor has open, as they are in it, and who is told when one changes."""

from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import unquote, urlsplit

from lsprotocol import types as lsp
from pygls.uris import to_fs_path

from hansa.context.candidates import Document
from hansa.core.bounds import FILE_BYTES_MAX
from hansa.editor.codebase import find_root, relative_name
from hansa.editor.lsp.positions import Encoding, as_lf, differing, offset_at
from hansa.index.walk import Walk

SHOWN_FILES_MAX = 5
"""Other open files that a completion may look at."""

SHOWN_CHARS_MAX = 100_000
"""Comparing a longer one would be felt."""

SUFFIXES = {
    "python": ".py", "javascript": ".js", "javascriptreact": ".jsx", "typescript": ".ts",
    "typescriptreact": ".tsx", "go": ".go", "rust": ".rs", "java": ".java", "c": ".c",
    "cpp": ".cpp", "shellscript": ".sh", "sh": ".sh", "lua": ".lua", "ruby": ".rb", "sql": ".sql",
}  # fmt: skip
"""Of the languages' names in the protocol, for buffers that have no file name."""


@dataclass(frozen=True, slots=True)
class Open:
    """One version of an open file."""

    uri: str
    name: str
    """Relative to the root, or its bare name outside of any."""
    root: Path | None
    """The codebase it belongs to."""
    text: str
    """Line endings as they are in the editor."""
    version: int
    language: str
    private: bool = False
    """Left out of the index by a rule, so that completions elsewhere are not shown it."""

    @property
    def document(self) -> Document:
        return Document(self.name, as_lf(self.text))

    @property
    def too_large(self) -> bool:
        return len(self.text) > FILE_BYTES_MAX


@dataclass(frozen=True, slots=True)
class Change:
    """What of an open file's text, in character offsets before the change, became what."""

    uri: str
    before: str
    """The whole text before."""
    start: int
    end: int
    text: str


Listener = Callable[[Change], None]


class Documents:
    """Open files; the one looked at last comes last in the order kept here."""

    def __init__(self, home: Path) -> None:
        self._open: OrderedDict[str, Open] = OrderedDict()
        self._home = home
        self.folders: list[Path] = []
        """The folders the editor works on."""
        self.encoding: Encoding = "utf-16"
        self.listeners: list[Listener] = []

    def opened(self, item: lsp.TextDocumentItem) -> Open:
        path = path_of(item.uri)
        root = self._root(path) if path else None
        name = relative_name(path, root) if path else _buffer_name(item.uri, item.language_id)
        private = bool(root and path and path.is_file() and Walk(root).find(name) is None)
        opened = Open(item.uri, name, root, item.text, item.version, item.language_id, private)
        self._open[item.uri] = opened
        return opened

    def changed(self, params: lsp.DidChangeTextDocumentParams) -> None:
        """Take in changes, one after the other; those of a file that is not open are ignored."""
        uri = params.text_document.uri
        if uri not in self._open:
            return
        for event in params.content_changes:
            now = self._open[uri]
            change = self._change(now, event)
            text = now.text[: change.start] + change.text + now.text[change.end :]
            self._open[uri] = replace(now, text=text, version=params.text_document.version)
            for listener in self.listeners:
                listener(change)
        self._open.move_to_end(uri)

    def closed(self, uri: str) -> None:
        self._open.pop(uri, None)

    def get(self, uri: str) -> Open | None:
        return self._open.get(uri)

    def looked_at(self, uri: str) -> Open | None:
        """The same, and it is now the one looked at last."""
        if uri in self._open:
            self._open.move_to_end(uri)
        return self._open.get(uri)

    def others(self, here: Open) -> tuple[Document, ...]:
        """Other files of the same codebase, the one looked at last first."""
        return tuple(each.document for each in list(self._others(here))[:SHOWN_FILES_MAX])

    def texts(self, root: Path) -> dict[str, str]:
        """The open files of a codebase that its index may have, by name; with LF line endings."""
        fits = (each for each in self._open.values() if not each.private and not each.too_large)
        return {each.name: as_lf(each.text) for each in fits if each.root == root}

    def uri_of(self, root: Path, name: str) -> str:
        """Of a file of a codebase: as the editor gave it, if it is open."""
        there = (each.uri for each in self._open.values() if (each.root, each.name) == (root, name))
        return next(there, "") or (root / name).as_uri()

    def offset(self, opened: Open, position: lsp.Position) -> int:
        return offset_at(opened.text, position.line, position.character, self.encoding)

    def _others(self, here: Open) -> Iterator[Open]:
        for each in reversed(self._open.values()):
            fits = len(each.text) <= SHOWN_CHARS_MAX and not each.private
            if each.uri != here.uri and each.root == here.root and fits:
                yield each

    def _change(self, now: Open, event: lsp.TextDocumentContentChangeEvent) -> Change:
        if isinstance(event, lsp.TextDocumentContentChangePartial):
            start, end = (self.offset(now, at) for at in (event.range.start, event.range.end))
            return Change(now.uri, now.text, start, max(start, end), event.text)
        start, behind = differing(now.text, event.text)
        text = event.text[start : len(event.text) - behind]
        return Change(now.uri, now.text, start, len(now.text) - behind, text)

    def _root(self, path: Path) -> Path | None:
        """The nearest with a mark, else the folder the editor works on; never a whole disk."""
        around = [each for each in self.folders if path.is_relative_to(each)]
        folder = max(around, key=lambda each: len(each.parts), default=Path(path.anchor))
        return find_root(path, folder, self._home)


def path_of(uri: str) -> Path | None:
    """The file a URI names; None if it names none, as that of a buffer without a name."""
    path = to_fs_path(uri)
    return Path(path) if path else None


def _buffer_name(uri: str, language: str) -> str:
    name = unquote(urlsplit(uri).path).rpartition("/")[2] or "untitled"
    return name if "." in name else name + SUFFIXES.get(language, "")
