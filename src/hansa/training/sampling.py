"""Attempts of a model of the league at pairs, asked over the shared API as anybody asks.

It is shown the anonymous pair without its target, never the text that the pair was made of.
"""

import asyncio
import contextlib
from collections.abc import Generator

from hansa.context.healing import cut as cut_back
from hansa.context.healing import heal
from hansa.core.errors import EngineError, UserError
from hansa.evals.endpoint import Address, Endpoint
from hansa.evals.question import Question, Sampling
from hansa.training.pairs import Pair, Sampler

SAMPLING = Sampling(temperature=0.8)
CHARS_PER_TOKEN_LEAST = 2
SPARE_TOKENS = 16


@contextlib.contextmanager
def sampler(address: Address) -> Generator[Sampler]:
    """Asks the model of an address; to be used where no event loop runs.

    Raises:
        UserError: nobody is there, there is no such model, or it does not fill in the middle.
        HansaError: what asking raised.
    """
    with asyncio.Runner() as runner:
        endpoint = runner.run(_opened(address))
        try:
            yield lambda pair, count: runner.run(_attempts(endpoint, pair, count))
        finally:
            runner.run(endpoint.__aexit__())


async def _opened(address: Address) -> Endpoint:
    endpoint = await Endpoint(address).__aenter__()
    try:
        offered = await endpoint.models()
        if address.model not in {"auto", *offered}:
            known = ", ".join(list(offered)[:20]) or "none"
            raise UserError(f"{address.url} offers no {address.model}", hint=f"there are: {known}")
    except EngineError as error:
        await endpoint.__aexit__()
        raise UserError(
            f"nobody can be asked for samples: {error.message}",
            hint="start the node (`hansa up`), name another with --node, or ask for no --samples",
        ) from error
    except BaseException:
        await endpoint.__aexit__()
        raise
    return endpoint


async def _attempts(endpoint: Endpoint, pair: Pair, count: int) -> list[str]:
    """One that does not begin with what was cut off the prompt is none."""
    question, typed = _question(pair)
    try:
        said = await asyncio.gather(
            *(endpoint.ask(question, SAMPLING, number) for number in range(count))
        )
    except UserError as error:
        raise UserError(error.message, hint="name a --model that fills in the middle") from error
    healed = [heal(each.text, typed) for each in said]
    return [each for each in healed if each is not None]


def _question(pair: Pair) -> tuple[Question, str]:
    shown, typed = cut_back(pair.prefix)
    chars = len(typed) + len(pair.target)
    question = Question(
        task_id="pair", group="pair", kind="complete", prompt=shown, suffix=pair.suffix,
        begins=typed, max_tokens=chars // CHARS_PER_TOKEN_LEAST + SPARE_TOKENS,
    )  # fmt: skip
    return question, typed
