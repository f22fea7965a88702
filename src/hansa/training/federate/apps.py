# pyright: basic, reportMissingImports=false
"""The two programs that Flower runs: the member's and the coordinator's.

Clip and noise are applied at the member, which trusts nobody to do it later.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from flwr.app import Context, Message
from flwr.clientapp import ClientApp
from flwr.serverapp import Grid, ServerApp

from hansa.core.errors import HansaError, UserError
from hansa.models.profile import Profile
from hansa.training.federate import messages
from hansa.training.federate.home import adapt, train
from hansa.training.federate.plan import Plan
from hansa.training.federate.updates import Arrays, added, averaged, fits, sent
from hansa.training.pairs import read_pairs

PAIRS = "pairs.jsonl"
"""In a member's folder."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a member trains."""

    plan: Plan
    """Its own copy, which it has read: clip and noise are its to keep."""
    weights: Path
    profile: Profile
    home: Path
    """Holds its pairs."""


def member_app(find: Callable[[Context], Place]) -> ClientApp:
    """A member's program; `find` says where it is."""
    app = ClientApp()

    @app.train()
    def one_round(message: Message, context: Context) -> Message:
        try:
            return _one_round(find(context), message)
        except Exception as error:  # noqa: BLE001  a member's door: what went wrong may quote code
            logging.getLogger(__name__).warning("no part in this round: %s", type(error).__name__)
            return messages.failure(message)

    return app


def coordinator_app(
    plan: Callable[[Context], Plan],
    begin: Callable[[Context], Arrays],
    done: Callable[[Context, Arrays], None],
) -> ServerApp:
    """The coordinator's program: `begin` gives the adapter at first, `done` gets it at last."""
    app = ServerApp()

    @app.main()
    def main(grid: Grid, context: Context) -> None:
        done(context, coordinate(grid, plan(context), begin(context)))

    return app


def coordinate(grid: Grid, plan: Plan, arrays: Arrays) -> Arrays:
    """All rounds. Raises UserError: a round had fewer good answers than members that are needed."""
    for number in range(plan.rounds):
        asking = [messages.ask(arrays, number, node) for node in sorted(grid.get_node_ids())]
        updates = []
        for reply in grid.send_and_receive(asking, timeout=plan.answer_s):
            updates += _good(reply, arrays, plan)
        if len(updates) < plan.members_min:
            raise UserError(
                f"round {number} had {len(updates)} answers that count, of {plan.members_min}",
                hint="start more members, or see at them why they do not take part",
            )
        arrays = added(arrays, averaged(updates))
    return arrays


def _one_round(place: Place, message: Message) -> Message:
    plan, pairs = place.plan, list(read_pairs(place.home / PAIRS))
    if len(pairs) < plan.pairs_min:
        raise UserError(f"{len(pairs)} pairs are too few to take part")
    arrays, number = messages.asked(message)
    adapted = adapt(plan, place.weights, place.profile)
    update = train(adapted, arrays, pairs, (plan.seed, number))
    # Fresh from the operating system: noise that can be foretold hides nothing.
    rng = np.random.default_rng()
    return messages.answer(sent(update, plan.clip, plan.noise, rng), len(pairs), message)


def _good(reply: Message, arrays: Arrays, plan: Plan) -> list[Arrays]:
    """The update of an answer that counts, else nothing."""
    try:
        update = messages.answered(reply)
    except HansaError:
        return []
    return [update] if fits(update, arrays, plan.clip, plan.noise) else []
