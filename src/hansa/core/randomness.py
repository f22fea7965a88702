"""Random names that nobody can guess, without a call to the system for each."""

import os

POOL_BYTES = 4096


class Pool:
    """Hands out the system's random bytes from a supply it fetches ahead; each byte once.

    On a virtual machine a call for 16 bytes takes as long as half of what a request costs
    otherwise (docs/log.md). Not to be shared with a forked child.
    """

    def __init__(self) -> None:
        self._supply = b""
        self._at = 0

    def hex(self, count: int) -> str:
        """`count` fresh random bytes, at most `POOL_BYTES`, as twice as many hex digits."""
        if self._at + count > len(self._supply):
            self._supply, self._at = os.urandom(POOL_BYTES), 0
        taken = self._supply[self._at : self._at + count]
        self._at += count
        return taken.hex()
