"""Signatures on requests to AWS.

Source: AWS Identity and Access Management, "Create a signed AWS API request" (Signature Version 4).
"""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import quote

ALGORITHM = "AWS4-HMAC-SHA256"

Pairs = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Credentials:
    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str = field(default="", repr=False)
    """Of credentials that are lent for a while; else empty."""


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs requests to one service in one region."""

    credentials: Credentials
    region: str
    service: str

    def headers(
        self,
        method: str,
        path: str,
        headers: Pairs,
        body: bytes,
        now_ms: int,
        *,
        query: Pairs = (),
    ) -> list[tuple[str, str]]:
        """What to send besides `headers`, all of which are signed; `host` has to be among them.

        `path` is as it is sent, percent-encoded once; `query` is not encoded; `now_ms` is since
        the epoch.
        """
        time = datetime.fromtimestamp(now_ms // 1000, UTC).strftime("%Y%m%dT%H%M%SZ")
        added = [("x-amz-date", time)]
        if self.credentials.session_token:
            added.append(("x-amz-security-token", self.credentials.session_token))
        given = [(name.lower(), " ".join(value.split())) for name, value in headers]
        signed = sorted([*given, *added])
        names = ";".join(name for name, _ in signed)
        canonical = "\n".join(
            [
                method,
                _encode(path, keep="/"),
                "&".join(f"{name}={value}" for name, value in _encoded(query)),
                *(f"{name}:{value}" for name, value in signed),
                "",
                names,
                hashlib.sha256(body).hexdigest(),
            ]
        )
        scope = f"{time[:8]}/{self.region}/{self.service}/aws4_request"
        digest = hashlib.sha256(canonical.encode()).hexdigest()
        text = f"{ALGORITHM}\n{time}\n{scope}\n{digest}"
        signature = hmac.digest(self._key(time[:8]), text.encode(), "sha256").hex()
        credential = f"{self.credentials.access_key_id}/{scope}"
        authorization = (
            f"{ALGORITHM} Credential={credential}, SignedHeaders={names}, Signature={signature}"
        )
        return [*added, ("authorization", authorization)]

    def _key(self, day: str) -> bytes:
        key = f"AWS4{self.credentials.secret_access_key}".encode()
        for part in (day, self.region, self.service, "aws4_request"):
            key = hmac.digest(key, part.encode(), "sha256")
        return key


def _encoded(query: Pairs) -> list[tuple[str, str]]:
    return sorted((_encode(name), _encode(value)) for name, value in query)


def _encode(text: str, keep: str = "") -> str:
    return quote(text, safe=f"-_.~{keep}")
