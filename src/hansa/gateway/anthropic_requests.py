"""Anthropic's bodies, read as a `Request`; what Hansa cannot do is refused by name."""

from collections.abc import Iterator, Sequence

import msgspec

from hansa.accounts.keys import ApiKey
from hansa.core.errors import UserError
from hansa.core.ids import new_request_id
from hansa.gateway.openai_requests import policy
from hansa.routing.predict import prompt_tokens
from hansa.wire import anthropic as wire
from hansa.wire.requests import Message, Request, Sampling
from hansa.wire.tools import Tool, ToolCall, ToolChoice


def messages_request(asked: wire.MessagesRequest, key: ApiKey) -> Request:
    """Read a body of `/v1/messages`."""
    own = asked.hansa
    sampling = Sampling(
        max_tokens=asked.max_tokens,
        temperature=0.0 if asked.temperature is None else asked.temperature,
        top_p=1.0 if asked.top_p is None else asked.top_p,
        stop=tuple(asked.stop_sequences),
        top_k=asked.top_k,
    )
    return Request(
        id=new_request_id(),
        task=own.task or "chat",
        model=asked.model,
        messages=tuple(_messages(asked)),
        snippets=own.snippets,
        sampling=sampling,
        policy=policy(own, key),
        budget_ms=own.budget_ms,
        deadline_ms=own.deadline_ms,
        stream=asked.stream,
        tools=tuple([_tool(each) for each in asked.tools]),
        tool_choice=_tool_choice(asked.tool_choice),
    )


def count_tokens(asked: wire.CountRequest) -> int:
    """An estimate before anything is tokenised, the one that routing uses."""
    tools = tuple([_tool(each) for each in asked.tools])
    return prompt_tokens(Request("count", "chat", messages=tuple(_messages(asked)), tools=tools))


def _messages(asked: wire.CountRequest) -> Iterator[Message]:
    if asked.system:
        yield Message("system", _text(asked.system))
    for each in asked.messages:
        if isinstance(each.content, str):
            yield Message(each.role, each.content)
        elif each.role == "assistant":
            yield _of_assistant(each.content)
        else:
            yield from _of_user(each.content)


def _of_assistant(blocks: Sequence[wire.Block]) -> Message:
    calls = tuple(
        [
            ToolCall(block.id, block.name, msgspec.json.encode(block.input).decode())
            for block in blocks
            if block.type == "tool_use"
        ]
    )
    said = [block for block in blocks if block.type not in ("tool_use", "thinking")]
    return Message("assistant", _text(said), calls)


def _of_user(blocks: Sequence[wire.Block]) -> Iterator[Message]:
    """Results of tools are messages of their own, before what the user says."""
    for block in blocks:
        if block.type == "tool_result":
            result = _text(block.content)
            text = f"error: {result}" if block.is_error else result
            yield Message("tool", text, tool_call=block.tool_use_id)
    said = [block for block in blocks if block.type != "tool_result"]
    if said:
        yield Message("user", _text(said))


def _text(content: str | Sequence[wire.Block]) -> str:
    if isinstance(content, str):
        return content
    strange = next((block.type for block in content if block.type != "text"), None)
    if strange:
        raise UserError(f"content blocks of type {strange!r} are not supported; only text is")
    return "".join(block.text for block in content)


def _tool(each: wire.ToolBody) -> Tool:
    if each.type != "custom":
        raise UserError(f"tools of type {each.type!r} are not supported; only custom ones are")
    return Tool(each.name, each.description, each.input_schema)


def _tool_choice(asked: wire.ToolChoiceBody | None) -> ToolChoice:
    if asked is None:
        return ToolChoice()
    parallel = not asked.disable_parallel_tool_use
    if asked.type == "tool":
        return ToolChoice("named", asked.name, parallel)
    return ToolChoice("required" if asked.type == "any" else asked.type, "", parallel)
