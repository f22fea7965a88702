"""The Hugging Face Hub over HTTP: what a repository holds at a revision, and its files, resumed.

Source: the Hub's API (`/api/models/REPO/revision/REV?blobs=true`, `/REPO/resolve/COMMIT/FILE`) and
the variables of `huggingface_hub`, which are honoured alike. Why not that package: decision 10.
"""

import http.client
import ipaddress
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from typing import IO
from urllib.parse import quote, urlsplit

import msgspec

from hansa import __version__
from hansa.core.errors import ConfigError, IntegrityError
from hansa.models.fetching import READ_BYTES, FetchFailed
from hansa.models.hub_errors import Transient, Trying, refusal, retry_after_s
from hansa.models.part import Part, Remote

ENDPOINT = "https://huggingface.co"
TIMEOUT_S = 30.0
"""Without a byte."""

LISTING_BYTES_MAX = 16 * 1024 * 1024
REDIRECTS_SAFE = ("https", "http")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A repository at one commit."""

    repository: str
    commit: str
    files: tuple[Remote, ...]


class _Lfs(msgspec.Struct):
    sha256: str
    size: int


class _Sibling(msgspec.Struct):
    rfilename: str
    size: int | None = None
    blob_id: str = msgspec.field(name="blobId", default="")
    lfs: _Lfs | None = None


class _Listing(msgspec.Struct):
    sha: str
    siblings: list[_Sibling]


class HubClient:
    """Asks one Hub. Requests go one after the other; a busy Hub is waited for, a few times."""

    def __init__(
        self,
        endpoint: str = ENDPOINT,
        token: str = "",
        *,
        wait: Callable[[float], None] = time.sleep,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        """Raises ConfigError if `endpoint` is no address."""
        self.endpoint = endpoint.rstrip("/")
        parts = urlsplit(self.endpoint)
        if parts.scheme not in REDIRECTS_SAFE or not parts.hostname:
            raise ConfigError(f"HF_ENDPOINT {endpoint!r} is no http(s) address")
        self._token = token if parts.scheme == "https" or _is_loopback(parts.hostname) else ""
        self._wait = wait
        self._timeout_s = timeout_s
        self._opener = urllib.request.build_opener(_Redirects())

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "HubClient":
        """As `huggingface_hub` reads it: HF_ENDPOINT, HF_HUB_OFFLINE, HF_TOKEN or its file.

        Raises:
            FetchFailed: HF_HUB_OFFLINE is set.
            ConfigError: HF_ENDPOINT is no address.
        """
        if environment.get("HF_HUB_OFFLINE", "").upper() in {"1", "TRUE", "YES", "ON"}:
            raise FetchFailed("HF_HUB_OFFLINE is set, so the Hub is not asked", hint="unset it")
        return cls(environment.get("HF_ENDPOINT") or ENDPOINT, find_token(environment))

    def snapshot(self, repository: str, revision: str) -> Snapshot:
        """Resolve a branch, tag or commit, and list what is there.

        Raises:
            NotFound: no such repository or revision.
            FetchFailed: the Hub refused, or could not be reached.
            IntegrityError: it answered with something that is no listing.
        """
        path = f"/api/models/{quote(repository)}/revision/{quote(revision, safe='')}?blobs=true"
        trying = Trying(f"{repository} at {revision}", self._wait)
        while True:
            try:
                with self._open(path, repository) as answer:
                    text = _read_whole(answer)
            except Transient as problem:
                trying.again(problem)
            else:
                return _parse(repository, text)

    def download(
        self, snapshot: Snapshot, remote: Remote, part: Part, report: Callable[[int], None]
    ) -> None:
        """Bring `part` to its whole length, from where it is, and check its digest.

        Args:
            report: told the bytes that are there, as they come.

        Raises:
            NotFound, FetchFailed: the Hub has no such file, refused, or could not be reached.
            IntegrityError: what came is not what the Hub's listing names.
            StorageError: the disk is full.
        """
        path = f"/{quote(snapshot.repository)}/resolve/{snapshot.commit}/{quote(remote.name)}"
        trying = Trying(f"{remote.name} of {snapshot.repository}", self._wait)
        resumed = part.size > 0
        while True:
            before = part.size
            try:
                self._transfer(path, snapshot.repository, part, report)
            except Transient as problem:
                trying.again(problem, progressed=part.size > before)
                continue
            if part.matches():
                return
            part.restart()
            if not resumed:
                raise IntegrityError(
                    f"{remote.name} of {snapshot.repository} arrived with another digest than the "
                    "Hub lists for it",
                    hint="a proxy or mirror on the way may be broken; try again",
                )
            resumed = False

    def _transfer(
        self, path: str, repository: str, part: Part, report: Callable[[int], None]
    ) -> None:
        if part.size == part.remote.bytes:
            return
        with self._open(path, repository, part) as answer:
            if not _continues(answer.status, answer.headers, part):
                part.restart()
            with part.writing() as append:
                while block := _read(answer):
                    append(block)
                    report(part.size)
        if part.size < part.remote.bytes:
            raise Transient(f"broke off after {part.size:,} of {part.remote.bytes:,} bytes")

    def _open(
        self, path: str, repository: str, part: Part | None = None
    ) -> http.client.HTTPResponse:
        request = urllib.request.Request(  # noqa: S310  the scheme was checked
            self.endpoint + path,
            headers={"User-Agent": f"hansa/{__version__}", "Accept-Encoding": "identity"},
        )
        if self._token:
            request.add_header("Authorization", f"Bearer {self._token}")
        if part is not None and part.size:
            request.add_header("Range", f"bytes={part.size}-")
        try:
            return self._opener.open(request, timeout=self._timeout_s)
        except urllib.error.HTTPError as error:
            with error:
                if error.code == 416 and part is not None:
                    part.restart()
                    raise Transient("refused to go on from where it was") from error
                if error.code in {408, 429} or error.code >= 500:
                    wait_s = retry_after_s(error.headers)
                    raise Transient(f"answered {error.code}", wait_s) from error
                raise refusal(error, repository, self.endpoint, bool(self._token)) from error
        except (OSError, http.client.HTTPException) as error:
            raise Transient(f"cannot be reached: {_reason(error)}") from error


def find_token(environment: Mapping[str, str]) -> str:
    """The user's token, from HF_TOKEN or the file that `hf auth login` wrote; empty if neither."""
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        if environment.get(name, "").strip():
            return environment[name].strip()
    cache = Path(environment.get("XDG_CACHE_HOME") or "~/.cache").expanduser()
    home = Path(environment.get("HF_HOME") or cache / "huggingface").expanduser()
    file = Path(environment.get("HF_TOKEN_PATH") or home / "token").expanduser()
    try:
        return file.read_text().strip()
    except (OSError, UnicodeDecodeError):
        return ""


