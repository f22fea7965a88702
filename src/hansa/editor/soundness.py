"""Whether code is whole, as far as can be told without running it."""

import ast
import warnings

from hansa.index.languages import language_of, parses


def is_sound(path: str, text: str) -> bool:
    """Whether `text` parses; Python by its own parser too, as the other forgives empty bodies."""
    if not parses(path, text.encode()):
        return False
    if language_of(path) != "python":
        return True
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)
        try:
            ast.parse(text)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return False
    return True
