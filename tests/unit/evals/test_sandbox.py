"""Code of models in its sandbox, and the ways out of it that a candidate might try."""

import asyncio
import json
import os
import shutil
from pathlib import Path

import pytest

from hansa.core.errors import ConfigError
from hansa.evals import sandbox
from hansa.evals.problems import Problem
from hansa.evals.sandbox import PROCESSES_MAX, check_isolation, run

CHECK = "def check(candidate):\n    assert candidate(2) == 3\n"
RIGHT = "def f(x): return x + 1\n"
SHORT_S = 0.5


@pytest.fixture(scope="module", autouse=True)
def isolates() -> None:
    if not shutil.which("bwrap"):
        pytest.skip("bubblewrap is missing; scripts/setup-sandbox.sh installs it where it can")
    try:
        asyncio.run(check_isolation())
    except ConfigError as error:
        pytest.skip(str(error))


async def _returns(program: str) -> object:
    """What `f()` of the program returns inside; JSON, so that it can be read here."""
    check = f"def check(candidate):\n    raise ValueError({MARK!r} + candidate() + {MARK!r})\n"
    verdict = await run(f"import json\n{program}", check, "f")
    assert verdict.outcome == "failed"
    return json.loads(verdict.said.split(MARK)[-2])


MARK = "@@"


@pytest.mark.parametrize(
    ("program", "outcome"),
    [
        (RIGHT, "passed"),
        ("def f(x): return x", "failed"),
        ("def f(x): raise KeyError(x)", "failed"),
        ("def g(x): return x + 1", "failed"),
        ("def f(x) return", "failed"),
        ("", "failed"),
    ],
)
async def test_right_passes_and_wrong_fails(program: str, outcome: str):
    assert (await run(program, CHECK, "f")).outcome == outcome


async def test_what_never_ends_is_ended():
    verdict = await run("def f(x):\n    while True: pass", CHECK, "f", timeout_s=SHORT_S)
    assert verdict.outcome == "timed out"


async def test_tests_may_use_the_functions_name():
    check = "def check(candidate):\n    assert f(2) == candidate(2) == 3\n"
    assert (await run(RIGHT, check, "f")).outcome == "passed"


async def test_exceptions_reach_the_tests_by_their_kind():
    check = (
        "def check(candidate):\n"
        "    try:\n        candidate(1)\n    except ZeroDivisionError:\n        return\n"
        "    raise AssertionError\n"
    )
    assert (await run("def f(x): return x / 0", check, "f")).outcome == "passed"
    assert (await run("def f(x): return x", check, "f")).outcome == "failed"


@pytest.mark.parametrize(
    "value",
    [
        "(1, 'a', b'b', None, True, 2.5, 1j)",
        "[float('inf'), -float('inf')]",
        "{1, 2}",
        "set()",
        "{'a': [1, (2,)], 3: {}}",
        "10 ** 5000",
    ],
)
async def test_plain_values_come_back_as_they_are(value: str):
    check = f"def check(candidate):\n    assert candidate() == {value}\n"
    assert (await run(f"def f(): return {value}", check, "f")).outcome == "passed"


async def test_what_derives_from_a_plain_type_counts_as_it():
    program = "from collections import Counter\nfrom fractions import Fraction\n"
    program += "def f(): return [Counter('aab'), Fraction(1, 2)]"
    check = "def check(candidate):\n    assert candidate() == [{'a': 2, 'b': 1}, 0.5]\n"
    assert (await run(program, check, "f")).outcome == "passed"


@pytest.mark.parametrize(
    "program",
    [
        "import os\nos._exit(0)",
        "import sys\nsys.exit(0)",
        "raise SystemExit(0)",
        "import os\ndef f(x): os._exit(0)",
        "import sys\ndef f(x): sys.exit(0)",
        "import os, signal\ndef f(x): os.kill(os.getpid(), signal.SIGTERM)",
    ],
)
async def test_an_exit_is_no_success(program: str):
    assert (await run(program, CHECK, "f")).outcome == "failed"