class _Redirects(urllib.request.HTTPRedirectHandler):
    """The token stays with the Hub: storage that it points to gets an address that is signed."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: Message,
        newurl: str,
    ) -> urllib.request.Request | None:
        old, new = urlsplit(req.full_url), urlsplit(newurl)
        if new.scheme not in REDIRECTS_SAFE or (old.scheme, new.scheme) == ("https", "http"):
            raise FetchFailed(f"{old.hostname} sent us to {new.scheme}://{new.hostname}, unsafe")
        request = super().redirect_request(req, fp, code, msg, headers, newurl)  # type: ignore[arg-type]  typeshed wants its own message class
        if request is not None and (old.scheme, old.netloc) != (new.scheme, new.netloc):
            request.remove_header("Authorization")
        return request


def _continues(status: int, headers: Mapping[str, str] | Message, part: Part) -> bool:
    """Whether the answer goes on where the part ends; else it starts anew."""
    return status == 206 and str(headers.get("Content-Range", "")).startswith(f"bytes {part.size}-")


def _read(answer: http.client.HTTPResponse) -> bytes:
    try:
        return answer.read1(READ_BYTES)
    except (OSError, http.client.HTTPException) as error:
        raise Transient(f"broke off: {_reason(error)}") from error


def _read_whole(answer: http.client.HTTPResponse) -> bytes:
    blocks: list[bytes] = []
    while block := _read(answer):
        blocks.append(block)
        if sum(map(len, blocks)) > LISTING_BYTES_MAX:
            raise IntegrityError(f"the Hub's listing is over {LISTING_BYTES_MAX:,} bytes")
    if answer.length:
        raise Transient("broke off in its listing")
    return b"".join(blocks)


def _parse(repository: str, text: bytes) -> Snapshot:
    try:
        listing = msgspec.json.decode(text, type=_Listing)
        return Snapshot(
            repository,
            _commit(listing.sha),
            tuple(
                Remote(each.rfilename, each.lfs.size, sha256=each.lfs.sha256)
                if each.lfs
                else Remote(each.rfilename, each.size or 0, git_blob=each.blob_id)
                for each in listing.siblings
            ),
        )
    except (msgspec.DecodeError, ValueError) as error:
        raise IntegrityError(f"the Hub's listing of {repository} is none: {error}") from error


def _commit(text: str) -> str:
    if len(text) != 40 or not text.isalnum():
        raise ValueError(f"{text[:64]!r} is no commit")
    return text


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "it stayed silent"
    inner = error.reason if isinstance(error, urllib.error.URLError) else error
    return str(inner) or type(inner).__name__
