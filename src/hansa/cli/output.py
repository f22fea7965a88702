"""What commands print: data on stdout, everything said to a person on stderr."""

import sys
from typing import Any

import click
import msgspec

from hansa.core.errors import HansaError, PolicyRefusal


def print_json(value: Any) -> None:
    """Print a msgspec Struct or plain value as one indented JSON document."""
    encoded = msgspec.json.encode(value)
    print(msgspec.json.format(encoded, indent=2).decode())


def print_json_line(value: Any) -> None:
    """Print a value as JSON on one line, for commands that go on."""
    print(msgspec.json.encode(value).decode())


def say(text: str) -> None:
    """Tell the person something, on stderr."""
    print(text, file=sys.stderr)


def say_or_log(text: str, event: str, **fields: object) -> None:
    """Tell a person at a terminal `text`; leave a line of the log where nobody sits at one."""
    if sys.stderr.isatty():
        say(text)
        return
    import structlog

    structlog.get_logger().info(event, **fields)


def print_error(error: HansaError) -> None:
    """Print what happened and what to do, on stderr."""
    rule = f" [rule: {error.rule}]" if isinstance(error, PolicyRefusal) else ""
    click.echo(f"{click.style('error:', fg='red')} {error.message}{rule}", err=True)
    if error.hint:
        click.echo(f"{click.style('hint:', fg='cyan')} {error.hint}", err=True)