@pytest.mark.parametrize(
    "program",
    [
        "import builtins\nbuiltins.AssertionError = None\ndef f(x): return 0",
        "import builtins\nfor name in dir(builtins):\n"
        "    if 'rror' in name: setattr(builtins, name, type(name, (BaseException,), {}))\n"
        "def f(x): return 0",
        "class Same(int):\n    def __eq__(self, other): return True\ndef f(x): return Same(0)",
        "class Same:\n    def __eq__(self, other): return True\ndef f(x): return Same()",
        "import sys\nsys.excepthook = lambda *a: None\ndef f(x): return 0",
        "import ast, marshal\nast.literal_eval = marshal.loads = lambda _: 3\ndef f(x): return 0",
        "import sys\nsys.settrace(lambda *a: None)\nsys.modules.clear()\ndef f(x): return 0",
        "def check(candidate): pass\ndef f(x): return 0",
    ],
)
async def test_patches_do_not_reach_the_tests(program: str):
    assert (await run(program, CHECK, "f")).outcome == "failed"


async def test_neither_tests_nor_token_are_in_the_candidates_memory():
    program = (
        "import gc, sys\n"
        "def f():\n"
        "    frame, seen = sys._getframe(), []\n"
        "    while frame: seen.append(repr(frame.f_locals)); frame = frame.f_back\n"
        "    seen += [repr(each) for each in gc.get_objects() if isinstance(each, (dict, tuple))]\n"
        "    words = ('SECRET-TEST'.replace('-', ''), 'sys')\n"
        "    return json.dumps([word in ' '.join(seen) for word in words])\n"
    )
    check = f"SECRETTEST = 'SECRETTEST'\ndef check(candidate): raise ValueError({MARK!r} + "
    verdict = await run(f"import json\n{program}", f"{check}candidate() + {MARK!r})", "f")
    assert json.loads(verdict.said.split(MARK)[-2]) == [False, True]


async def test_writing_to_every_descriptor_makes_no_success():
    program = (
        "import os\n"
        "for fd in range(64):\n"
        "    try: os.write(fd, b'begun\\n' + b'0' * 32)\n"
        "    except OSError: pass\n"
        "def f(x): return 3\n"
    )
    assert (await run(program, CHECK, "f", timeout_s=SHORT_S)).outcome != "passed"


@pytest.mark.parametrize(
    "kill",
    [
        "os.kill(os.getppid(), signal.SIGKILL)",
        "os.kill(os.getppid(), signal.SIGSTOP)",
        "os.kill(-1, signal.SIGKILL)",
        "os.kill(1, signal.SIGKILL)",
        "os.killpg(0, signal.SIGKILL)",
    ],
)
async def test_killing_the_judge_is_no_success(kill: str):
    program = f"import os, signal\ndef f(x):\n    {kill}\n    return 0\n"
    assert (await run(program, CHECK, "f", timeout_s=SHORT_S)).outcome != "passed"


async def test_a_hundred_children_are_too_many():
    program = (
        "import os\n"
        "def f():\n"
        "    held, hold = os.pipe()\n"
        "    for made in range(100):\n"
        "        try: child = os.fork()\n"
        "        except OSError: return json.dumps(made)\n"
        "        if not child:\n"
        "            os.close(hold)\n"
        "            os.read(held, 1)\n"
        "            os._exit(0)\n"
        "    return json.dumps(100)\n"
    )
    made = await _returns(program)
    assert isinstance(made, int)
    assert made < PROCESSES_MAX


@pytest.mark.usefixtures("counted")
async def test_a_fork_bomb_is_held_and_ended():
    program = (
        "import os\n"
        "def f(x):\n"
        "    while True:\n"
        "        try: os.fork()\n"
        "        except OSError: pass\n"
    )
    verdict = await run(program, CHECK, "f", timeout_s=SHORT_S)
    assert verdict.outcome == "timed out"
    assert (await run(RIGHT, CHECK, "f")).outcome == "passed"


@pytest.fixture
async def counted() -> None:
    """Processes are counted: without that, a fork bomb would hold this machine."""
    await test_a_hundred_children_are_too_many()


async def test_what_it_starts_ends_with_it():
    program = (
        "import os, time\n"
        "def f(x):\n"
        "    if not os.fork():\n"
        "        os.setsid()\n"
        "        if not os.fork(): time.sleep(1000)\n"
        "        os._exit(0)\n"
        "    return 3\n"
    )
    assert (await run(program, CHECK, "f")).outcome == "passed"


@pytest.mark.parametrize(
    "program",
    [
        "def f(x): return len(bytearray(1 << 40))",
        "def f(x):\n    kept = []\n    while True: kept.append(bytearray(1 << 24))",
        "def f(x): return 'x' * (1 << 26)",
        "def f(x): return 1 << (1 << 62)",
    ],
)
async def test_a_memory_bomb_bursts_inside(program: str):
    assert (await run(program, CHECK, "f")).outcome == "failed"


