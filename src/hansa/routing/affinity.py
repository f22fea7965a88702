"""Which replica saw the beginning of a prompt lately: its cache makes it faster."""

import functools
from collections import OrderedDict

BLOCK_CHARS = 64
BLOCKS_MAX = 256
"""Only the first 16,384 characters are remembered."""

ENTRIES_MAX = 16_384


class PrefixMemory:
    """Hashes of prompt beginnings, by replica; bounded, the oldest is forgotten first."""

    def __init__(self) -> None:
        self._seen: OrderedDict[tuple[str, int, int], None] = OrderedDict()

    def remember(self, replica: str, prompt: str) -> None:
        """Note that `replica` has just read `prompt`."""
        for block in _blocks(prompt):
            key = (replica, *block)
            self._seen[key] = None
            self._seen.move_to_end(key)
        while len(self._seen) > ENTRIES_MAX:
            self._seen.popitem(last=False)

    def forget(self, replica: str) -> None:
        """Drop what is known of a replica that was restarted."""
        for key in [key for key in self._seen if key[0] == replica]:
            del self._seen[key]

    def warm_chars(self, replica: str, prompt: str) -> int:
        """Characters at the beginning of `prompt` that `replica` has read before."""
        warm = 0
        for count, digest in _blocks(prompt):
            if (replica, count, digest) not in self._seen:
                break
            warm = count
        return warm


@functools.lru_cache(maxsize=8)
def _blocks(prompt: str) -> list[tuple[int, int]]:
    """Lengths of growing beginnings, each with the hash of its last block and all before."""
    blocks: list[tuple[int, int]] = []
    digest = 0
    for start in range(0, min(len(prompt), BLOCK_CHARS * BLOCKS_MAX), BLOCK_CHARS):
        block = prompt[start : start + BLOCK_CHARS]
        digest = hash((digest, block))
        blocks.append((start + len(block), digest))
    return blocks
