"""The official OpenAI SDK, unchanged, against a node."""

import asyncio
from collections.abc import AsyncGenerator
from functools import partial
from pathlib import Path
from typing import Any

import openai
import pytest

from hansa.engines.mock import Mock
from hansa.models.catalog import DEFAULT_MODEL, card_of
from support.league import MemberSpec, make_league
from support.nodes import Running, new_key, running


@pytest.fixture
async def node(tmp_path: Path) -> AsyncGenerator[Running]:
    made = make_league(tmp_path, (MemberSpec("solo", replicas=("r1",)),))
    async with running(made["solo"].settings()) as up:
        engine = mock(up)
        engine.pieces = ("Hello", ", ", "world")
        yield up


@pytest.fixture
async def client(node: Running) -> AsyncGenerator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(
        base_url=f"{node.url}/v1", api_key=node.key, max_retries=0
    ) as sdk:
        yield sdk


def mock(up: Running) -> Mock:
    engine = up.node.fleet.local["r1"].engine
    assert isinstance(engine, Mock)
    return engine


async def test_chat(client: openai.AsyncOpenAI) -> None:
    reply = await client.chat.completions.create(
        model=DEFAULT_MODEL, messages=[{"role": "user", "content": "Say hello"}]
    )
    assert reply.choices[0].message.content == "Hello, world"
    assert reply.choices[0].finish_reason == "stop"
    assert reply.usage is not None
    assert reply.usage.completion_tokens == 3
    assert reply.usage.total_tokens == reply.usage.prompt_tokens + 3
    assert reply.model == DEFAULT_MODEL
    assert reply._request_id  # Where the SDK keeps it; people quote it when they ask for help.


async def test_chat_streamed_with_usage(client: openai.AsyncOpenAI) -> None:
    stream = await client.chat.completions.create(
        model="auto",
        messages=[{"role": "user", "content": [{"type": "text", "text": "Say hello"}]}],
        stream=True,
        stream_options={"include_usage": True},
    )
    chunks = [chunk async for chunk in stream]
    text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert text == "Hello, world"
    assert chunks[0].choices[0].delta.role == "assistant"
    assert [c.choices[0].finish_reason for c in chunks if c.choices][-1] == "stop"
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens == 3


async def test_completion_with_suffix(node: Running, client: openai.AsyncOpenAI) -> None:
    reply = await client.completions.create(
        model=DEFAULT_MODEL, prompt="def add(a, b):", suffix="\n\nprint(add(1, 2))", max_tokens=2
    )
    assert reply.choices[0].text == "Hello, "
    assert reply.choices[0].finish_reason == "length"
    seen = mock(node).seen[-1]
    assert (seen.prefix, seen.suffix) == ("def add(a, b):", "\n\nprint(add(1, 2))")
    assert seen.task == "complete"


async def test_completion_streamed(client: openai.AsyncOpenAI) -> None:
    stream = await client.completions.create(model="auto", prompt="x = ", stream=True)
    chunks = [chunk async for chunk in stream]
    assert "".join(chunk.choices[0].text for chunk in chunks) == "Hello, world"


async def test_best_of_weighs_by_the_suffix(node: Running, client: openai.AsyncOpenAI) -> None:
    ask = partial(client.completions.create, model=DEFAULT_MODEL, prompt="def add(a, b):")
    await ask(suffix="\n\nprint(add(1, 2))", best_of=3)
    assert mock(node).seen[-1].sampling.best_of == 3
    await ask(best_of=1)
    assert mock(node).seen[-1].sampling.best_of == 1
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"best_of": 2}, "best_of weighs fillings by the suffix; send one"),
        ({"best_of": 9, "suffix": "x"}, "best_of is 9; it must be from 1 to 8"),
        ({"best_of": 3, "n": 2, "suffix": "x"}, "one choice"),
        ({"best_of": 2, "temperature": 0.5, "suffix": "x"}, "temperature 0"),
        ({"best_of": 2, "logprobs": 1, "suffix": "x"}, "without logprobs"),
    ]
    for fields, said in wrong:
        with pytest.raises(openai.BadRequestError, match=said):
            await ask(**fields)


async def test_models(client: openai.AsyncOpenAI) -> None:
    models = [model async for model in client.models.list()]
    assert [model.id for model in models] == [DEFAULT_MODEL]
    assert models[0].owned_by == "solo"
    assert models[0].model_dump()["weights_sha256"] == card_of(DEFAULT_MODEL).weights.sha256
    assert (await client.models.retrieve(DEFAULT_MODEL)).id == DEFAULT_MODEL


