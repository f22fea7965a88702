"""Whether a file is valid in its language."""

import ast
import warnings

from hansa.index.languages import language_of, parses

_UNSURE = frozenset({"c", "cpp"})
"""A macro can stand where no grammar expects it, so an error says little."""


def valid(path: str, text: str) -> bool:
    """Whether the file parses: Python by this interpreter, others by their grammar."""
    language = language_of(path)
    if language == "python":
        return _valid_python(text)
    return language in _UNSURE or parses(path, text.encode("utf-8", "replace"))


def _valid_python(text: str) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True
