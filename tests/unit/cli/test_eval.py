"""`hansa eval`, run as a person runs it, against an endpoint that answers by rule."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from hansa.evals import problems as problems_module
from hansa.evals.problems import Problem

PROBLEMS = tuple(
    Problem(
        f"HumanEval/{n}",
        f'def f{n}(x):\n    """Add {n}."""\n',
        f"f{n}",
        f"    y = x + {n}\n    return y\n",
        f"def check(candidate):\n    assert candidate(1) == {n + 1}\n",
    )
    for n in range(6)
)


@dataclass
class Provider:
    url: str = ""
    asked: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    knows: bool = True
    """Whether it answers rightly."""
    weights: str = ""
    """As a node says of what it serves."""

    async def answer(self, request: web.Request) -> web.Response:
        asked = msgspec.json.decode(await request.read())
        self.asked.append(asked)
        if request.path.endswith("chat/completions"):
            prompt = asked["messages"][0]["content"]
            problem = next(each for each in PROBLEMS if each.prompt in prompt)
            body = problem.canonical_solution if self.knows else "    return None\n"
            choice = {"delta": {"content": f"```python\n{problem.prompt}{body}```"}}
        else:
            choice = {"text": "\n    return y\n" if self.knows else "\n    pass\n"}
        events = [{"choices": [choice]}, {"usage": {"prompt_tokens": 5, "completion_tokens": 7}}]
        lines = b"".join(b"data: " + msgspec.json.encode(each) + b"\n\n" for each in events)
        return web.Response(body=lines, content_type="text/event-stream")

    async def models(self, _: web.Request) -> web.Response:
        return web.json_response({"data": [{"id": "gpt-4o", "weights_sha256": self.weights}]})


@pytest.fixture
async def provider(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Provider]:
    provider = Provider()
    monkeypatch.setenv("HANSA_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setattr(problems_module, "load_problems", lambda *_: PROBLEMS)
    app = web.Application()
    app.router.add_post("/v1/completions", provider.answer)
    app.router.add_post("/v1/chat/completions", provider.answer)
    app.router.add_get("/v1/models", provider.models)
    async with TestServer(app) as server:
        provider.url = str(server.make_url("/v1"))
        yield provider


async def test_humaneval_is_asked_judged_kept_and_shown_again(run, provider: Provider):
    ran = await run("eval", "humaneval", "--url", provider.url, "--unsafe", "--json")
    assert ran.code == 0, ran.err
    told = json.loads(ran.out)
    assert told["settings"]["model"] == "gpt-4o"
    assert told["settings"]["options"] == {"mode": "chat", "max_tokens": 512}
    measured = told["measures"][0]
    assert (measured["name"], measured["right"], measured["of"]) == ("pass@1", 6, 6)
    shown = await run("eval", "show", told["run"])
    assert "pass@1       100.0 %  (6 of 6; 95 %: 61.0 to 100.0, Wilson)" in shown.out
    assert "$" in shown.out
    lines = (Path(told["run"]) / "samples.jsonl").read_text().splitlines()
    assert {json.loads(line)["task_id"] for line in lines} == {p.task_id for p in PROBLEMS}
    rows = json.loads((await run("eval", "table", "--json")).out)
    row = next(each for each in rows if each["model"] == "gpt-4o")
    assert (row["claimed"]["HumanEval"], row["measured"]["HumanEval"]) == (90.2, 100.0)
    assert "gpt-4o" in (await run("eval", "table")).out


async def test_a_run_goes_on_where_it_was_ended(run, provider: Provider):
    first = await run("eval", "infill", "single-line", "--url", provider.url, "--json")
    folder = Path(json.loads(first.out)["run"])
    whole = (folder / "samples.jsonl").read_bytes()
    (folder / "result.json").unlink()
    (folder / "samples.jsonl").write_bytes(whole[: len(whole) // 2])
    kept = whole[: len(whole) // 2].count(b"\n")
    provider.asked.clear()
    again = await run("eval", "infill", "single-line", "--url", provider.url, "--json")
    assert json.loads(again.out)["run"] == str(folder)
    assert len(provider.asked) == 12 - kept
    assert f"{kept} samples are there" in again.err
    assert json.loads(again.out)["measures"] == json.loads(first.out)["measures"]


async def test_a_run_through_a_node_names_the_weights(
    run, provider: Provider, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("HANSA_API_KEY", "hk-1")
    node = provider.url.removesuffix("/v1")
    provider.weights = "ab" * 32
    common = ("eval", "latency", "--node", node, "--model", "gpt-4o", "--count", "2", "--json")
    first = json.loads((await run(*common)).out)
    assert first["settings"]["weights_sha256"] == provider.weights
    assert f"sha256 {provider.weights}" in (await run("eval", "show", first["run"])).out
    (Path(first["run"]) / "result.json").unlink()
    provider.weights = "cd" * 32
    other = json.loads((await run(*common)).out)
    assert other["run"] != first["run"], "a run does not go on with other weights"


async def test_two_runs_are_compared(run, provider: Provider, tmp_path: Path):
    common = ("eval", "infill", "single-line", "--url", provider.url)
    await run(*common, "--out", str(tmp_path / "good"))
    provider.knows = False
    await run(*common, "--out", str(tmp_path / "bad"))
    ran = await run("eval", "compare", str(tmp_path / "bad"), str(tmp_path / "good"))
    assert ran.code == 0
    assert "exact  A 0.0 %  B 50.0 %  on 12 questions; B better on 6, worse on 0" in ran.out
    assert "the difference is real: B is better" in ran.out
    ran = await run("eval", "compare", str(tmp_path / "bad"), str(tmp_path / "bad"))
    assert "no real difference" in ran.out
    told = await run("eval", "compare", str(tmp_path / "good"), str(tmp_path / "bad"), "--json")
    assert json.loads(told.out)["difference"] == -0.5


async def test_a_part_may_be_asked_and_completions_timed(run, provider: Provider):
    ran = await run("eval", "latency", "--url", provider.url, "--count", "5", "--at-once", "1")
    assert ran.code == 0, ran.err
    assert "latency  gpt-4o  5 questions" in ran.out
    assert "25 tokens in, 35 out" in ran.out
    ran = await run("eval", "infill", "multi-line", "--url", provider.url, "--limit", "4")
    assert "4 questions" in ran.out


async def test_filled_in_programs_are_run_when_asked(run, provider: Provider):
    ran = await run(
        "eval", "infill", "single-line", "--url", provider.url, "--execute", "--unsafe", "--json"
    )
    names = [each["name"] for each in json.loads(ran.out)["measures"]]
    assert names == ["pass@1", "exact", "similarity"]


async def test_ways_to_answer_are_weighed_by_a_suffix_alone(run, provider: Provider):
    ran = await run("eval", "infill", "single-line", "--url", provider.url, "--best-of", "3")
    assert ran.code == 0, ran.err
    assert {each["best_of"] for each in provider.asked} == {3}
    ran = await run("eval", "humaneval", "--url", provider.url, "--unsafe", "--best-of", "3")
    assert ran.code != 0
    assert "--best-of weighs by a suffix, and humaneval asks without one" in ran.err


async def test_without_a_sandbox_nothing_is_asked(
    run, provider: Provider, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setenv("PATH", str(tmp_path))
    ran = await run("eval", "humaneval", "--url", provider.url)
    assert ran.code == 2
    assert "bubblewrap is missing" in ran.err
    assert "--unsafe" in ran.err
    assert provider.asked == []


async def test_a_missing_key_is_said(run, provider: Provider):
    ran = await run("eval", "latency", "--url", provider.url, "--key-env", "NO_SUCH_KEY")
    assert ran.code == 2
    assert "NO_SUCH_KEY is not set" in ran.err


async def test_check_exits_by_what_it_finds(
    run, provider: Provider, monkeypatch: pytest.MonkeyPatch
):
    ran = await run("eval", "check", "--unsafe")
    assert (ran.code, ran.out) == (
        0,
        "published solutions  6 of 6 pass\nempty completions    0 of 6 pass\n",
    )
    wrong = msgspec.structs.replace(PROBLEMS[0], canonical_solution="    return 9\n")
    monkeypatch.setattr(problems_module, "load_problems", lambda *_: (wrong,))
    ran = await run("eval", "check", "--unsafe", "--json")
    assert ran.code == 1
    assert json.loads(ran.out)["solutions_passed"] == 0
