"""What goes wrong with the Hub: what is worth another try, and what to tell its user."""

import email.utils
import time
import urllib.error
from collections.abc import Callable, Mapping
from email.message import Message

from hansa.core.errors import HansaError, NotFound
from hansa.models.fetching import FetchFailed

TRIES_MAX = 5
"""In a row without a new byte."""

TRIES_ALL_MAX = 50
PAUSE_S = 1.0
"""Before the second try; doubled each time."""

PAUSE_S_MAX = 120.0
"""A Hub that asks for more is not waited for."""


class Transient(Exception):
    """Worth another try, after `wait_s` if the Hub said so."""

    def __init__(self, message: str, wait_s: float | None = None) -> None:
        super().__init__(message)
        self.wait_s = wait_s


class Trying:
    """Counts tries and waits between them, longer each time."""

    def __init__(self, what: str, wait: Callable[[float], None]) -> None:
        self._what = what
        self._wait = wait
        self._in_a_row = 0
        self._all = 0

    def again(self, problem: Transient, *, progressed: bool = False) -> None:
        """Wait, or give up.

        Raises:
            FetchFailed: it was tried often enough, or the Hub asks for more patience than that.
        """
        self._all += 1
        self._in_a_row = 1 if progressed else self._in_a_row + 1
        if self._in_a_row >= TRIES_MAX or self._all >= TRIES_ALL_MAX:
            raise FetchFailed(
                f"could not fetch {self._what}: the Hub {problem}",
                hint="check the network; the same command goes on where this one ended",
            ) from problem
        pause_s = PAUSE_S * 2 ** (self._in_a_row - 1) if problem.wait_s is None else problem.wait_s
        if pause_s > PAUSE_S_MAX:
            raise FetchFailed(
                f"could not fetch {self._what}: the Hub {problem} and asks to wait {pause_s:.0f} s",
                hint="try again then; the same command goes on where this one ended",
            ) from problem
        self._wait(pause_s)


def retry_after_s(headers: Mapping[str, str] | Message) -> float | None:
    """Seconds that the `Retry-After` header asks for; None if it asks for none."""
    text = str(headers.get("Retry-After") or "").strip()
    if text.isdigit():
        return float(text[:9])
    try:
        return max(0.0, email.utils.parsedate_to_datetime(text).timestamp() - time.time())
    except ValueError:
        return None


def refusal(
    error: urllib.error.HTTPError, repository: str, endpoint: str, has_token: bool
) -> HansaError:
    """What to raise for an answer that no other try would change.

    Source: the header `X-Error-Code`, as `huggingface_hub` reads it.
    """
    code = error.headers.get("X-Error-Code", "")
    if code == "GatedRepo" or (error.code == 403 and not code):
        return FetchFailed(
            f"{repository} is gated: its maker wants its terms accepted first",
            hint=f"accept them at {endpoint}/{repository}, "
            + ("with the account of your token" if has_token else "then set HF_TOKEN"),
        )
    if code == "RevisionNotFound":
        return NotFound(f"{repository} has no such revision", hint=f"see {endpoint}/{repository}")
    if code == "EntryNotFound":
        return NotFound(f"{repository} has no such file", hint=f"see {endpoint}/{repository}")
    if code == "RepoNotFound" or error.code in {401, 404}:
        return NotFound(
            f"the Hub shows no repository {repository}",
            hint="check its name"
            + (" and your token" if has_token else "; a private one needs HF_TOKEN"),
        )
    return FetchFailed(f"the Hub refused {repository}: {error.code} {error.reason}")
