"""As much of HTTP/1.1 as the load generators need."""

import re

ANSWER_MAX_BYTES = 1 << 20

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)


def is_whole(answer: bytearray) -> bool:
    """Whether the bytes are one whole answer, of a stated length or in chunks.

    Raises:
        ValueError: it is no success, or longer than any answer here.
    """
    end = answer.find(b"\r\n\r\n")
    if end < 0:
        return False
    if not answer.startswith(b"HTTP/1.1 200 ") or len(answer) > ANSWER_MAX_BYTES:
        raise ValueError(bytes(answer[:500]).decode(errors="replace"))
    if found := _LENGTH.search(answer, 0, end + 2):
        return len(answer) - end - 4 >= int(found[1])
    return answer.endswith(b"0\r\n\r\n")
