"""OpenAI's bodies, read as a `Request`; what Hansa cannot do is refused by name."""

from collections.abc import Sequence
from typing import Any, Protocol

import msgspec
from msgspec.structs import replace

from hansa.accounts.keys import ApiKey
from hansa.core.errors import UserError
from hansa.core.ids import new_request_id
from hansa.wire import chat
from hansa.wire import openai as wire
from hansa.wire.requests import ANY_MODEL, Message, Policy, Request, Sampling
from hansa.wire.tools import OutputForm, Tool, ToolCall, ToolChoice

CHAT_TOKENS_DEFAULT = 512
COMPLETION_TOKENS_DEFAULT = 16
"""Source: OpenAI API reference, `max_tokens` of completions."""


def chat_request(asked: wire.ChatRequest, key: ApiKey) -> Request:
    """Read a body of `/v1/chat/completions`."""
    own = asked.hansa
    given = (asked.max_completion_tokens, asked.max_tokens)
    limit = next((each for each in given if each is not None), CHAT_TOKENS_DEFAULT)
    logprobs = (asked.top_logprobs or 0) if asked.logprobs else None
    if asked.top_logprobs is not None and not asked.logprobs:
        raise UserError("top_logprobs needs logprobs to be true")
    check_options(asked.stream_options)
    tools = tuple([_tool(each) for each in asked.tools or ()])
    return Request(
        id=new_request_id(),
        task=own.task or "chat",
        model=asked.model or ANY_MODEL,
        messages=tuple([_message(each) for each in asked.messages]),
        snippets=own.snippets,
        sampling=_sampling(asked, limit, logprobs),
        policy=policy(own, key),
        budget_ms=own.budget_ms,
        deadline_ms=own.deadline_ms,
        stream=bool(asked.stream),
        tools=tools,
        tool_choice=held(_tool_choice(asked), tools),
        output=_output(asked.response_format),
    )


def completion_request(asked: wire.CompletionRequest, key: ApiKey) -> Request:
    """Read a body of `/v1/completions`; `suffix` is what follows the cursor."""
    own = asked.hansa
    if asked.echo:
        raise UserError("echo is not supported", hint="the prompt is known to you already")
    check_options(asked.stream_options)
    prompts = [asked.prompt] if isinstance(asked.prompt, str) else asked.prompt
    if len(prompts) != 1:
        raise UserError(f"{len(prompts)} prompts were sent; send one a request")
    limit = COMPLETION_TOKENS_DEFAULT if asked.max_tokens is None else asked.max_tokens
    sampling = _sampling(asked, limit, asked.logprobs)
    if asked.best_of is not None and asked.best_of != sampling.choices:
        sampling = replace(sampling, best_of=asked.best_of)
    return Request(
        id=new_request_id(),
        task=own.task or "complete",
        model=asked.model or ANY_MODEL,
        prefix=prompts[0],
        suffix=asked.suffix or "",
        begins=own.begins,
        snippets=own.snippets,
        sampling=sampling,
        policy=policy(own, key),
        budget_ms=own.budget_ms,
        deadline_ms=own.deadline_ms,
        stream=bool(asked.stream),
    )


def embedding_request(asked: wire.EmbeddingRequest, key: ApiKey) -> Request:
    """Read a body of `/v1/embeddings`."""
    inputs = (asked.input,) if isinstance(asked.input, str) else tuple(asked.input)
    if not inputs or "" in inputs:
        raise UserError("input is empty; send at least one text, none of them empty")
    return Request(
        id=new_request_id(),
        task="embed",
        model=asked.model or ANY_MODEL,
        inputs=inputs,
        dimensions=asked.output_dimension if asked.dimensions is None else asked.dimensions,
        sampling=Sampling(max_tokens=1),
        policy=policy(asked.hansa, key),
        budget_ms=asked.hansa.budget_ms,
        deadline_ms=asked.hansa.deadline_ms,
        stream=False,
    )


def policy(own: wire.Extension, key: ApiKey) -> Policy:
    """The caller's hard rules; the tier is the key's, never the body's."""
    return Policy(own.residency, own.licences, own.no_train, key.tier)


