"""`hansa route`: where a request would go, and why."""

import click

from hansa.cli.asking import Asking, asks_a_node
from hansa.cli.output import print_json
from hansa.cli.table import print_table
from hansa.core.money import format_usd


@click.group()
def route() -> None:
    """Explain which replica serves a request, and why."""


@route.command()
@click.option("--task", type=click.Choice(["complete", "edit", "apply", "chat", "reason"]),
              default="complete", show_default=True)  # fmt: skip
@click.option("--prompt-tokens", type=click.IntRange(1), default=500, show_default=True)
@click.option("--max-tokens", type=click.IntRange(1, 4096), default=24, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@asks_a_node
def explain(asking: Asking, task: str, prompt_tokens: int, max_tokens: int, as_json: bool) -> None:
    """Show every replica the node considers for such a request; nothing is sent to any.

    Exits 1 if no replica may serve it.
    """
    import os

    from hansa.core.ids import new_request_id
    from hansa.editor.connection import find_connection
    from hansa.editor.control import fetch_explanation
    from hansa.wire.requests import Request, Sampling

    wishes = asking.preferences()
    connection = find_connection(asking.node, asking.key_file, os.environ, asking.state())
    request = Request(
        id=new_request_id(),
        task=task,  # pyright: ignore[reportArgumentType]  Click checked it
        model=wishes.model,
        prefix="x" * (prompt_tokens * 3),
        sampling=Sampling(max_tokens=max_tokens),
        policy=wishes.policy,
        budget_ms=wishes.budget_ms,
    )
    told = fetch_explanation(connection, request)
    if as_json:
        print_json(told)
        return
    print(f"{told.task} within {told.budget_ms} ms: {told.route}, {told.reason}")
    print_table(
        ["REPLICA", "MODEL", "REGION", "VERDICT", "PREDICTED", "NETWORK", "QUEUE", "PROMPT",
         "DECODE", "COST", "WHY NOT"],
        [
            [
                each.replica, each.model, each.region, each.verdict,
                f"{each.predicted_ms:.0f} ms",
                f"{each.network_ms:.1f}", f"{each.queue_ms:.0f}", f"{each.prompt_ms:.0f}",
                f"{each.decode_ms:.0f}", format_usd(each.cost_nanousd), each.reason,
            ]
            for each in told.considered
        ],
    )  # fmt: skip
