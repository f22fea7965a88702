"""OpenAI's bodies, read as a `Request`; what Hansa cannot do is refused by name."""

from collections.abc import Sequence

from hansa.accounts.keys import ApiKey
from hansa.core.errors import UserError
from hansa.core.ids import new_request_id
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
        tools=tuple([_tool(each) for each in asked.tools or ()]),
        tool_choice=_tool_choice(asked),
        output=_output(asked.response_format),
    )


def completion_request(asked: wire.CompletionRequest, key: ApiKey) -> Request:
    """Read a body of `/v1/completions`; `suffix` is what follows the cursor."""
    own = asked.hansa
    if asked.echo:
        raise UserError("echo is not supported", hint="the prompt is known to you already")
    if (asked.best_of or 1) > (asked.n or 1):
        raise UserError("best_of is not supported", hint="ask for n choices and choose")
    prompts = [asked.prompt] if isinstance(asked.prompt, str) else asked.prompt
    if len(prompts) != 1:
        raise UserError(f"{len(prompts)} prompts were sent; send one a request")
    limit = COMPLETION_TOKENS_DEFAULT if asked.max_tokens is None else asked.max_tokens
    return Request(
        id=new_request_id(),
        task=own.task or "complete",
        model=asked.model or ANY_MODEL,
        prefix=prompts[0],
        suffix=asked.suffix or "",
        snippets=own.snippets,
        sampling=_sampling(asked, limit, asked.logprobs),
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
        dimensions=asked.dimensions,
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


def _message(each: wire.ChatMessage) -> Message:
    if each.role == "function":
        raise UserError("messages of role 'function' are not supported", hint="use role 'tool'")
    role = "system" if each.role == "developer" else each.role
    calls = tuple(
        [
            ToolCall(call.id, call.function.name, call.function.arguments)
            for call in each.tool_calls or ()
        ]
    )
    if role == "tool" and not each.tool_call_id:
        raise UserError("a message of role 'tool' needs its tool_call_id")
    return Message(role, _text(each.content), calls, each.tool_call_id or "")


def _text(content: str | Sequence[wire.ContentPart] | None) -> str:
    if content is None or isinstance(content, str):
        return content or ""
    strange = next((part.type for part in content if part.type != "text"), None)
    if strange:
        raise UserError(f"message parts of type {strange!r} are not supported; only text is")
    return "".join(part.text for part in content)


def _tool(each: wire.ToolBody) -> Tool:
    function = each.function
    if each.type != "function" or function is None:
        raise UserError(f"tools of type {each.type!r} are not supported; only functions are")
    return Tool(
        function.name, function.description or "", function.parameters or {}, bool(function.strict)
    )


def _tool_choice(asked: wire.ChatRequest) -> ToolChoice:
    parallel = asked.parallel_tool_calls is not False
    choice = asked.tool_choice
    if isinstance(choice, wire.NamedTool):
        name = choice.function.name if choice.function else ""
        if name not in {each.function.name for each in asked.tools or () if each.function}:
            raise UserError(f"tool_choice names {name!r}, which is not among the tools")
        return ToolChoice("named", name, parallel)
    if choice == "any":  # Mistral's word for it.
        choice = "required"
    if choice not in (None, "auto", "none", "required"):
        raise UserError(f"tool_choice {choice!r} is not one of auto, none, required")
    return ToolChoice(choice or "auto", "", parallel)  # pyright: ignore[reportArgumentType]  one of three


def _output(asked: wire.ResponseFormat | None) -> OutputForm | None:
    if asked is None or asked.type == "text":
        return None
    if asked.type == "json_object":
        return OutputForm("json_object")
    if asked.type == "json_schema" and asked.json_schema is not None:
        schema = asked.json_schema
        return OutputForm("json_schema", schema.name, schema.schema, bool(schema.strict))
    raise UserError(f"response_format {asked.type!r} is not one of text, json_object, json_schema")
