"""What the demo shows, step by step; each step checks that it really happened."""

import importlib.util
import os
import shutil
import signal
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hansa.core.bounds import COMPLETE_BUDGET_MS
from hansa.core.money import format_usd
from hansa.demo import league
from hansa.demo.stage import Member, Ran, StepFailed, done, require, run, wait_for

PACKAGE = "rich"
"""The codebase the developer works on: a copy of it, from this program's own environment."""

POSITIONS = (
    ("table.py", "return self._expand or "),
    ("panel.py", "subtitle_text.plain = "),
    ("measure.py", "return Measurement(max(minimum, width), "),
    ("table.py", "self._expand = "),
)
"""A file, and a line up to which the developer has typed; its rest is cut out of the copy."""

EDIT_FILE = "bar.py"
EDIT = "add a docstring to __repr__"
QUESTION = "how does a table measure the width of its columns?"

Tell = Callable[[str], None]


@dataclass(slots=True)
class Story:
    """What happened; `hansa demo --json` prints it."""

    steps: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    seconds: float = 0.0


class Demo:
    """Three members, one developer. `tell` is given each line a reader sees."""

    def __init__(self, folder: Path, model_dir: Path, tell: Tell) -> None:
        self._folder = folder
        self._model_dir = model_dir
        self._tell = tell
        self._maker, self._compute, self._editor = league.members(folder)
        self._members = (self._maker, self._compute, self._editor)
        self._repository = folder / "work" / PACKAGE
        self._developer: dict[str, str] = {}
        self._operator: dict[str, str] = {}
        self.story = Story()

    def play(self) -> None:
        """Every step in order; raises StepFailed at the first that did not happen."""
        began_s = time.monotonic()
        try:
            self._found()
            self._start()
            self._index()
            self._complete()
            self._edit()
            self._ask()
            self._refuse()
            self._lose_a_replica()
            self._lose_a_member()
            self._settle()
        finally:
            for each in self._members:
                each.stop()
            self.story.seconds = round(time.monotonic() - began_s, 1)

    def _found(self) -> None:
        with self._step("A league of three, founded with files passed by hand") as facts:
            verified = league.found(self._folder, *self._members).json()
            facts.update(verified)
            self._tell("maker (eu) offers the model, compute (us) two replicas, editor (eu) its")
            self._tell("developer; 2 of 3 signatures needed, maker and compute signed")
            shown = done(run("league", "show", self._folder / "charter.json", "--json")).json()
            facts["charter"] = shown

    def _start(self) -> None:
        with self._step("Three nodes, each with its own keys, configuration and state") as facts:
            charter = self._folder / "charter.json"
            for each in self._members:
                replicas = ("r1", "r2") if each is self._compute else ()
                league.configure(each, charter, self._model_dir, replicas)
            self._developer = {
                "HANSA_NODE_URL": self._editor.url,
                "HANSA_API_KEY": league.api_key(self._editor, "developer"),
                "HANSA_STATE_DIR": str(self._folder / "developer"),
            }
            self._operator = {
                "HANSA_NODE_URL": self._compute.url,
                "HANSA_API_KEY": league.api_key(self._compute, "operator"),
                "HANSA_STATE_DIR": str(self._folder / "operator"),
            }
            began_s = time.monotonic()
            for each in self._members:
                each.start()
            for each in self._members:
                each.wait_ready()
            self._wait_for_replicas(2)
            facts["ready_s"] = round(time.monotonic() - began_s, 2)
            facts["nodes"] = {each.id: {"url": each.url, "pid": each.pid} for each in self._members}
            for each in self._members:
                self._tell(f"{each.id:<8} {each.url}  process {each.pid}")
            self._tell(f"all see each other after {facts['ready_s']} s")

    def _index(self) -> None:
        with self._step(f"The developer's codebase: a copy of {PACKAGE}") as facts:
            found = importlib.util.find_spec(PACKAGE)
            require(bool(found and found.origin), f"{PACKAGE} is installed here")
            assert found
            assert found.origin
            source = Path(found.origin).parent
            shutil.copytree(source, self._repository, ignore=shutil.ignore_patterns("__pycache__"))
            (self._repository / "pyproject.toml").write_text(f'[project]\nname = "{PACKAGE}"\n')
            report = done(self._ask_developer("index", self._repository, "--json")).json()
            require(report["files"] > 50, "the package was indexed")
            facts.update(report)
            self._tell(
                f"{report['files']} files in {report['chunks']} chunks, {report['seconds']:.2f} s"
            )

    def _complete(self) -> None:
        with self._step(f"Completions at real positions, budget {COMPLETE_BUDGET_MS} ms") as facts:
            told: list[dict[str, Any]] = []
            for file, typed in POSITIONS:
                with self._typed(file, typed) as (place, rest):
                    self._tell(f"{file}: {typed}")
                    for cache in ("cold", "warm"):
                        reply = self._completion(place)
                        told.append({"file": file, "typed": typed, "cache": cache, **reply})
                        self._served(reply, cache)
                same = "as its author did" if reply["text"].strip() == rest else f"author: {rest}"
                self._show(f"{typed}{reply['text']}    [{same}]")
            facts["completions"] = told

    def _edit(self) -> None:
        with self._step(f'An edit in words: {EDIT_FILE}, "{EDIT}"') as facts:
            path = self._repository / EDIT_FILE
            before = path.read_text()
            told = done(self._ask_developer("edit", path, EDIT, "--yes", "--json")).json()
            require(told["applied"], "the edit was applied")
            require(path.read_text() != before, "the file has changed")
            compile(path.read_text(), EDIT_FILE, "exec")
            facts.update(told)
            self._show(told["diff"])
            self._served(told)

    def _ask(self) -> None:
        with self._step(f'A question about the codebase: "{QUESTION}"') as facts:
            ran = done(self._ask_developer("ask", QUESTION, "--path", self._repository, "--json"))
            told = ran.json()
            require(bool(told["text"].strip()), "there is an answer")
            require(bool(told["used"]), "the answer names its sources")
            facts.update(told)
            self._show(told["text"])
            self._tell(f"   from {', '.join(told['used'])}")
            self._served(told)

    def _refuse(self) -> None:
        with self._step(
            "A prompt that must stay in the EU, when only the US has replicas"
        ) as facts:
            before = self._receipts(self._compute)
            with self._typed(*POSITIONS[0]) as (place, _):
                ran = self._ask_developer("complete", place, "--eu-only")
            require(ran.code == 1, "the command says no with exit code 1")
            require("residency" in ran.err, "the refusal names the rule")
            require(self._receipts(self._compute) == before, "nothing was sent to the US")
            facts["said"] = ran.err.strip()
            self._show(ran.err.strip())

    def _lose_a_replica(self) -> None:
        with self._step("A replica is killed; the next request is served all the same") as facts:
            replicas = self._replicas()
            with self._typed(*POSITIONS[1]) as (place, _):
                last = self._completion(place)
                victim = replicas[last["route"]]
                os.kill(victim["pid"], signal.SIGKILL)
                next_ = self._completion(place)
            back = self._replicas().get(next_["route"], {})
            other = next_["route"] != last["route"] or back.get("pid") != victim["pid"]
            require(other, "another process served it")
            facts.update({"killed": last["route"], "pid": victim["pid"], "next": next_})
            self._tell(f"kill -9 {victim['pid']} ({last['route']})")
            self._served(next_)
            took_s = self._wait_for_replicas(2)
            facts["restarted_s"] = round(took_s, 2)
            self._tell(f"{last['route']} is back after {took_s:.1f} s more")

    def _lose_a_member(self) -> None:
        with self._step("A member's node is killed with kill -9; nothing is lost") as facts:
            before = self._receipts(self._compute)
            self._compute.kill()
            self._tell(f"compute's node is gone; it had {before} receipts")
            with self._typed(*POSITIONS[2]) as (place, _):
                ran = self._ask_developer("complete", place)
            require(ran.code == 1, "without replicas a request is refused, not hung")
            self._show(ran.err.strip())
            self._compute.start()
            self._compute.wait_ready()
            self._editor.wait_ready()
            self._wait_for_replicas(2)
            verified = done(run("receipts", "verify", "--config", self._compute.config, "--json"))
            after = self._receipts(self._compute)
            require(after == before, f"{after} receipts after the restart, {before} before")
            with self._typed(*POSITIONS[2]) as (place, _):
                told = self._completion(place)
            facts.update(
                {"before": before, "after": after, "verified": verified.json(), "next": told}
            )
            self._tell(f"restarted: {after} receipts, every signature and the log verified")
            self._served(told)

    def _settle(self) -> None:
        with self._step(
            "The accounts: reconciled by all, settled to the last nano-dollar"
        ) as facts:
            wait_for(self._all_signed, "every receipt is signed by both sides and copied")
            for each in self._members:
                ran = run("receipts", "reconcile", "--config", each.config, "--json")
                require(ran.code == 0, f"{each.id}'s books agree with the others': {ran.out}")
            self._tell("receipts reconcile: all members' logs agree")
            statements: dict[str, Any] = {}
            for each in self._members:
                signed = each.folder / "statement.json"
                ran = done(
                    run("settle", "all", "--config", each.config, "--sign", signed, "--json")
                )
                statements[each.id] = ran.json()
            first = statements["editor"]
            for name, statement in statements.items():
                require(statement["adds_up"], f"{name}'s statement adds up")
                require(not statement["pending"], f"nothing is pending at {name}")
                same = all(statement[part] == first[part] for part in ("lines", "balances"))
                require(same, f"{name}'s statement says what editor's says")
            facts.update({"statements": statements})
            self._show(done(run("settle", "all", "--config", self._editor.config)).out)
            self._tell(
                f"maker, compute and editor each signed the same account of "
                f"{format_usd(first['total_nanousd'])}"
            )

    @contextmanager
    def _step(self, title: str) -> Generator[dict[str, Any]]:
        number = len(self.story.steps) + 1
        self._tell("")
        self._tell(f"{number}. {title}")
        facts: dict[str, Any] = {"step": title}
        self.story.steps.append(facts)
        began_s = time.monotonic()
        try:
            yield facts
            facts["ok"] = True
        except (StepFailed, KeyError, ValueError, OSError, SyntaxError) as error:
            facts["ok"] = False
            said = error.message if isinstance(error, StepFailed) else repr(error)
            raise StepFailed(f"step {number}, {title}: {said}") from error
        finally:
            facts["seconds"] = round(time.monotonic() - began_s, 2)

    def _ask_developer(self, *arguments: str | Path) -> Ran:
        return run(*arguments, environment=self._developer)

    def _completion(self, place: str) -> dict[str, Any]:
        told: dict[str, Any] = done(self._ask_developer("complete", place, "--json")).json()
        require(told["route"].startswith("compute/"), "another member served the completion")
        return told

    @contextmanager
    def _typed(self, file: str, typed: str) -> Generator[tuple[str, str]]:
        """The cursor behind `typed`, as if the rest of its line had not been written yet."""
        path = self._repository / file
        before = path.read_text()
        lines = before.split("\n")
        row = next((n for n, line in enumerate(lines) if line.strip().startswith(typed)), None)
        if row is None:
            raise StepFailed(f"{path} has no line that begins with {typed!r}")
        column = lines[row].index(typed) + len(typed)
        rest, lines[row] = lines[row][column:], lines[row][:column]
        path.write_text("\n".join(lines))
        try:
            yield f"{path}:{row + 1}:{column + 1}", rest
        finally:
            path.write_text(before)

    def _replicas(self) -> dict[str, Any]:
        view = run("node", "status", "--json", environment=self._operator).json()
        return {each["replica"]: each for each in view["replicas"]}

    def _wait_for_replicas(self, count: int) -> float:
        """Until the developer's own node sees that many replicas up."""

        def enough() -> bool:
            ran = run("node", "status", "--json", environment=self._developer)
            if not ran.out:
                return False
            return sum(each["up"] for each in ran.json()["replicas"]) >= count

        return wait_for(enough, f"{count} replicas are up")

    def _receipts(self, member: Member) -> int:
        return len(done(run("receipts", "list", "--config", member.config, "--json")).json())

    def _all_signed(self) -> bool:
        rows = [
            done(run("receipts", "list", "--config", each.config, "--json")).json()
            for each in self._members
        ]
        signed = all(row["countersigned"] for ours in rows for row in ours)
        return signed and len({len(ours) for ours in rows}) == 1

    def _served(self, told: dict[str, Any], cache: str = "") -> None:
        note = f", {cache} cache" if cache else ""
        self._tell(f"   {told['latency_ms']:.0f} ms{note}: {told['route']}, {told['reason']}")

    def _show(self, text: str) -> None:
        for line in text.rstrip("\n").split("\n"):
            self._tell(f"   | {line}".rstrip())
