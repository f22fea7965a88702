"""Structured logs on stderr: snake_case events with fields, never the text of a prompt."""

import contextlib
import logging
import sys
from typing import TextIO, cast

import structlog


def configure_logs(level: str) -> None:
    """Send events of `level` and above to stderr: coloured lines on a terminal, else JSON.

    What libraries log, and Python's warnings, become lines of the same form; from `warning` up.
    """
    renderer: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer()
        if sys.stderr.isatty()
        else structlog.processors.JSONRenderer()
    )
    number = logging.getLevelNamesMapping()[level.upper()]
    said: list[structlog.typing.Processor] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    shown: list[structlog.typing.Processor] = [structlog.processors.format_exc_info, renderer]
    _take_in_libraries(max(number, logging.WARNING), said, shown)
    structlog.configure(
        processors=[*said, *shown],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(cast("TextIO", _Unfailing())),
        cache_logger_on_first_use=True,
    )


class _OfLibraries(logging.StreamHandler[TextIO]):
    """Writes what came through Python's `logging`."""


def _take_in_libraries(
    level: int, said: list[structlog.typing.Processor], shown: list[structlog.typing.Processor]
) -> None:
    """Have the standard library's logging write as we do: uvicorn, asyncio and others use it."""
    handler = _OfLibraries(cast("TextIO", _Unfailing()))
    handler.setLevel(level)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *said],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *shown],
        )
    )
    root = logging.getLogger()
    for earlier in [each for each in root.handlers if isinstance(each, _OfLibraries)]:
        root.removeHandler(earlier)
    root.addHandler(handler)
    logging.captureWarnings(capture=True)


class _Unfailing:
    """Standard error, except that a full disk behind it fails no request; the line is lost."""

    def write(self, text: str) -> None:
        with contextlib.suppress(OSError):
            sys.stderr.write(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError):
            sys.stderr.flush()
