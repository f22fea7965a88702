"""Bodies of OpenAI's `/v1/responses`, read as a `Request`; nothing is kept between requests."""

from collections.abc import Iterator, Sequence

from hansa.accounts.keys import ApiKey
from hansa.core.errors import UserError
from hansa.core.ids import new_request_id
from hansa.gateway.openai_requests import CHAT_TOKENS_DEFAULT, held, policy, schema_form
from hansa.wire import responses as wire
from hansa.wire.requests import ANY_MODEL, Message, Request, Sampling
from hansa.wire.tools import OutputForm, Tool, ToolCall, ToolChoice


def response_request(asked: wire.ResponseRequest, key: ApiKey) -> Request:
    """Read a body of `/v1/responses`."""
    own = asked.hansa
    if asked.store:
        raise UserError("store is not supported: a node keeps no prompts", hint="leave it out")
    limit = CHAT_TOKENS_DEFAULT if asked.max_output_tokens is None else asked.max_output_tokens
    tools = tuple([_tool(each) for each in asked.tools or ()])
    return Request(
        id=new_request_id(),
        task=own.task or "chat",
        model=asked.model or ANY_MODEL,
        messages=tuple(_messages(asked)),
        snippets=own.snippets,
        sampling=Sampling(
            max_tokens=limit,
            temperature=0.0 if asked.temperature is None else asked.temperature,
            top_p=1.0 if asked.top_p is None else asked.top_p,
        ),
        policy=policy(own, key),
        budget_ms=own.budget_ms,
        deadline_ms=own.deadline_ms,
        stream=bool(asked.stream),
        tools=tools,
        tool_choice=held(_tool_choice(asked), tools),
        output=_output(asked.text),
    )


def _messages(asked: wire.ResponseRequest) -> Iterator[Message]:
    if asked.instructions:
        yield Message("system", asked.instructions)
    if isinstance(asked.input, str):
        yield Message("user", asked.input)
        return
    for index, item in enumerate(asked.input):
        _check(item, index)
        if item.type == "message":
            role = "system" if item.role == "developer" else item.role or "user"
            yield Message(role, _text(item.content))
        elif item.type == "function_call":
            call = ToolCall(item.call_id or "", item.name or "", item.arguments or "")
            yield Message("assistant", "", (call,))
        else:
            yield Message("tool", _text(item.output), tool_call=item.call_id or "")


_OWN = {
    "message": {"role", "content"},
    "function_call": {"call_id", "name", "arguments"},
    "function_call_output": {"call_id", "output"},
}
_ALSO = {"function_call_output": {"name"}}
"""What the API takes as well, and what changes nothing: the call's id says the name."""


def _check(item: wire.InputItem, index: int) -> None:
    """Raises UserError unless the item has all of its kind's fields, and no other kind's."""
    own, also = _OWN[item.type], _ALSO.get(item.type, set[str]())
    for name in ("role", "content", "call_id", "name", "arguments", "output"):
        given = getattr(item, name) is not None
        if name in own and not given:
            raise UserError(f"input[{index}].{name} is missing")
        if given and name not in own | also:
            raise UserError(f"input[{index}].{name} is not a field of a {item.type}")


def _text(content: str | Sequence[wire.Part] | None) -> str:
    if content is None or isinstance(content, str):
        return content or ""
    return "".join(
        [part.refusal if isinstance(part, wire.RefusalGiven) else part.text for part in content]
    )


def _tool(each: wire.ToolBody) -> Tool:
    if each.defer_loading:
        raise UserError(f"defer_loading of the tool {each.name!r} is not supported")
    return Tool(each.name, each.description or "", each.parameters or {}, bool(each.strict))


def _tool_choice(asked: wire.ResponseRequest) -> ToolChoice:
    parallel, choice = asked.parallel_tool_calls is not False, asked.tool_choice
    if isinstance(choice, wire.NamedTool):
        return ToolChoice("named", choice.name, parallel)
    return ToolChoice(choice or "auto", "", parallel)


def _output(asked: wire.TextSettings | None) -> OutputForm | None:
    form = asked.format if asked else None
    if form is None:
        return None
    if form.type == "json_schema":
        return schema_form(form)
    if form.schema or form.name or form.description or form.strict:
        raise UserError(f"text.format of type {form.type!r} has no schema, name or description")
    return OutputForm("json_object") if form.type == "json_object" else None
