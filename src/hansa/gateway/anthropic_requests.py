"""Anthropic's bodies, read as a `Request`; what Hansa cannot do is refused by name."""

from collections.abc import Iterator, Sequence

import msgspec

from hansa.accounts.keys import ApiKey
from hansa.core.errors import UserError
from hansa.core.ids import new_request_id
from hansa.gateway.openai_requests import held, policy
from hansa.routing.demand import prompt_tokens
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
    tools = tuple([_tool(each) for each in asked.tools])
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
        tools=tools,
        tool_choice=held(_tool_choice(asked), tools),
    )


def count_tokens(asked: wire.CountRequest) -> int:
    """An estimate before anything is tokenised, the one that routing uses."""
    tools = tuple([_tool(each) for each in asked.tools])
    return prompt_tokens(Request("count", "chat", messages=tuple(_messages(asked)), tools=tools))


def _messages(asked: wire.CountRequest) -> Iterator[Message]:
    if asked.system:
        yield Message("system", _text(asked.system))
    for each in asked.messages:
        if isinstance(each, wire.AssistantMessage):
            yield _of_assistant(each)
        elif isinstance(each, wire.SystemMessage):
            yield Message("system", _text(each.content))
        else:
            yield from _of_user(each)


def _of_assistant(each: wire.AssistantMessage) -> Message:
    if isinstance(each.content, str):
        return Message("assistant", each.content)
    calls = tuple(
        [
            ToolCall(block.id, block.name, msgspec.json.encode(block.input).decode())
            for block in each.content
            if isinstance(block, wire.ToolUseGiven)
        ]
    )
    said = [block for block in each.content if isinstance(block, wire.TextGiven)]
    return Message("assistant", _text(said), calls)


def _of_user(each: wire.UserMessage) -> Iterator[Message]:
    """Results of tools are messages of their own, before what the user says."""
    if isinstance(each.content, str):
        yield Message("user", each.content)
        return
    said: list[wire.TextGiven] = []
    for block in each.content:
        if isinstance(block, wire.ToolResult):
            result = _text(block.content or "")
            text = f"error: {result}" if block.is_error else result
            yield Message("tool", text, tool_call=block.tool_use_id)
        else:
            said.append(block)
    if said:
        yield Message("user", _text(said))


def _text(content: str | Sequence[wire.TextGiven]) -> str:
    return content if isinstance(content, str) else "".join([block.text for block in content])


def _tool(each: wire.ToolBody) -> Tool:
    if each.defer_loading:
        raise UserError(f"defer_loading of the tool {each.name!r} is not supported")
    return Tool(each.name, each.description, each.input_schema, bool(each.strict))


def _tool_choice(asked: wire.CountRequest) -> ToolChoice:
    choice = asked.tool_choice
    if choice is None:
        return ToolChoice()
    if isinstance(choice, wire.NoChoice):
        return ToolChoice("none")
    parallel = not choice.disable_parallel_tool_use
    if isinstance(choice, wire.NamedChoice):
        return ToolChoice("named", choice.name, parallel)
    return ToolChoice("required" if isinstance(choice, wire.AnyChoice) else "auto", "", parallel)
