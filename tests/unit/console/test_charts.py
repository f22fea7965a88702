"""The chart of completions against their budget."""

import xml.etree.ElementTree as ET

from hansa.console.charts import BARS_MAX, HEIGHT, budget_chart

from .conftest import a_request


def bars(*durations_ms: float) -> list[ET.Element]:
    return drawn(*durations_ms).findall("rect")


def drawn(*durations_ms: float) -> ET.Element:
    """Newest first, as a node keeps them."""
    return ET.fromstring(budget_chart([a_request(duration_ms=each) for each in durations_ms], 200))


def test_a_bar_over_the_budget_is_hatched_and_only_that():
    fills = [each.get("fill") for each in bars(199.9, 200.0, 200.1)]
    assert fills == ["url(#hatch)", None, None], "oldest left"


def test_the_oldest_is_left_and_says_what_it_was():
    new, old = 100.0, 50.0
    titles = [each.findtext("title") for each in bars(new, old)]
    assert titles == ["50 ms, acme/r1, served", "100 ms, acme/r1, served"]


def test_heights_are_in_proportion_and_stay_inside():
    heights = [float(each.get("height", "")) for each in bars(100, 400, 0)]
    assert heights == [1.0, HEIGHT, HEIGHT / 4]
    for each in bars(5_000, 1, 200):
        assert 0 <= float(each.get("y", "")) <= HEIGHT
        assert float(each.get("y", "")) + float(each.get("height", "")) <= HEIGHT + 0.1


def test_the_line_is_where_the_budget_ends():
    line = drawn(400).find("line")
    assert line is not None
    assert line.get("y1") == line.get("y2") == f"{HEIGHT / 2:.1f}"


def test_the_chart_says_in_words_what_it_shows():
    svg = drawn(100, 300, 300)
    assert svg.get("role") == "img"
    assert svg.get("aria-label") == "3 completions, 2 of them over 200 ms"


def test_only_the_newest_are_drawn():
    assert len(bars(*range(1, 300))) == BARS_MAX
    assert bars(*range(1, 300))[-1].findtext("title") == "1 ms, acme/r1, served"


def test_nothing_is_a_chart_too():
    assert drawn().get("aria-label") == "0 completions, 0 of them over 200 ms"


def test_names_are_escaped():
    chart = budget_chart([a_request(replica="<b>&\"'")], 200)
    [bar] = ET.fromstring(chart).findall("rect")
    assert bar.findtext("title") == "120 ms, acme/<b>&\"', served"
