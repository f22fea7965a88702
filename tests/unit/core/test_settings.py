"""hansa.toml: right files are read, wrong ones are answered with file, line and what to do."""

from pathlib import Path

import pytest

from hansa.core.errors import ConfigError
from hansa.core.settings import ENVIRONMENT, Tiers, TierSettings, load_settings

GOOD = """\
member = "acme"
charter = "charter.json"
key_file = "node.key"
state_dir = "state"

[listen]
port = 9000

[[replica]]
id = "small"
model = "m"

[[replica]]
id = "large"
model = "m"
slots = 4
"""


def write(folder: Path, text: str | bytes) -> Path:
    path = folder / "hansa.toml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def refused(folder: Path, text: str | bytes, environ: dict[str, str] | None = None) -> ConfigError:
    path = write(folder, text)
    with pytest.raises(ConfigError) as caught:
        load_settings(path, environ or {})
    assert str(path) in caught.value.message
    return caught.value


def test_a_file_is_read_with_its_defaults(tmp_path: Path):
    settings = load_settings(write(tmp_path, GOOD), {})
    assert settings.member == "acme"
    assert (settings.listen.host, settings.listen.port) == ("127.0.0.1", 9000)
    assert [(each.id, each.slots, each.engine) for each in settings.replica] == [
        ("small", 2, "llamacpp"),
        ("large", 4, "llamacpp"),
    ]


def test_relative_paths_are_relative_to_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    write(tmp_path, GOOD.replace('"node.key"', '"/etc/hansa.key"'))
    monkeypatch.chdir(tmp_path)
    settings = load_settings(Path("hansa.toml"), {})
    assert settings.charter == tmp_path / "charter.json"
    assert settings.state_dir == tmp_path / "state"
    assert settings.key_file == Path("/etc/hansa.key")
    assert settings.model_dir is None


def test_a_tilde_is_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    text = GOOD.replace('"state"', '"~/state"')
    assert load_settings(write(tmp_path, text), {}).state_dir == tmp_path / "home/state"


def test_the_environment_comes_before_the_file(tmp_path: Path):
    environ = {
        "HANSA_LISTEN_HOST": "0.0.0.0",
        "HANSA_LISTEN_PORT": "9100",
        "HANSA_KEY_FILE": "/run/key",
        "HANSA_MODEL_DIR": "models",
        "HANSA_LOG_LEVEL": "debug",
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318",
    }
    assert environ.keys() == ENVIRONMENT.keys()
    settings = load_settings(write(tmp_path, GOOD), environ)
    assert (settings.listen.host, settings.listen.port) == ("0.0.0.0", 9100)
    assert settings.key_file == Path("/run/key")
    assert settings.model_dir == tmp_path / "models"
    assert settings.log_level == "debug"


def test_the_environment_fills_a_table_that_is_missing(tmp_path: Path):
    text = GOOD.replace("[listen]\nport = 9000\n", "")
    assert load_settings(write(tmp_path, text), {"HANSA_LISTEN_PORT": "1"}).listen.port == 1


@pytest.mark.parametrize(
    ("text", "line", "unknown", "near"),
    [
        (GOOD.replace("member", "membr"), 1, "membr", "member"),
        (GOOD.replace("port =", "prot ="), 7, "prot", "port"),
        (GOOD.replace("slots", "slot"), 16, "slot", "slots"),
        ('"stat_dir" = "x"\n' + GOOD, 1, "stat_dir", "state_dir"),
    ],
)
def test_an_unknown_key_is_named_with_its_line_and_the_nearest(
    tmp_path: Path, text: str, line: int, unknown: str, near: str
):
    error = refused(tmp_path, text)
    assert f"line {line}: unknown key '{unknown}'" in error.message
    assert error.hint == f"did you mean '{near}'?"


def test_an_unknown_key_like_no_other_is_answered_with_all(tmp_path: Path):
    error = refused(tmp_path, "zzzz = 1\n" + GOOD)
    assert "state_dir" in error.hint
    assert "context_tokens" in error.hint


def test_an_unknown_table_is_an_unknown_key(tmp_path: Path):
    error = refused(tmp_path, GOOD + "[listn]\nport = 1\n")
    assert "line 17: unknown key 'listn'" in error.message


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("port = 9000", 'port = "9000"', "line 7: wrong value for 'listen.port'"),
        ("port = 9000", "port = true", "line 7: wrong value for 'listen.port'"),
        ("port = 9000", "port = 70000", "line 7: port is 70000; it must be from 0 to 65535"),
        ("slots = 4", "slots = 0", "line 16: slots is 0; it must be from 1 to 65536"),
        ("slots = 4", "slots = 1.5", "line 16: wrong value for 'replica[1].slots'"),
        ("slots = 4", 'engine = "vlm"', "line 16: wrong value for 'replica[1].engine'"),
        (
            "slots = 4",
            "fixed_sampling = true",
            "line 16: an engine 'llamacpp' has no fixed_sampling",
        ),
        ('charter = "charter.json"', "charter = 5", "line 2: wrong value for 'charter'"),
        ('member = "acme"', 'member = "Acme Inc"', "line 1: 'Acme Inc' is no name for a member"),
        ('id = "large"', 'id = "LARGE"', "line 14: 'LARGE' is no name for a replica"),
        ('id = "large"', 'id = "small"', "line 14: two replicas are named 'small'"),
        ('state_dir = "state"', 'state_dir = "~nobody-at-all/x"', "line 4"),
        ('state_dir = "state"', 'state_dir = ""', "line 4: state_dir is empty"),
        ("[listen]\nport = 9000", "listen = 5", "line 6: wrong value for 'listen'"),
    ],
)
def test_a_wrong_value_is_named_with_its_line(tmp_path: Path, old: str, new: str, said: str):
    assert old in GOOD
    assert said in refused(tmp_path, GOOD.replace(old, new)).message


