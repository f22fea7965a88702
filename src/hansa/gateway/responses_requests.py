"""Bodies of OpenAI's `/v1/responses`, read as a `Request`; nothing is kept between requests."""

from collections.abc import Iterator, Sequence

from hansa.accounts.keys import ApiKey
from hansa.core.errors import UserError
from hansa.core.ids import new_request_id
from hansa.gateway.openai_requests import CHAT_TOKENS_DEFAULT, policy
from hansa.wire import responses as wire
from hansa.wire.requests import ANY_MODEL, Message, Request, Sampling
from hansa.wire.tools import OutputForm, Tool, ToolCall, ToolChoice


def response_request(asked: wire.ResponseRequest, key: ApiKey) -> Request:
    """Read a body of `/v1/responses`."""
    own = asked.hansa
    if asked.store:
        raise UserError("store is not supported: a node keeps no prompts", hint="leave it out")
    limit = CHAT_TOKENS_DEFAULT if asked.max_output_tokens is None else asked.max_output_tokens
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
        tools=tuple([_tool(each) for each in asked.tools or ()]),
        tool_choice=_tool_choice(asked),
        output=_output(asked.text),
    )


def _messages(asked: wire.ResponseRequest) -> Iterator[Message]:
    if asked.instructions:
        yield Message("system", asked.instructions)
    if isinstance(asked.input, str):
        yield Message("user", asked.input)
        return
    for item in asked.input:
        if item.type == "message":
            role = "system" if item.role in ("system", "developer") else item.role or "user"
            yield Message(role, _text(item.content))  # pyright: ignore[reportArgumentType]  one of three
        elif item.type == "function_call":
            yield Message("assistant", "", (ToolCall(item.call_id, item.name, item.arguments),))
        elif item.type == "function_call_output":
            yield Message("tool", _text(item.output), tool_call=item.call_id)
        else:
            raise UserError(f"input items of type {item.type!r} are not supported")


def _text(content: str | Sequence[wire.Part]) -> str:
    if isinstance(content, str):
        return content
    known = ("input_text", "output_text", "text")
    strange = next((part.type for part in content if part.type not in known), None)
    if strange:
        raise UserError(f"content of type {strange!r} is not supported; only text is")
    return "".join(part.text for part in content)


def _tool(each: wire.ToolBody) -> Tool:
    if each.type != "function" or not each.name:
        raise UserError(f"tools of type {each.type!r} are not supported; only functions are")
    return Tool(each.name, each.description or "", each.parameters or {}, bool(each.strict))


def _tool_choice(asked: wire.ResponseRequest) -> ToolChoice:
    parallel, choice = asked.parallel_tool_calls is not False, asked.tool_choice
    if isinstance(choice, wire.NamedTool):
        if choice.name not in {each.name for each in asked.tools or ()}:
            raise UserError(f"tool_choice names {choice.name!r}, which is not among the tools")
        return ToolChoice("named", choice.name, parallel)
    if choice not in (None, "auto", "none", "required"):
        raise UserError(f"tool_choice {choice!r} is not one of auto, none, required")
    return ToolChoice(choice or "auto", "", parallel)  # pyright: ignore[reportArgumentType]  one of three


def _output(asked: wire.TextSettings | None) -> OutputForm | None:
    form = asked.format if asked else wire.Format()
    if form.type == "text":
        return None
    if form.type == "json_object":
        return OutputForm("json_object")
    if form.type == "json_schema":
        return OutputForm("json_schema", form.name, form.schema, bool(form.strict))
    raise UserError(f"text.format {form.type!r} is not one of text, json_object, json_schema")
