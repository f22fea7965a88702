"""`hansa eval`: how good a model is, measured the way the field does."""

import click

from hansa.cli.eval_runs import compare_runs, show, table
from hansa.cli.eval_tasks import check, humaneval, infill, latency, mmlu, repository


@click.group(name="eval")
def evaluate() -> None:
    """Measure models: HumanEval, infilling, repository lines, MMLU, latency, cost.

    Asks any OpenAI-compatible address (--url) or a model of the league through a node. What is
    asked, answered and scored is kept; a run that was ended goes on when it is started again.
    """


for _command in (humaneval, infill, repository, mmlu, latency, check, compare_runs, show, table):
    evaluate.add_command(_command)
