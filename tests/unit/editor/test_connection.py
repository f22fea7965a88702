"""Which node is asked, and that a key goes only where it belongs."""

from pathlib import Path

import pytest

from hansa.core.errors import ConfigError
from hansa.editor.connection import Connection, find_connection

LOCAL = '{"url": "http://127.0.0.1:8420/", "key": "local-key"}'


@pytest.fixture
def state(tmp_path: Path) -> Path:
    (tmp_path / "client.json").write_text(LOCAL)
    return tmp_path


def test_flags_go_before_the_environment_and_that_before_the_file(state: Path) -> None:
    key_file = state / "key"
    key_file.write_text("flag-key\n")
    environ = {"HANSA_NODE_URL": "https://env.example", "HANSA_API_KEY": "env-key"}
    assert find_connection("http://flag.example/", key_file, environ, state) == Connection(
        "http://flag.example", "flag-key"
    )
    assert find_connection(None, None, environ, state) == Connection(
        "https://env.example", "env-key"
    )
    assert find_connection(None, None, {}, state) == Connection(
        "http://127.0.0.1:8420", "local-key"
    )


def test_the_local_key_goes_to_the_local_node_only(state: Path) -> None:
    assert find_connection("http://127.0.0.1:8420", None, {}, state).key == "local-key"
    with pytest.raises(ConfigError, match="no key is known for the node at http://else"):
        find_connection("http://else.example", None, {}, state)


def test_no_node(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no node is known here") as caught:
        find_connection(None, None, {}, tmp_path)
    assert "hansa up" in caught.value.hint
    assert "--state-dir" in caught.value.hint


def test_the_key_is_not_in_the_repr(state: Path) -> None:
    assert "local-key" not in repr(find_connection(None, None, {}, state))


@pytest.mark.parametrize(
    "url", ["ftp://a", "http://", "a.example:80", "http://a:99999", "http://["]
)
def test_no_address(url: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is no node's address"):
        find_connection(url, None, {"HANSA_API_KEY": "k"}, tmp_path)


@pytest.mark.parametrize("key", ["a\nb", "a b", "schlüssel", "\x00"])
def test_no_key(key: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no key has") as caught:
        find_connection("http://a.example", None, {"HANSA_API_KEY": key}, tmp_path)
    assert key not in str(caught.value)


@pytest.mark.parametrize("content", ["", "[]", '{"url": 1, "key": "k"}', "\udcff"])
def test_a_broken_client_file(content: str, tmp_path: Path) -> None:
    (tmp_path / "client.json").write_bytes(content.encode(errors="surrogateescape"))
    with pytest.raises(ConfigError, match=r"client\.json"):
        find_connection(None, None, {}, tmp_path)


def test_a_missing_key_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot read the key file"):
        find_connection("http://a.example", tmp_path / "none", {}, tmp_path)
