"""What a key has spent is known after `kill -9`."""

import json
import urllib.error
import urllib.request
from pathlib import Path

from support.league import Made, MemberSpec, make_league
from support.nodes import new_key, node_process

TABLE = '\n[tier.pro]\nmonthly_spend_usd = "0.00002"\n'


def test_a_month_that_is_spent_stays_spent(tmp_path: Path):
    made = make_league(tmp_path, (MemberSpec("solo", replicas=("r1",)),), threshold=1)["solo"]
    made.config.write_text(made.config.read_text() + TABLE)
    key = new_key(made.settings(), "pro")
    with node_process(made) as node:
        node.wait_until()
        answered = 0
        while (code := complete(made, key)) == "":
            answered += 1
            assert answered < 1000
        assert answered
        assert code == "spend_limit"
        node.kill()
    with node_process(made) as node:
        node.wait_until()
        assert complete(made, key) == "spend_limit"
        assert complete(made, new_key(made.settings(), "pro")) == ""


def complete(made: Made, key: str) -> str:
    """Ask for a completion; the code of the error, or nothing."""
    request = urllib.request.Request(
        f"{made.url}/v1/completions",
        json.dumps({"model": "auto", "prompt": "x", "max_tokens": 16}).encode(),
        {"authorization": f"Bearer {key}", "content-type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=30):
            return ""
    except urllib.error.HTTPError as error:
        with error:
            return str(json.load(error)["error"]["code"])
