"""What runs inside the sandbox: two processes, so that a candidate cannot reach its judge.

This file's text is given to a bare interpreter; it imports nothing of Hansa. The judge holds the
tests; a child of it, made before the tests are read, defines the candidate and answers its calls.
Only plain values come back, written as literals, so that no object can pose as equal, no patch of
the interpreter reaches the tests, and an exit is no success.
"""

import ast
import builtins
import contextlib
import marshal
import os
import resource
import sys
from collections.abc import Callable, Collection
from decimal import Decimal
from fractions import Fraction
from typing import Any, cast

ANSWER_BYTES_MAX = 16 * 1024**2
LENGTH_BYTES = 8
NOBODY = 65534


def main(limits: dict[str, int], uid: int) -> None:
    """Limit this process, split off the candidate's, judge it, and print the token if it passes."""
    _limit(limits, uid)
    sys.set_int_max_str_digits(0)
    os.write(1, b"begun\n")
    questions, asking = os.pipe()
    answering, answers = os.pipe()
    if not os.fork():
        os.close(asking)
        os.close(answering)
        _stand_alone()
        _serve(questions, answers)
        os._exit(0)
    os.close(questions)
    os.close(answers)
    job = sys.stdin.buffer.read()
    token, program, check, entry = marshal.loads(job)  # noqa: S302 - the caller's own
    _ask(asking, answering, (program, entry))
    tests: dict[str, Any] = {"__name__": "__tests__"}
    exec(compile(check, "tests", "exec"), tests)  # noqa: S102 - the caller's own

    def candidate(*given: Any, **named: Any) -> Any:
        return _ask(asking, answering, (given, named))

    tests[entry] = candidate
    tests["check"](candidate)
    os.write(1, token)


def _limit(limits: dict[str, int], uid: int) -> None:
    """No limit can be raised again; root, whose processes are not counted, becomes nobody.

    Elsewhere than on Linux not every limit is known; there is no sandbox there either.
    """
    for name, limit in limits.items():
        try:
            resource.setrlimit(getattr(resource, name), (limit, limit))
        except (OSError, ValueError):
            if sys.platform == "linux":
                raise
    if os.getuid() == 0 and uid:
        os.setgroups([])
        try:
            os.setresgid(uid, uid, uid)
            os.setresuid(uid, uid, uid)
        except OSError:
            os.setresgid(NOBODY, NOBODY, NOBODY)
            os.setresuid(NOBODY, NOBODY, NOBODY)


def _stand_alone() -> None:
    """The candidate reads nothing and prints nothing but errors."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 0)
    os.dup2(nowhere, 1)


def _serve(questions: int, answers: int) -> None:
    """Define the program, then answer one call after the other until the judge ends."""
    names: dict[str, Any] = {"__name__": "__candidate__"}
    program, entry = marshal.loads(_read(questions))  # noqa: S302 - the judge's

    def define() -> None:
        exec(compile(program, "candidate", "exec"), names)  # noqa: S102 - what a sandbox is for
        names[entry]

    _answer(answers, define)
    while question := _read(questions):
        given, named = marshal.loads(question)  # noqa: S302 - the judge's

        def call(given: Any = given, named: Any = named) -> Any:
            return names[entry](*given, **named)

        _answer(answers, call)


def _answer(answers: int, call: Callable[[], Any]) -> None:
    try:
        said = "=" + literal(call())
    except BaseException as error:  # noqa: BLE001 - whatever the candidate raises is its answer
        said = f"!{type(error).__name__}:{error}"[:2000]
    _write(answers, said.encode(errors="replace"))


def _ask(asking: int, answering: int, question: Any) -> Any:
    """What the candidate's process says to a question; raises what it raised."""
    _write(asking, marshal.dumps(question))
    said = _read(answering).decode()
    if said.startswith("="):
        return ast.literal_eval(said[1:])
    if not said:
        raise RuntimeError("the candidate's process ended")
    name, _, message = said[1:].partition(":")
    kind: Any = vars(builtins).get(name)
    if isinstance(kind, type) and issubclass(kind, Exception):
        with contextlib.suppress(TypeError):
            raise kind(message)
    raise RuntimeError(f"{name}: {message}")


def literal(value: Any) -> str:
    """A plain value as Python writes it; what derives from a plain type counts as that type.

    Raises:
        TypeError: not a plain value.
    """
    if value is None or isinstance(value, bool):
        return repr(value)
    kinds: tuple[Any, ...] = (int, str, bytes, complex)
    for kind in kinds:
        if isinstance(value, kind):
            return kind.__repr__(value)
    if isinstance(value, float):
        return float.__repr__(value).replace("inf", "1e999")
    if isinstance(value, dict):
        pairs = cast("dict[Any, Any]", value).items()
        return "{" + "".join(f"{literal(key)}: {literal(held)}, " for key, held in pairs) + "}"
    if isinstance(value, (list, tuple, set, frozenset)):
        return _sequence(cast("Collection[Any]", value))
    if isinstance(value, (Decimal, Fraction)) and value == float(value):
        return literal(float(value))
    raise TypeError(f"a result of type {type(value).__name__} is no plain value")


def _sequence(values: Collection[Any]) -> str:
    inside = "".join(f"{literal(each)}, " for each in values)
    if isinstance(values, list):
        return f"[{inside}]"
    if isinstance(values, tuple):
        return f"({inside})"
    return f"{{{inside}}}" if inside else "set()"


def _write(to: int, data: bytes) -> None:
    data = len(data).to_bytes(LENGTH_BYTES, "big") + data
    while data:
        data = data[os.write(to, data) :]


def _read(source: int) -> bytes:
    """One message; empty if the other side has ended."""
    length = int.from_bytes(_exactly(source, LENGTH_BYTES), "big")
    if length > ANSWER_BYTES_MAX:
        raise RuntimeError(f"an answer of {length:,} bytes")
    return _exactly(source, length)


def _exactly(source: int, length: int) -> bytes:
    data = bytearray()
    while len(data) < length:
        block = os.read(source, min(length - len(data), 1 << 16))
        if not block:
            return b""
        data += block
    return bytes(data)


if __name__ == "__main__":
    main(ast.literal_eval(sys.argv[1]), int(sys.argv[2]))