@pytest.mark.parametrize("folder", ["/tmp", "/dev/shm", "/dev", "/"])
async def test_files_are_few_bytes_or_none(folder: str):
    program = (
        "import os\n"
        "def f():\n"
        "    written = 0\n"
        "    try:\n"
        "        for number in range(64):\n"
        f"            with open(os.path.join({folder!r}, f'big{{number}}'), 'wb', 0) as file:\n"
        "                written += file.write(b'x' * (1 << 20))\n"
        "    except OSError: pass\n"
        "    return json.dumps(written)\n"
    )
    written = await _returns(program)
    assert isinstance(written, int)
    assert written <= (sandbox.FOLDER_BYTES if folder == "/tmp" else 0)


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """A file that anyone may write, so that only the sandbox is in the way."""
    path = tmp_path / "mine"
    path.write_text("kept")
    tmp_path.chmod(0o777)
    path.chmod(0o666)
    return path


async def test_files_outside_are_neither_written_nor_read(
    mine: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("HANSA_API_KEY", "secret")
    program = (
        "import os\n"
        "def f():\n"
        "    done = []\n"
        f"    for path in ({str(mine)!r}, '/usr/new', '/lib/new', '/etc/passwd', '/proc/1/mem',\n"
        "            '/proc/self/mem', '/sys/new'):\n"
        "        for mode in 'rw':\n"
        "            try: open(path, mode).close(); done.append(path)\n"
        "            except OSError: pass\n"
        "    return json.dumps(done + [name for name in os.environ if 'HANSA' in name])\n"
    )
    assert await _returns(program) == []
    assert mine.read_text() == "kept"  # noqa: ASYNC240 - a local file, four bytes


async def test_there_is_no_network():
    program = (
        "import socket\n"
        "def f():\n"
        "    done = []\n"
        "    for family in (socket.AF_INET, socket.AF_INET6, socket.AF_UNIX, socket.AF_NETLINK):\n"
        "        try: socket.socket(family).close(); done.append(int(family))\n"
        "        except OSError: pass\n"
        "    return json.dumps(done)\n"
    )
    assert await _returns(program) == []


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="numbers of x86-64")
async def test_calls_that_no_solution_needs_are_refused():
    program = (
        "import ctypes, os\n"
        "def f():\n"
        "    libc = ctypes.CDLL(None, use_errno=True)\n"
        "    user = 0x10000000\n"
        "    calls = {'unshare': (272, user), 'clone': (56, user | 17), 'clone3': (435, 0, 0),\n"
        "        'x32': (0x40000000 | 39,), 'ptrace': (101, 16, os.getppid(), 0, 0),\n"
        "        'readv': (310, os.getppid(), 0, 0, 0, 0, 0), 'mount': (165, 0, 0, 0, 0, 0),\n"
        "        'memfd': (319, b'x', 0), 'shm': (29, 0, 4096, 0o1600), 'bpf': (321, 0, 0, 0),\n"
        "        'getfd': (438, 0, 0, 0), 'keys': (250, 0, 0, 0), 'rings': (425, 1, 0)}\n"
        "    made = {}\n"
        "    for name, call in calls.items():\n"
        "        if libc.syscall(*call) >= 0: made[name] = 0\n"
        "        else: made[name] = ctypes.get_errno()\n"
        "    return json.dumps(made)\n"
    )
    made = await _returns(program)
    assert isinstance(made, dict)
    assert made.pop("clone3") == 38
    assert set(made.values()) == {1}, made


async def test_much_output_does_no_harm():
    program = "import sys\ndef f(x):\n    sys.stderr.write('x' * (1 << 24))\n    return 3\n"
    verdict = await run(program, CHECK, "f")
    assert verdict.outcome == "passed"
    assert len(verdict.said) <= 2000


async def test_solutions_of_humaneval_pass_and_empty_ones_fail(problems: tuple[Problem, ...]):
    for each in (problems[0], problems[32], problems[33], problems[38], problems[50]):
        check = each.prompt + each.test
        right = await run(each.prompt + each.canonical_solution, check, each.entry_point)
        assert right.outcome == "passed", (each.task_id, right.said)
        assert (await run(each.prompt, check, each.entry_point)).outcome == "failed"