def stops(stop: str | Sequence[str] | None) -> tuple[str, ...]:
    return (stop,) if isinstance(stop, str) else tuple(stop or ())


def held(choice: ToolChoice, tools: Sequence[Tool]) -> ToolChoice:
    """The choice as it is. Raises UserError where it asks for a tool that is not there."""
    if choice.mode == "named" and choice.name not in {each.name for each in tools}:
        raise UserError(f"tool_choice names {choice.name!r}, which is not among the tools")
    if choice.mode == "required" and not tools:
        raise UserError("tool_choice wants a tool to be called, and there are no tools")
    return choice


class _Schema(Protocol):
    """Both dialects of OpenAI describe a schema by these."""

    @property
    def name(self) -> str: ...
    @property
    def schema(self) -> dict[str, Any]: ...
    @property
    def strict(self) -> bool | None: ...
    @property
    def description(self) -> str | None: ...


def schema_form(asked: _Schema) -> OutputForm:
    """Text that matches the schema."""
    return OutputForm(
        "json_schema", asked.name, asked.schema, bool(asked.strict), asked.description or ""
    )


def check_options(options: chat.StreamOptions | None) -> None:
    """Raises UserError for what no stream from here has."""
    if options is not None and options.include_obfuscation:
        raise UserError("stream_options.include_obfuscation is not supported", hint="leave it out")


def _sampling(
    asked: wire.ChatRequest | wire.CompletionRequest, max_tokens: int, logprobs: int | None
) -> Sampling:
    """Left out means greedy: code wants the likeliest text, and small models need it."""
    return Sampling(
        max_tokens=max_tokens,
        temperature=0.0 if asked.temperature is None else asked.temperature,
        top_p=1.0 if asked.top_p is None else asked.top_p,
        seed=asked.random_seed if asked.seed is None else asked.seed,
        stop=stops(asked.stop),
        choices=1 if asked.n is None else asked.n,
        logprobs=logprobs,
        top_k=asked.top_k,
        presence_penalty=asked.presence_penalty or 0.0,
        frequency_penalty=asked.frequency_penalty or 0.0,
    )


def _message(each: chat.Message) -> Message:
    if isinstance(each, chat.AssistantMessage):
        calls = tuple([_call(call) for call in each.tool_calls or ()])
        return Message("assistant", _text(each.content) + (each.refusal or ""), calls)
    if isinstance(each, chat.ToolMessage):
        if not each.tool_call_id:
            raise UserError("a message of role 'tool' needs its tool_call_id")
        return Message("tool", _text(each.content), tool_call=each.tool_call_id)
    role = "user" if isinstance(each, chat.UserMessage) else "system"
    return Message(role, _text(each.content))


def _call(each: chat.CallGiven) -> ToolCall:
    said = each.function.arguments
    arguments = said if isinstance(said, str) else msgspec.json.encode(said).decode()
    return ToolCall(each.id, each.function.name, arguments)


def _text(content: str | Sequence[chat.TextPart | chat.RefusalPart] | None) -> str:
    if content is None or isinstance(content, str):
        return content or ""
    return "".join(
        [part.text if isinstance(part, chat.TextPart) else part.refusal for part in content]
    )


def _tool(each: chat.ToolBody) -> Tool:
    function = each.function
    return Tool(
        function.name, function.description or "", function.parameters or {}, bool(function.strict)
    )


def _tool_choice(asked: wire.ChatRequest) -> ToolChoice:
    parallel = asked.parallel_tool_calls is not False
    choice = asked.tool_choice
    if isinstance(choice, chat.NamedTool):
        return ToolChoice("named", choice.function.name, parallel)
    return ToolChoice("required" if choice == "any" else choice or "auto", "", parallel)


def _output(asked: chat.ResponseFormat | None) -> OutputForm | None:
    if asked is None:
        return None
    schema = asked.json_schema
    if (asked.type == "json_schema") != (schema is not None):
        raise UserError("response_format of type 'json_schema', and no other, has a json_schema")
    if schema is not None:
        return schema_form(schema)
    return OutputForm("json_object") if asked.type == "json_object" else None
