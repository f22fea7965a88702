"""`hansa promote`: whether a trained model may be shipped, by gates; the decision is signed."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from hansa.cli.output import print_json, say
from hansa.cli.table import print_table

if TYPE_CHECKING:
    from hansa.training.promotion.decision import Decision


@click.command()
@click.argument("run", required=False, type=click.Path(path_type=Path, file_okay=False))
@click.option("--model", metavar="CANDIDATE", help="What the league calls the trained model.")
@click.option("--over", metavar="LIVE", help="The model it is measured against.")
@click.option("--gates", metavar="FILE", default="all", show_default=True,
              help="What it has to show; `all` and `public-code` come with Hansa.")  # fmt: skip
@click.option("--corpus", type=click.Path(path_type=Path, file_okay=False),
              help="The corpus it was trained on.")  # fmt: skip
@click.option("--privacy", type=click.Path(path_type=Path, dir_okay=False),
              help="Report of the attacks; else privacy.json in RUN.")  # fmt: skip
@click.option("--verify", "signed", type=click.Path(path_type=Path, dir_okay=False),
              help="Check a decision's signature and show it; decides nothing.")  # fmt: skip
@click.option("--config", type=click.Path(path_type=Path, dir_okay=False),
              default=Path("hansa.toml"), show_default=True,
              help="The node's configuration: member, charter and key.")  # fmt: skip
@click.option("--state-dir", type=click.Path(path_type=Path),
              help="Where `hansa eval` keeps its runs.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def promote(
    run: Path | None, model: str | None, over: str | None, gates: str, corpus: Path | None,
    privacy: Path | None, signed: Path | None, config: Path, state_dir: Path | None,
    as_json: bool,
) -> None:  # fmt: skip
    """Hold the model that RUN trained against the gates, and sign what comes of it.

    Writes promotion.json into RUN. Exit code 1 if a gate does not hold or its evidence is missing.
    """
    if signed:
        _verify(signed, config, as_json)
        return
    if not (run and model and over):
        raise click.UsageError("name RUN, --model and --over, or a file with --verify")
    decision = _decide(run, model, over, gates, corpus, privacy, config, state_dir)
    _print(decision, as_json)
    if decision.failed:
        say(f"refused: {'; '.join(_failures(decision))}")
        raise SystemExit(1)


def _decide(
    run: Path, model: str, over: str, gates_named: str, corpus: Path | None,
    privacy: Path | None, config: Path, state_dir: Path | None,
) -> "Decision":  # fmt: skip
    from hansa.books import load_identity
    from hansa.core.clock import SystemClock
    from hansa.core.files import user_state_dir
    from hansa.core.settings import load_settings
    from hansa.training.promotion.decision import NAME, decide, write_decision
    from hansa.training.promotion.evidence import gather
    from hansa.training.promotion.gates import SHIPPED, read_gates
    from hansa.training.promotion.judging import judge, not_asked

    gates, digest = read_gates(SHIPPED.get(gates_named, Path(gates_named)))
    settings, clock = load_settings(config), SystemClock()
    chain, key = load_identity(settings, clock)
    terms = chain.current.terms(model)
    evidence = gather(
        run, model, over, state_dir or user_state_dir(), corpus=corpus, privacy=privacy,
        charter_sha256=terms.weights_sha256 if terms else "",
    )  # fmt: skip
    judged = judge(gates, evidence)
    decision = decide(evidence, judged, digest, not_asked(gates), settings.member, clock)
    write_decision(run / NAME, decision, key)
    return decision


def _verify(signed: Path, config: Path, as_json: bool) -> None:
    from hansa.core.settings import load_settings
    from hansa.league.chain import Chain
    from hansa.training.promotion.decision import read_decision

    decision = read_decision(signed, Chain.load(load_settings(config).charter))
    _print(decision, as_json)
    if not as_json:
        print(f"the signature is by a key of {decision.member}")


def _print(decision: "Decision", as_json: bool) -> None:
    from hansa.accounts.scopes import day_and_time

    if as_json:
        print_json(decision)
        return
    print(f"{decision.candidate} over {decision.live}: {decision.decision} by {decision.member}, "
          f"{day_and_time(decision.at_ms)}\n")  # fmt: skip
    print_table(
        ("GATE", "CLAIM", "BOUND", "HOLDS"),
        [(each.gate, each.claim, each.bound, "yes" if each.holds else "NO")
         for each in decision.gates],
    )  # fmt: skip
    if decision.not_asked:
        print(f"\nnot asked for: {', '.join(decision.not_asked)}")
    print(f"\n{len(decision.evidence)} files of evidence, by digest")


def _failures(decision: "Decision") -> list[str]:
    return [f"{each.gate}: {each.claim} (bound: {each.bound})" for each in decision.failed]
