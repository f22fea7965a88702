"""Candidates that were taken back, by a person or by the node: a file that outlasts restarts."""

from pathlib import Path

import msgspec

from hansa.accounts.audit import AuditLog
from hansa.core.clock import Clock
from hansa.core.errors import NotFound, StorageError
from hansa.core.files import exclusive_lock, write_atomic

LOOK_AGAIN_S = 1.0
"""After so long a running node sees what a command did."""

ROLLBACK, RESUME = "canary_rollback", "canary_resume"
"""In the audit log."""


class Rollback(msgspec.Struct, frozen=True):
    """One candidate that answers nobody any more in another model's place."""

    candidate: str
    model: str
    at_ms: int
    reason: str
    by: str
    """As in the audit log: `node`, or who gave the command."""


class Rollbacks:
    """The file of one node; its commands and its process may use it at once."""

    def __init__(self, state_dir: Path, clock: Clock, audit: AuditLog) -> None:
        self.path = state_dir / "canaries.json"
        self._clock = clock
        self._audit = audit
        self._known: dict[str, Rollback] = {}
        self._look_again_s = float("-inf")
        self._stamp: tuple[int, int, int] | None = None

    def known(self) -> dict[str, Rollback]:
        """By candidate; at most a second old.

        A file that is damaged, or cannot be read, raises StorageError.
        """
        now_s = self._clock.monotonic_s()
        if now_s >= self._look_again_s:
            self._known = self._read()
            self._look_again_s = now_s + LOOK_AGAIN_S
        return self._known

    def add(self, candidate: str, model: str, reason: str, by: str) -> Rollback:
        """Take a candidate back; on disk, and then in the audit log, when this returns."""
        made = Rollback(candidate, model, self._clock.now_ms(), reason, by)
        with exclusive_lock(self.path.with_suffix(".lock")):
            self._write(self._read() | {candidate: made})
        details = {"model": model, "candidate": candidate, "reason": reason}
        self._audit.note(by, ROLLBACK, details)
        return made

    def lift(self, candidate: str, by: str) -> Rollback:
        """Let a candidate be tried again. Raises NotFound."""
        with exclusive_lock(self.path.with_suffix(".lock")):
            known = self._read()
            gone = known.pop(candidate, None)
            if gone is None:
                raise NotFound(
                    f"{candidate} was not rolled back", hint="`hansa canary` shows what was"
                )
            self._audit.note(by, RESUME, {"model": gone.model, "candidate": candidate})
            self._write(known)
        return gone

    def _read(self) -> dict[str, Rollback]:
        try:
            status = self.path.stat()
            stamp = (status.st_mtime_ns, status.st_ino, status.st_size)
            if stamp == self._stamp:
                return dict(self._known)
            read = msgspec.json.decode(self.path.read_bytes(), type=list[Rollback])
        except FileNotFoundError:
            self._stamp = None
            return {}
        except (OSError, msgspec.DecodeError) as error:
            raise StorageError(
                f"cannot read {self.path}: {error}", hint="roll back by hand, or restore it"
            ) from error
        self._known = {each.candidate: each for each in read}
        self._stamp = stamp
        return dict(self._known)

    def _write(self, known: dict[str, Rollback]) -> None:
        listed = [known[name] for name in sorted(known)]
        write_atomic(self.path, msgspec.json.format(msgspec.json.encode(listed)) + b"\n")
        self._look_again_s = float("-inf")
