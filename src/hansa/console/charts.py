"""Small charts as SVG, drawn here so that a page needs no script for them."""

from collections.abc import Sequence

from markupsafe import Markup, escape

from hansa.wire.native import RequestView

BARS_MAX = 60
BAR_WIDTH, GAP, HEIGHT = 8, 2, 72


def budget_chart(requests: Sequence[RequestView], budget_ms: int) -> Markup:
    """The last requests as bars, oldest left, with a line where the budget ends.

    A bar that is over the budget is hatched, so that the difference is not in colour alone.
    """
    shown = list(reversed(requests[:BARS_MAX]))
    top_ms = max([2.0 * budget_ms, *(each.duration_ms for each in shown)])
    width = BARS_MAX * (BAR_WIDTH + GAP)
    line = HEIGHT - budget_ms / top_ms * HEIGHT
    over = sum(each.duration_ms > budget_ms for each in shown)
    label = f"{len(shown)} completions, {over} of them over {budget_ms} ms"
    bars = Markup("").join(_bar(n, each, budget_ms, top_ms) for n, each in enumerate(shown))
    return Markup(
        '<svg class="chart" viewBox="0 0 {} {}" role="img" aria-label="{}">'
        '<defs><pattern id="hatch" width="4" height="4" patternUnits="userSpaceOnUse" '
        'patternTransform="rotate(45)"><rect class="over" width="2" height="4"/></pattern></defs>'
        '{}<line class="budget" x1="0" x2="{}" y1="{:.1f}" y2="{:.1f}"/></svg>'
    ).format(width, HEIGHT, label, bars, width, line, line)


def _bar(n: int, each: RequestView, budget_ms: int, top_ms: float) -> Markup:
    height = max(1.0, each.duration_ms / top_ms * HEIGHT)
    over = each.duration_ms > budget_ms
    paint = Markup('fill="url(#hatch)"') if over else Markup('class="bar"')
    title = f"{each.duration_ms:.0f} ms, {each.server}/{each.replica}, {each.outcome}"
    return Markup(
        '<rect {} x="{}" y="{:.1f}" width="{}" height="{:.1f}"><title>{}</title></rect>'
    ).format(paint, n * (BAR_WIDTH + GAP), HEIGHT - height, BAR_WIDTH, height, escape(title))
