"""A Hub of one's own on 127.0.0.1: the API, the files, storage on another address, and its faults.

Answers in the shapes of huggingface.co: `/api/models/REPO/revision/REV?blobs=true` lists a commit,
`/REPO/resolve/COMMIT/FILE` redirects large files to storage, which serves ranges.
"""

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

COMMIT = "0123456789abcdef0123456789abcdef01234567"
LATER_COMMIT = "89abcdef0123456789abcdef0123456789abcdef"


@dataclass
class Asked:
    path: str
    headers: dict[str, str]
    storage: bool


@dataclass
class Hub:
    """Repository to branch or commit to files; large ones (`.gguf`, `.safetensors`) in storage."""

    files: dict[str, bytes]
    repository: str = "maker/model"
    commit: str = COMMIT
    branches: tuple[str, ...] = ("main",)
    token: str = ""
    """Wanted, if set; without it the repository is gated."""
    refusals: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    """Status and headers of the next answers, first to last, before any is given."""
    cut_after: list[int] = field(default_factory=list)
    """Bytes after which storage breaks off, one for each of the next transfers."""
    ranges: bool = True
    lies: dict[str, bytes] = field(default_factory=dict)
    """What storage gives instead of a file."""
    listing: bytes | None = None
    """Given instead of the listing."""
    asked: list[Asked] = field(default_factory=list)
    url: str = ""
    storage_url: str = ""

    def transfers(self) -> list[Asked]:
        return [each for each in self.asked if each.storage]


@contextmanager
def serve_hub(hub: Hub) -> Iterator[Hub]:
    """Serve until the block ends; `hub.url` is then its address."""
    servers = [_server(hub, storage=False), _server(hub, storage=True)]
    hub.url, hub.storage_url = (f"http://127.0.0.1:{each.server_port}" for each in servers)
    threads = [threading.Thread(target=each.serve_forever, args=(0.01,)) for each in servers]
    for thread in threads:
        thread.start()
    try:
        yield hub
    finally:
        for server in servers:
            server.shutdown()
            server.server_close()
        for thread in threads:
            thread.join()


def is_large(name: str) -> bool:
    return name.endswith((".gguf", ".safetensors"))


def git_blob(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def _server(hub: Hub, *, storage: bool) -> ThreadingHTTPServer:
    class Handler(_Handler):
        world = hub
        is_storage = storage

    return ThreadingHTTPServer(("127.0.0.1", 0), Handler)


class _Handler(BaseHTTPRequestHandler):
    world: Hub
    is_storage: bool

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        self.world.asked.append(Asked(self.path, dict(self.headers), self.is_storage))
        if self.is_storage:
            name = unquote(path.lstrip("/"))
            self._file(self.world.lies.get(name, self.world.files[name]))
        elif self.world.refusals:
            status, headers = self.world.refusals.pop(0)
            self._answer(status, b"", headers)
        elif self.world.token and self.headers["Authorization"] != f"Bearer {self.world.token}":
            self._answer(401, b"", {"X-Error-Code": "GatedRepo"})
        elif path.startswith("/api/models/"):
            self._list(path.removeprefix("/api/models/"))
        else:
            self._resolve(path)

    def _list(self, path: str) -> None:
        repository, _, revision = path.partition("/revision/")
        if repository != self.world.repository:
            self._answer(404, b"", {"X-Error-Code": "RepoNotFound"})
        elif unquote(revision) not in (*self.world.branches, self.world.commit):
            self._answer(404, b"", {"X-Error-Code": "RevisionNotFound"})
        else:
            siblings = [_sibling(*each) for each in self.world.files.items()]
            body = json.dumps({"id": repository, "sha": self.world.commit, "siblings": siblings})
            self._answer(200, self.world.listing or body.encode())

    def _resolve(self, path: str) -> None:
        start = f"/{self.world.repository}/resolve/{self.world.commit}/"
        name = unquote(path.removeprefix(start))
        if not path.startswith(start) or name not in self.world.files:
            self._answer(404, b"", {"X-Error-Code": "EntryNotFound"})
        elif is_large(name):
            self._answer(302, b"", {"Location": f"{self.world.storage_url}/{name}"})
        else:
            self._file(self.world.lies.get(name, self.world.files[name]))

    def _file(self, data: bytes) -> None:
        start = 0
        headers = {"ETag": f'"{hashlib.sha256(data).hexdigest()}"'}
        wanted = self.headers["Range"]
        if wanted and self.world.ranges:
            start = int(wanted.removeprefix("bytes=").rstrip("-"))
            if start >= len(data):
                self._answer(416, b"", {"Content-Range": f"bytes */{len(data)}"})
                return
            headers["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
        sent = data[start:]
        cut = self.world.cut_after.pop(0) if self.world.cut_after else len(sent)
        self._answer(206 if start else 200, sent[:cut], headers, length=len(sent))

    def _answer(
        self, status: int, body: bytes, headers: dict[str, str] | None = None, length: int = -1
    ) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body) if length < 0 else length))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args: object) -> None:
        """Nothing: the test's output is the test's."""


def _sibling(name: str, data: bytes) -> dict[str, object]:
    entry: dict[str, object] = {"rfilename": name, "size": len(data), "blobId": git_blob(data)}
    if is_large(name):
        sha256 = hashlib.sha256(data).hexdigest()
        entry["lfs"] = {"sha256": sha256, "size": len(data), "pointerSize": 130}
    return entry