async def test_models_say_what_their_replicas_can_do(
    node: Running, client: openai.AsyncOpenAI
) -> None:
    engine, replica = mock(node), next(iter(node.node.fleet.local.values()))
    replica.context_tokens = 4096
    engine.features = frozenset({"chat", "complete"})
    plain = (await client.models.retrieve(DEFAULT_MODEL)).model_dump()
    assert (plain["features"], plain["max_context_length"]) == (["chat", "complete"], 4096)
    assert (plain["capabilities"]["completion_chat"], plain["capabilities"]["completion_fim"],
            plain["capabilities"]["function_calling"]) == (True, False, False)  # fmt: skip
    engine.features = frozenset({"chat", "suffix", "tools"})
    able = (await client.models.retrieve(DEFAULT_MODEL)).model_dump()["capabilities"]
    assert able["completion_fim"]
    assert able["function_calling"]
    node.node.fleet.local.clear()
    gone = (await client.models.retrieve(DEFAULT_MODEL)).model_dump()
    assert (gone["features"], gone["max_context_length"]) == ([], 0)


async def test_wrong_key(node: Running) -> None:
    async with openai.AsyncOpenAI(base_url=f"{node.url}/v1", api_key="wrong") as sdk:
        with pytest.raises(openai.AuthenticationError, match="not known"):
            await sdk.models.list()


async def test_unknown_model(client: openai.AsyncOpenAI) -> None:
    with pytest.raises(openai.NotFoundError, match=DEFAULT_MODEL):
        await client.completions.create(model="gpt-99", prompt="x")


async def test_refusal_names_the_rule(client: openai.AsyncOpenAI) -> None:
    with pytest.raises(openai.PermissionDeniedError) as caught:
        await client.completions.create(
            model="auto", prompt="x", extra_body={"hansa": {"residency": ["jp"]}}
        )
    assert caught.value.code == "policy_refusal"
    assert caught.value.param == "residency"
    assert caught.value.response.headers["hansa-request-id"].startswith("req-")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"n": 2}, "cannot do choices"),
        ({"extra_body": {"logit_bias": {"1": 2}}}, "logit_bias"),
        ({"max_tokens": 0}, "max_tokens is 0"),
        ({"temperature": 3}, "temperature is 3"),
        ({"extra_body": {"hansa": {"residence": ["eu"]}}}, "residence"),
        ({"logprobs": 3}, "logprobs"),
    ],
)
async def test_bad_bodies(
    client: openai.AsyncOpenAI, changes: dict[str, object], said: str
) -> None:
    with pytest.raises(openai.BadRequestError, match=said):
        await client.completions.create(model="auto", prompt="x", **changes)  # type: ignore[arg-type]  wrong on purpose


async def test_an_engine_that_breaks_off_is_an_error_in_the_stream(
    node: Running, client: openai.AsyncOpenAI
) -> None:
    mock(node).fail_after = 1
    stream = await client.completions.create(model="auto", prompt="x", stream=True)
    with pytest.raises(openai.APIError, match="broke off"):
        _ = [chunk async for chunk in stream]


async def test_tier_comes_from_the_key(node: Running) -> None:
    key = new_key(node.node.settings, "pro")
    async with openai.AsyncOpenAI(base_url=f"{node.url}/v1", api_key=key) as sdk:
        await sdk.completions.create(model="auto", prompt="x")
    assert mock(node).seen[-1].policy.tier == "pro"


async def test_what_is_not_offered_is_said_in_openais_form(client: openai.AsyncOpenAI) -> None:
    with pytest.raises(openai.NotFoundError, match="/v1/moderations is not offered"):
        await client.moderations.create(input="x")
    with pytest.raises(openai.BadRequestError, match="cannot do embed"):
        await client.embeddings.create(model="auto", input="x")
    messages = [{"role": "user", "content": "x"}]
    for field, said in (
        ({"logprobs": True}, "logprobs"),
        ({"response_format": {"type": "json_object"}}, "cannot do json_object"),
        ({"max_tokens": 0}, "max_tokens is 0"),
    ):
        with pytest.raises(openai.BadRequestError, match=said):
            await client.chat.completions.create(model="auto", messages=messages, **field)  # type: ignore[call-overload]  # the SDK's overloads know no dictionaries


async def test_a_body_that_does_not_come_is_given_up(
    node: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hansa.gateway.call.BODY_TIMEOUT_S", 0.05)
    host, port = node.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    head = f"POST /v1/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {node.key}\r\n"
    writer.write(f"{head}content-length: 100\r\n\r\n{{".encode())
    assert (await reader.readline()).startswith(b"HTTP/1.1 408")
    writer.close()
    await writer.wait_closed()
