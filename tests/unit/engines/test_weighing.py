"""Which filling is given: the one that what follows fits best, as an engine says how likely."""

import math
from dataclasses import dataclass, field

import pytest

from hansa.engines.weighing import FOLLOWING_CHARS, Said, best_filling, until_stop
from hansa.wire.requests import WEIGHED_TOKENS, Chunk, Request, Sampling, TokenLogprob, Usage

SUFFIX = "\n    return total\n"


def token(text: str, share: float, **others: float) -> TokenLogprob:
    top = tuple((name, math.log(each)) for name, each in {text: share, **others}.items())
    return TokenLogprob(text, math.log(share), top)


@dataclass
class Model:
    """Fills in `first`, goes on after `goes_on`, and finds the suffix as likely as `fits` says."""

    first: list[TokenLogprob]
    goes_on: dict[str, str] = field(default_factory=dict)
    fits: dict[str, float] = field(default_factory=dict)
    goes_beyond: bool = False
    asked: list[tuple[Request, bool, int | None]] = field(default_factory=list)

    async def __call__(
        self, request: Request, *, plain: bool = False, slot: int | None = None
    ) -> Said:
        self.asked.append((request, plain, slot))
        if plain:
            share = self.fits[request.prefix.removeprefix("def f():")]
            beyond = token("never so", 1 - share) if self.goes_beyond else token("", 1.0)
            return self._said(request, [token(request.begins, share), beyond], slot=2)
        if request.begins:
            return self._said(request, self.first, slot=1)
        more = self.goes_on[request.prefix.removeprefix("def f():")]
        return self._said(request, [token(more, 1.0)], slot=1)

    def _said(self, request: Request, tokens: list[TokenLogprob], slot: int) -> Said:
        text = "".join(each.token for each in tokens)
        stopped = until_stop(text, request.begins, request.sampling.stop)
        return Said(stopped, "stop", tuple(tokens), Usage(10, len(tokens)), slot)


def request(best_of: int = 3, **changes: object) -> Request:
    sampling = Sampling(20, stop=("\n",), best_of=best_of)
    fields = {"prefix": "def f():", "suffix": SUFFIX, "begins": "\n    ", **changes}
    return Request("r", "complete", sampling=sampling, **fields)  # type: ignore[arg-type]  fields by name


async def chunks(model: Model, asked: Request) -> list[Chunk]:
    return [chunk async for chunk in best_filling(model, asked)]


def a_model() -> Model:
    return Model(
        first=[
            token("\n   ", 1.0),
            token(" count", 0.6, **{" total": 0.3, "\n": 0.05}),
            token(" = 0", 0.9, er=0.05),
            token("\n", 1.0),
        ],
        goes_on={"\n    total": " = 0", "\n    counter": " = 0"},
        fits={"\n    count = 0": 0.01, "\n    total = 0": 0.5, "\n    counter = 0": 0.01},
    )


async def test_the_filling_is_given_that_the_suffix_fits():
    *counting, last = await chunks(a_model(), request())
    assert (last.text, last.finish) == ("\n    total = 0", "stop")
    assert all(not each.text and each.finish is None for each in counting)


async def test_what_is_said_beyond_the_suffix_does_not_count():
    model = a_model()
    model.goes_beyond, model.fits["\n    total = 0"] = True, 0.99
    assert (await chunks(model, request()))[-1].text == "\n    total = 0"


async def test_an_unlikely_filling_does_not_win_by_a_little():
    model = a_model()
    model.fits["\n    count = 0"] = 0.4
    assert (await chunks(model, request()))[-1].text == "\n    count = 0"


async def test_two_ways_are_two_and_each_is_read_where_it_was_read_before():
    model = a_model()
    await chunks(model, request(best_of=2))
    first, departed, *weighed = model.asked
    assert (first[0].begins, first[1:]) == ("\n    ", (False, None))
    assert departed[0].prefix == "def f():\n    total"
    assert departed[1:] == (False, 1)
    assert [each[1:] for each in weighed] == [(True, None), (True, 2)]
    assert all(each[0].suffix == "" and each[0].begins == SUFFIX for each in weighed)


async def test_all_tokens_are_counted_and_the_prompt_as_often_as_it_is_new():
    last = (await chunks(a_model(), request(best_of=2)))[-1]
    assert last.usage == Usage(prompt_tokens=20, completion_tokens=4 + 1 + 2 + 2)


async def test_a_begun_line_stays_no_empty_line():
    model = a_model()
    await chunks(model, request(best_of=8))
    assert not any(each[0].prefix.endswith("\n    \n") for each in model.asked)


async def test_one_filling_alone_is_not_weighed():
    model = a_model()
    model.first = [token("\n   ", 1.0), token(" pass", 1.0), token("\n", 1.0)]
    assert (await chunks(model, request()))[-1].text == "\n    pass"
    assert len(model.asked) == 1


async def test_the_same_filling_twice_is_weighed_once():
    model = a_model()
    model.first[1] = token(" count", 0.6, **{" co": 0.3})
    model.goes_on = {"\n    co": "unt = 0", "\n    counter": " = 0"}
    await chunks(model, request())
    weighed = [each[0].prefix for each in model.asked if each[1]]
    assert weighed == ["def f():\n    count = 0", "def f():\n    counter = 0"]


async def test_of_a_long_suffix_its_beginning_counts():
    model = a_model()
    await chunks(model, request(suffix=SUFFIX + "x = 1\n" * 1000))
    for asked, plain, _ in model.asked:
        if plain:
            assert len(asked.begins) == FOLLOWING_CHARS
            assert asked.sampling.max_tokens == WEIGHED_TOKENS


@pytest.mark.parametrize(
    ("text", "begins", "kept"),
    [("\n  a\nb", "\n  ", "\n  a"), ("a\nb", "", "a"), ("\n  a", "\n  ", "\n  a"), ("", "", "")],
)
def test_a_stop_counts_after_the_beginning(text: str, begins: str, kept: str):
    assert until_stop(text, begins, ("\n",)) == kept
