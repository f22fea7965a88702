"""What a run's samples amount to: measures with intervals, times, tokens, cost."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import msgspec

from hansa.core.errors import ConfigError
from hansa.core.money import price_tokens
from hansa.evals.question import Question
from hansa.evals.scoring import pass_at_k
from hansa.evals.statistics import Group, Interval, bootstrap, percentile, wilson
from hansa.evals.store import RESULT, RunSettings, Sample
from hansa.models.catalog import Card, catalog

KS = (1, 10, 100)
CHARS_PER_TOKEN = 3.0
"""Where neither the endpoint counted nor the catalog knows better."""


class Measure(msgspec.Struct, frozen=True, kw_only=True):
    """A mean over questions, 0 to 1, and the interval that holds the true one at 95 %."""

    name: str
    mean: float
    low: float
    high: float
    method: str
    of: int
    """Questions."""
    right: int | None = None
    """How many, where each is right or wrong."""


class Times(msgspec.Struct, frozen=True, kw_only=True):
    ttft_ms_p50: float
    ttft_ms_p95: float
    answer_ms_p50: float
    answer_ms_p95: float
    cut_short: int
    """Answers that were not read to their end, as the rest did not count."""


class Cost(msgspec.Struct, frozen=True, kw_only=True):
    """By the catalog's price; None where it knows none."""

    prompt_tokens: int
    completion_tokens: int
    estimated: bool
    """Some tokens were not counted by the endpoint but taken from the length of the text."""
    nanousd: int | None
    nanousd_per_mtok: int | None
    """Of 1,000,000 tokens, prompts and answers mixed as they were here."""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    run: str
    settings: RunSettings
    measures: tuple[Measure, ...]
    times: Times
    cost: Cost

    def measure(self, name: str) -> Measure | None:
        return next((each for each in self.measures if each.name == name), None)


def report(
    run: str, settings: RunSettings, samples: Sequence[Sample], questions: Iterable[Question] = ()
) -> Report:
    """Sum up; `questions` give the length of prompts that the endpoint did not count.

    Raises:
        ValueError: there are no samples.
    """
    return Report(
        run=run,
        settings=settings,
        measures=tuple(_measures(samples)),
        times=times(samples),
        cost=cost(settings.model, samples, questions),
    )


def kept_report(folder: Path) -> Report | None:
    """The result of a run that is over; None while it is not.

    Raises:
        ConfigError: what is there is no result.
    """
    path = folder / RESULT
    try:
        return msgspec.json.decode(path.read_bytes(), type=Report)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError) as error:
        raise ConfigError(f"cannot read {path}: {error}", hint="remove this run") from error


VALUES: dict[str, Callable[[Sample], float | bool | None]] = {
    "pass": lambda sample: sample.score.passed,
    "exact": lambda sample: sample.score.exact,
    "similarity": lambda sample: sample.score.similarity,
}


def values_of(samples: Iterable[Sample], name: str) -> dict[str, float]:
    """The mean value of each question, by its id; empty where that is not measured."""
    by_task: dict[str, list[float]] = {}
    for each in samples:
        value = VALUES[name](each)
        if value is not None:
            by_task.setdefault(each.task_id, []).append(float(value))
    return {task: sum(values) / len(values) for task, values in by_task.items()}


def _measures(samples: Sequence[Sample]) -> list[Measure]:
    group_of = {each.task_id: each.group for each in samples}
    made: list[Measure] = []
    for name in VALUES:
        if not (values := values_of(samples, name)):
            continue
        made += [_measure("pass@1" if name == "pass" else name, values, group_of, samples)]
        if name == "pass":
            made += _more_passes(samples, group_of)
    return made


def _measure(
    name: str, values: dict[str, float], group_of: dict[str, str], samples: Sequence[Sample]
) -> Measure:
    """Wilson's interval for independent questions asked once, else a bootstrap over groups."""
    right = int(sum(values.values()))
    whole = all(value in (0.0, 1.0) for value in values.values()) and len(samples) == len(values)
    alone = len({group_of[task] for task in values}) == len(values)
    interval: Interval
    if whole and alone:
        interval = wilson(right, len(values))
    else:
        interval = bootstrap(_grouped(values, group_of))
    return Measure(
        name=name,
        mean=interval.mean,
        low=interval.low,
        high=interval.high,
        method=interval.method,
        of=len(values),
        right=right if whole else None,
    )


def _more_passes(samples: Sequence[Sample], group_of: dict[str, str]) -> list[Measure]:
    """pass@10 and pass@100, where there are as many samples of each question."""
    by_task: dict[str, list[bool]] = {}
    for each in samples:
        by_task.setdefault(each.task_id, []).append(bool(each.score.passed))
    least = min(len(values) for values in by_task.values())
    return [
        _measure(
            f"pass@{k}",
            {task: pass_at_k(len(got), sum(got), k) for task, got in by_task.items()},
            group_of,
            samples,
        )
        for k in KS[1:]
        if k <= least
    ]


def _grouped(values: dict[str, float], group_of: dict[str, str]) -> list[Group]:
    groups: dict[str, Group] = {}
    for task, value in values.items():
        total, count = groups.get(group_of[task], (0.0, 0))
        groups[group_of[task]] = (total + value, count + 1)
    return list(groups.values())


def times(samples: Sequence[Sample]) -> Times:
    """Percentiles over all answers. Raises ValueError if there are none."""
    first = [each.answer.ttft_ms for each in samples]
    whole = [each.answer.total_ms for each in samples]
    return Times(
        ttft_ms_p50=percentile(first, 0.5),
        ttft_ms_p95=percentile(first, 0.95),
        answer_ms_p50=percentile(whole, 0.5),
        answer_ms_p95=percentile(whole, 0.95),
        cut_short=sum(each.answer.finish == "enough" for each in samples),
    )


def cost(model: str, samples: Sequence[Sample], questions: Iterable[Question] = ()) -> Cost:
    card = catalog().get(model)
    per_token = card.profile.chars_per_token if card else CHARS_PER_TOKEN
    chars = {each.task_id: len(each.prompt) + len(each.suffix) for each in questions}
    prompt = completion = 0
    estimated = False
    for each in samples:
        counted = each.answer
        if counted.prompt_tokens:
            prompt += counted.prompt_tokens
            completion += counted.completion_tokens
            continue
        estimated = True
        prompt += round(chars.get(each.task_id, 0) / per_token)
        completion += round(len(counted.text) / per_token)
    spent = _price(card, prompt, completion)
    tokens = prompt + completion
    return Cost(
        prompt_tokens=prompt,
        completion_tokens=completion,
        estimated=estimated,
        nanousd=spent,
        nanousd_per_mtok=round(spent * 1_000_000 / tokens) if spent and tokens else spent,
    )


def _price(card: Card | None, prompt: int, completion: int) -> int | None:
    if card is None or card.price is None:
        return None
    price = card.price
    return price_tokens(prompt, price.input_nanousd_per_mtok) + price_tokens(
        completion, price.output_nanousd_per_mtok
    )
