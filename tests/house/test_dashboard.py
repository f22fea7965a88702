"""The Grafana dashboard shows metrics that exist, each with the labels it has."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from hansa.observe.metrics import Metrics
from support.repository import ROOT

DASHBOARD = ROOT / "deploy" / "grafana" / "hansa.json"
SHOWN = (
    "hansa_request_duration_seconds",
    "hansa_time_to_first_token_seconds",
    "hansa_requests_total",
    "hansa_tokens_total",
    "hansa_failovers_total",
    "hansa_hedges_total",
    "hansa_requests_in_flight",
    "hansa_receipts_pending",
    "hansa_receipt_disputes_total",
)
OF_THE_SCRAPE = {"instance", "job", "le"}
PEOPLE = {"user", "developer", "person", "account", "key", "name", "email", "origin"}
BASE_UNITS = ("_seconds", "_bytes", "_ratio")
OTHER_UNITS = re.compile(r"_(?:ms|us|ns|milliseconds|minutes|hours|kb|mb|kib|mib|percent|usd)\b")


@pytest.fixture(scope="module")
def dashboard() -> dict[str, Any]:
    return json.loads(DASHBOARD.read_text("utf-8"))  # type: ignore[no-any-return]  an object


def test_every_metric_shown_exists(dashboard: dict[str, Any]):
    series = _series()
    names = {name for text in _queries(dashboard) for name in re.findall(r"\bhansa_\w+", text)}
    assert names - series.keys() == set()
    assert {each for each in SHOWN if not any(name.startswith(each) for name in names)} == set()


def test_every_label_of_a_query_exists(dashboard: dict[str, Any]):
    known = {label for labels in _series().values() for label in labels} | OF_THE_SCRAPE
    used: set[str] = set()
    for text in _queries(dashboard):
        for name, selector in re.findall(r"\b(hansa_\w+)\{([^}]*)\}", text):
            labels = set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", selector))
            assert labels <= set(_series()[name]) | OF_THE_SCRAPE, text
        for group in re.findall(r"\bby \(([^)]*)\)", text):
            used |= {each.strip() for each in group.split(",")}
    assert used <= known


def test_panels_have_titles_queries_and_places_of_their_own(dashboard: dict[str, Any]):
    panels = dashboard["panels"]
    assert len({each["id"] for each in panels}) == len(panels)
    assert all(each["title"] and each["targets"] for each in panels)
    places = [(each["gridPos"]["x"], each["gridPos"]["y"]) for each in panels]
    assert len(set(places)) == len(places)


def test_metrics_are_named_by_the_rules():
    for metric in _metrics():
        name = metric._name
        assert name.startswith("hansa_")
        assert not OTHER_UNITS.search(name)
        assert f"{name}_total" in _series() if metric._type == "counter" else True
        assert not name.endswith("_total")  # the library adds it to counters, once
        if metric._type == "histogram":
            assert name.endswith(BASE_UNITS)
        assert not PEOPLE & set(metric._labelnames)


def _metrics() -> list[Any]:
    return [each for each in vars(Metrics()).values() if hasattr(each, "_documentation")]


def _series() -> dict[str, tuple[str, ...]]:
    """Each name Prometheus stores, with its labels."""
    endings = {"counter": ("_total",), "histogram": ("_bucket", "_count", "_sum"), "gauge": ("",)}
    return {
        f"{each._name}{ending}": each._labelnames
        for each in _metrics()
        for ending in endings[each._type]
    }


def _queries(dashboard: dict[str, Any]) -> Iterator[str]:
    for panel in dashboard["panels"]:
        for target in panel["targets"]:
            yield target["expr"]
    for variable in dashboard["templating"]["list"]:
        yield variable["query"]
