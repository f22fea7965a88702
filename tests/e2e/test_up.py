"""`hansa up` with the real model, and everything a developer does with it."""

import json
import os
import signal
import subprocess
from collections.abc import Generator
from pathlib import Path

import openai
import pytest

from support.league import free_port
from support.nodes import HANSA, hansa, status_of, wait_for

pytestmark = pytest.mark.model


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory, weights: Path) -> Path:
    """A state folder of its own that shares the weights fetched before."""
    folder = tmp_path_factory.mktemp("state")
    (folder / "models").symlink_to(weights.parent, target_is_directory=True)
    return folder


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("work") / "shop"
    root.mkdir()
    (root / "pyproject.toml").write_text('[project]\nname = "shop"\n')
    (root / "basket.py").write_text(
        "class Basket:\n"
        "    def __init__(self):\n"
        "        self.items = []\n\n"
        "    def add(self, item):\n"
        "        self.items.append(item)\n\n"
        "    def total(self):\n"
        "        return sum(item.price for item in self.items)\n"
    )
    (root / "new.py").write_text(
        "def largest(numbers):\n    return max(numbers)\n\n\ndef smallest(numbers):\n    return "
    )
    return root


@pytest.fixture(scope="module")
def up(state: Path, repository: Path) -> Generator[str]:
    port = free_port()
    log = state / "up.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [HANSA, "up", "--port", str(port)],
            cwd=repository,
            stdout=out,
            stderr=out,
            env={**os.environ, "HANSA_STATE_DIR": str(state)},
        )
    try:
        url = f"http://127.0.0.1:{port}"
        wait_for(lambda: status_of(f"{url}/ready") == 200)
        yield url
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0, log.read_text()


def test_complete(up: str, state: Path, repository: Path) -> None:
    assert up
    place = f"{repository / 'new.py'}:6:12"
    ran = hansa("complete", place, "--json", HANSA_STATE_DIR=str(state))
    told = json.loads(ran.stdout)
    assert told["text"] == "min(numbers)"
    assert told["route"] == "home/embedded"


def test_ask_names_its_sources(up: str, state: Path, repository: Path) -> None:
    assert up
    ran = hansa(
        "ask", "how is the total of a basket computed?", "--path", repository, "--json",
        HANSA_STATE_DIR=str(state),
    )  # fmt: skip
    told = json.loads(ran.stdout)
    assert told["text"].strip()
    assert any(each.startswith("basket.py:") for each in told["used"])


def test_edit_shows_a_diff_and_applies_it(up: str, state: Path, repository: Path) -> None:
    assert up
    file = repository / "basket.py"
    before = file.read_text()
    shown = hansa("edit", file, "add a docstring to total", HANSA_STATE_DIR=str(state))
    assert "+++ b/basket.py" in shown.stdout
    assert file.read_text() == before, "nobody said yes"
    ran = hansa("edit", file, "add a docstring to total", "--yes", HANSA_STATE_DIR=str(state))
    assert ran.returncode == 0, ran.stderr
    after = file.read_text()
    assert '"""' in after
    assert after.replace(after.split('"""')[1], "").replace('        """"""\n', "") == before


async def test_the_openai_sdk(up: str, state: Path) -> None:
    key = json.loads((state / "client.json").read_text())["key"]
    assert (state / "client.json").stat().st_mode & 0o077 == 0
    async with openai.AsyncOpenAI(base_url=f"{up}/v1", api_key=key) as client:
        stream = await client.chat.completions.create(
            model="auto",
            messages=[
                {"role": "user", "content": "Write a Python function that adds two numbers."}
            ],
            max_tokens=24,
            stream=True,
        )
        text = "".join([c.choices[0].delta.content or "" async for c in stream if c.choices])
    assert "def add" in text


def test_node_status(up: str, state: Path) -> None:
    assert up
    ran = hansa("node", "status", HANSA_STATE_DIR=str(state))
    assert ran.returncode == 0
    assert "home/embedded" in ran.stdout


def test_accounts_of_one(up: str, state: Path) -> None:
    assert up
    config = state / "solo" / "hansa.toml"
    ran = hansa("receipts", "verify", "--config", config)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_killed_engine_comes_back(up: str, state: Path, repository: Path) -> None:
    view = json.loads(hansa("node", "status", "--json", HANSA_STATE_DIR=str(state)).stdout)
    os.kill(view["replicas"][0]["pid"], signal.SIGKILL)
    wait_for(lambda: status_of(f"{up}/ready") == 503)
    wait_for(lambda: status_of(f"{up}/ready") == 200)
    place = f"{repository / 'new.py'}:6:12"
    assert hansa("complete", place, HANSA_STATE_DIR=str(state)).returncode == 0