def test_a_kind_of_engine_that_there_is_not_is_answered_with_those_there_are(tmp_path: Path):
    error = refused(tmp_path, GOOD.replace("slots = 4", 'engine = "vlm"'))
    assert error.hint.startswith("one of: llamacpp, ")
    assert "vllm" in error.hint
    level = refused(tmp_path, 'log_level = "loud"\n' + GOOD)
    assert level.hint == "one of: debug, info, warning, error"


def test_one_replica_written_as_a_table_is_said(tmp_path: Path):
    error = refused(tmp_path, GOOD.split("[[replica]]")[0] + '[replica]\nid = "a"\nmodel = "m"\n')
    assert "line 9: wrong value for 'replica'" in error.message


@pytest.mark.parametrize("key", ["member", "charter", "key_file", "state_dir"])
def test_a_missing_key_is_named(tmp_path: Path, key: str):
    text = "\n".join(line for line in GOOD.splitlines() if not line.startswith(key))
    assert f"the key '{key}' is missing" in refused(tmp_path, text).message


def test_a_missing_key_of_a_replica_says_of_which(tmp_path: Path):
    error = refused(tmp_path, GOOD.replace('id = "large"\n', ""))
    assert "the key 'id' is missing" in error.message
    assert "replica" in error.message


@pytest.mark.parametrize("text", ["", "member", 'member = "a', "a = 1\na = 2\n", "[x\n"])
def test_what_is_no_toml_is_said(tmp_path: Path, text: str):
    message = refused(tmp_path, text).message
    assert "is not TOML" in message or "is missing" in message


def test_what_is_no_utf8_is_said(tmp_path: Path):
    assert "is not UTF-8 (byte 10)" in refused(tmp_path, b'member = "\xff"').message


def test_a_file_that_is_not_there_is_said(tmp_path: Path):
    with pytest.raises(ConfigError, match="No such file") as caught:
        load_settings(tmp_path / "hansa.toml", {})
    assert "--config" in caught.value.hint


def test_a_folder_is_no_file(tmp_path: Path):
    with pytest.raises(ConfigError, match="Is a directory"):
        load_settings(tmp_path, {})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HANSA_LISTEN_PORT", "http"),
        ("HANSA_LISTEN_PORT", ""),
        ("HANSA_LISTEN_PORT", "-1"),
        ("HANSA_LISTEN_PORT", "70000"),
        ("HANSA_LOG_LEVEL", "loud"),
        ("HANSA_KEY_FILE", ""),
    ],
)
def test_a_wrong_variable_is_named_and_the_file_is_not_blamed(
    tmp_path: Path, name: str, value: str
):
    path = write(tmp_path, GOOD + "\n")
    with pytest.raises(ConfigError) as caught:
        load_settings(path, {name: value})
    assert name in caught.value.message
    assert "line" not in caught.value.message


def test_a_variable_for_a_table_that_is_none_is_an_error_of_the_file(tmp_path: Path):
    text = GOOD.replace("[listen]\nport = 9000", "listen = 5")
    error = refused(tmp_path, text, {"HANSA_LISTEN_PORT": "1"})
    assert "wrong value for 'listen'" in error.message


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("[tier.pro]\nrequests_per_minute = -1", "line 19: requests_per_minute is -1"),
        ("[tier.pro]\n\ntokens_per_minute = true", "line 20: wrong value for 'tier.pro.tokens"),
        ('[tier.pro]\nmonthly_spend_usd = "much"', "line 19: 'much' is no dollar amount"),
        ("[tier.pro]\nmonthly_spend_usd = 1.5", "line 19: wrong value"),
        ("[tier.por]\ntokens_per_minute = 1", "line 18: unknown key 'por'"),
        ("[tier.free]\n[tier.pro]\ntoken_per_minute = 1", "line 20: unknown key"),
    ],
)
def test_a_wrong_limit_is_named_with_its_line(tmp_path: Path, table: str, said: str):
    error = refused(tmp_path, f"{GOOD.rstrip()}\n\n{table}\n")
    assert said in error.message


def test_tables_of_tiers(tmp_path: Path):
    path = tmp_path / "hansa.toml"
    path.write_text(f"{GOOD}\n[tier.free]\nmonthly_spend_usd = 5\n")
    tiers = load_settings(path, {}).tier
    assert tiers.free == TierSettings(0, 0, 5)
    assert tiers.pro == Tiers().pro


def test_a_collector_is_named_in_the_file_or_by_the_usual_variable(tmp_path: Path):
    text = GOOD + '\n[observe]\notlp_endpoint = "http://one:4318"\n'
    assert load_settings(write(tmp_path, text), {}).observe.otlp_endpoint == "http://one:4318"
    environ = {"OTEL_EXPORTER_OTLP_ENDPOINT": "https://two:4318"}
    assert load_settings(write(tmp_path, text), environ).observe.otlp_endpoint == "https://two:4318"
    error = refused(tmp_path, text.replace("http://one:4318", "one:4317"))
    assert "line 19" in error.message
    assert "HTTP" in error.message
