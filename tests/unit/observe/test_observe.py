"""Metrics are named by the rules; logs are JSON on stderr."""

import json
import logging
import warnings
from collections.abc import Iterator

import pytest
import structlog
from prometheus_client.parser import text_string_to_metric_families

from hansa.observe.logs import configure_logs
from hansa.observe.metrics import Metrics

PEOPLE = {"user", "developer", "key", "name", "email", "origin"}


def test_metrics_are_named_with_prefix_and_unit():
    families = list(text_string_to_metric_families(Metrics().text().decode()))
    assert families
    for family in families:
        assert family.name.startswith("hansa_")
        assert family.documentation.endswith(".")
        if family.type == "counter":
            assert all(each.name.endswith(("_total", "_created")) for each in family.samples)
        if family.type == "histogram":
            assert family.name.endswith("_seconds")


def test_no_label_names_a_person():
    metrics = Metrics()
    for metric in vars(metrics).values():
        assert not PEOPLE & set(getattr(metric, "_labelnames", ()))


def test_two_nodes_count_apart():
    one, other = Metrics(), Metrics()
    one.failovers.inc()
    assert b"hansa_failovers_total 1.0" in one.text()
    assert b"hansa_failovers_total 0.0" in other.text()


@pytest.fixture(autouse=True)
def default_logs() -> Iterator[None]:
    root = logging.getLogger()
    before = list(root.handlers)
    yield
    root.handlers[:] = before
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()


def test_logs_are_json_lines_of_the_level_and_above(capsys: pytest.CaptureFixture[str]):
    configure_logs("warning")
    log = structlog.get_logger()
    log.info("not_said")
    log.warning("engine_died", replica="r1", code=-9)
    [line] = capsys.readouterr().err.splitlines()
    said = json.loads(line)
    assert said.pop("timestamp").endswith("Z")
    assert said == {"event": "engine_died", "replica": "r1", "code": -9, "level": "warning"}


def test_a_traceback_stays_in_its_line(capsys: pytest.CaptureFixture[str]):
    configure_logs("info")
    try:
        raise ValueError("one\ntwo")
    except ValueError:
        structlog.get_logger().exception("broke")
    [line] = capsys.readouterr().err.splitlines()
    assert "ValueError" in json.loads(line)["exception"]


def test_what_libraries_log_is_json_too_once_and_from_warnings_up(
    capsys: pytest.CaptureFixture[str],
):
    configure_logs("debug")
    configure_logs("debug")
    server = logging.getLogger("uvicorn.error")
    server.info("Shutting down")
    server.error("Cancel %s running task(s)", 2)
    try:
        raise ValueError("one\ntwo")
    except ValueError:
        server.exception("it broke")
    cancelled, broke = map(json.loads, capsys.readouterr().err.splitlines())
    assert cancelled.pop("timestamp").endswith("Z")
    assert cancelled == {
        "event": "Cancel 2 running task(s)", "level": "error", "logger": "uvicorn.error",
    }  # fmt: skip
    assert "ValueError" in broke["exception"]


def test_a_warning_of_python_is_a_line_of_the_log(capsys: pytest.CaptureFixture[str]):
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=False)  # a test before this one may have begun to
        configure_logs("info")
        warnings.warn("it is old", DeprecationWarning, stacklevel=1)
    [line] = capsys.readouterr().err.splitlines()
    said = json.loads(line)
    assert (said["level"], said["logger"]) == ("warning", "py.warnings")
    assert "it is old" in said["event"]
