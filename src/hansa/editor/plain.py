"""Text of others on its way to a terminal or a file, and text of ours on its way out."""

from hansa.core.errors import UserError

_CONTROL = {code: None for code in (*range(32), *range(127, 160)) if chr(code) not in "\t\n"}


def plain(text: str) -> str:
    """`text` without control characters, so that no member can steer the reader's terminal."""
    return text.translate(_CONTROL)


def check_words(text: str, what: str, chars_max: int) -> str:
    """Words typed by a person, stripped.

    Raises:
        UserError: none, too many, or bytes that are no text.
    """
    text = text.strip()
    if not 0 < len(text) <= chars_max:
        raise UserError(f"{what} has {len(text)} characters; it must have 1 to {chars_max}")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise UserError(f"{what} holds bytes that are not UTF-8") from error
    return text
