"""The harness is checked by what must pass and what must not."""

from hansa.evals import sandbox
from hansa.evals.correctness import examine
from hansa.evals.humaneval import Judge
from hansa.evals.problems import Problem

GOOD = Problem(
    "T/0", "def f():\n    ''''''\n", "f", "    return 1\n", "def check(c): assert c() == 1"
)
TOO_EASY = Problem("T/1", "def f():\n    ''''''\n", "f", "    return 1\n", "def check(c): pass")
WRONG = Problem(
    "T/2", "def f():\n    ''''''\n", "f", "    return 2\n", "def check(c): assert c() == 1"
)


async def test_each_mistake_of_the_harness_is_named():
    done = await examine([GOOD], Judge(unsafe=True))
    assert done.holds
    seen: list[tuple[int, int]] = []
    done = await examine([GOOD, TOO_EASY, WRONG], Judge(unsafe=True), lambda *at: seen.append(at))
    assert not done.holds
    assert (done.solutions_passed, done.empty_passed, done.problems) == (2, 1, 3)
    assert [each.split(":")[0] for each in done.wrong] == ["T/2 failed", "T/1 passed"]
    assert seen[-1] == (6, 6)


async def test_a_program_that_hangs_is_not_waited_for():
    hangs = Problem("T/3", "def f():\n    ''''''\n", "f", "", GOOD.test)
    verdict = await Judge(unsafe=True, timeout_s=0.2).run(hangs, "def f():\n    while True: pass")
    assert verdict == sandbox.Verdict("timed out", "no end within 0.2 s")
