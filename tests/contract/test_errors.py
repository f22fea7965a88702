"""Every error, in every dialect, is what the vendor's own SDK makes its own exception of."""

from collections.abc import Callable

import aiohttp
import anthropic
import openai
import pytest
from mistralai.client import Mistral
from mistralai.client.errors import MistralError

from hansa.core import errors
from hansa.core.errors import HansaError
from hansa.gateway.call import TooLarge, TooSlow, WrongMethod
from hansa.gateway.desk import Desk
from hansa.gateway.idempotency import InProgress, OtherRequest
from support.nodes import Running

Raised = tuple[type[openai.APIStatusError], int, type[anthropic.APIStatusError], int, str]
"""OpenAI's class and status; Anthropic's class, status and type."""

WRONG: Raised = (
    openai.BadRequestError, 400, anthropic.BadRequestError, 400, "invalid_request_error"
)  # fmt: skip
FORBIDDEN: Raised = (
    openai.PermissionDeniedError, 403, anthropic.PermissionDeniedError, 403, "permission_error"
)  # fmt: skip
LIMITED: Raised = (
    openai.RateLimitError, 429, anthropic.RateLimitError, 429, "rate_limit_error"
)  # fmt: skip
BUSY: Raised = (
    openai.InternalServerError, 503, anthropic.OverloadedError, 529, "overloaded_error"
)  # fmt: skip


def broken(status: int) -> Raised:
    return openai.InternalServerError, status, anthropic.InternalServerError, 500, "api_error"


def odd(status: int, of_openai: type, of_anthropic: type) -> Raised:
    """Anthropic's API calls every other 4xx a wrong request."""
    return of_openai, status, of_anthropic, status, "invalid_request_error"


SAID: dict[type[HansaError], Raised] = {
    errors.HansaError: broken(500),
    errors.UserError: WRONG,
    errors.Unsupported: WRONG,
    errors.ConfigError: WRONG,
    errors.Unauthorized: (
        openai.AuthenticationError, 401,
        anthropic.AuthenticationError, 401, "authentication_error",
    ),
    errors.PolicyRefusal: FORBIDDEN,
    errors.KeyScope: FORBIDDEN,
    errors.IntegrityError: FORBIDDEN,
    errors.NotFound: (
        openai.NotFoundError, 404, anthropic.NotFoundError, 404, "not_found_error"
    ),
    WrongMethod: odd(405, openai.APIStatusError, anthropic.APIStatusError),
    TooSlow: odd(408, openai.APIStatusError, anthropic.RequestTimeoutError),
    InProgress: odd(409, openai.ConflictError, anthropic.ConflictError),
    TooLarge: (
        openai.APIStatusError, 413,
        anthropic.ContentTooLargeError, 413, "request_too_large",
    ),
    OtherRequest: odd(422, openai.UnprocessableEntityError, anthropic.UnprocessableEntityError),
    errors.Conflict: odd(409, openai.ConflictError, anthropic.ConflictError),
    errors.RateLimited: LIMITED,
    errors.SpendLimit: LIMITED,
    errors.EngineError: broken(502),
    errors.PeerError: broken(502),
    errors.EngineUnavailable: BUSY,
    errors.NodeDraining: BUSY,
    errors.DeadlineUnmet: BUSY,
    errors.PeerUnavailable: BUSY,
    errors.StorageError: broken(507),
}  # fmt: skip


def made(kind: type[HansaError]) -> HansaError:
    if issubclass(kind, errors.PolicyRefusal):
        return kind("it broke", rule="residency", hint="mend it")
    if issubclass(kind, errors.KeyScope):
        return kind("it broke", scope="models", hint="mend it")
    return kind("it broke", hint="mend it")


@pytest.fixture
def breaking(monkeypatch: pytest.MonkeyPatch) -> Callable[[HansaError], None]:
    """From now on every request to the node fails with the given error."""

    def breaks_with(error: HansaError) -> None:
        def raises(*_: object) -> None:
            raise error

        monkeypatch.setattr(Desk, "caller", raises)

    return breaks_with


def test_the_table_has_every_error_of_the_doors():
    kinds = {each for each in vars(errors).values() if isinstance(each, type)}
    kinds = {each for each in kinds if issubclass(each, HansaError)}
    assert SAID.keys() == kinds | {WrongMethod, TooSlow, TooLarge, InProgress, OtherRequest}


async def test_openais_sdk_raises_its_own(
    fronting: Running, breaking: Callable[[HansaError], None]
) -> None:
    url = f"{fronting.url}/v1"
    async with openai.AsyncOpenAI(base_url=url, api_key=fronting.key, max_retries=0) as sdk:
        for kind, (raised, status, *_) in SAID.items():
            breaking(made(kind))
            for ask in (
                lambda: sdk.completions.create(model="auto", prompt="x"),
                lambda: sdk.responses.create(model="auto", input="x"),
            ):
                with pytest.raises(raised, match="it broke") as caught:
                    await ask()
                assert type(caught.value) is raised
                assert (caught.value.status_code, caught.value.code) == (status, kind.code)


async def test_anthropics_sdk_raises_its_own(
    fronting: Running, breaking: Callable[[HansaError], None]
) -> None:
    async with anthropic.AsyncAnthropic(
        base_url=fronting.url, api_key=fronting.key, max_retries=0
    ) as sdk:
        for kind, (*_, raised, status, name) in SAID.items():
            breaking(made(kind))
            with pytest.raises(raised, match="it broke") as caught:
                await sdk.messages.create(
                    model="auto", max_tokens=1, messages=[{"role": "user", "content": "x"}]
                )
            assert type(caught.value) is raised, kind
            assert caught.value.status_code == status
            assert caught.value.body["type"] == "error"  # type: ignore[call-overload, index]  it is a dictionary
            assert caught.value.body["error"]["type"] == name  # type: ignore[call-overload, index]  it is a dictionary
            if kind.retryable:
                assert int(caught.value.response.headers["retry-after"]) >= 1


async def test_mistrals_sdk_raises_its_own(
    fronting: Running, breaking: Callable[[HansaError], None]
) -> None:
    async with Mistral(api_key=fronting.key, server_url=fronting.url) as sdk:
        for kind, (_, status, *_) in SAID.items():
            breaking(made(kind))
            with pytest.raises(MistralError, match="it broke") as caught:
                await sdk.fim.complete_async(model="auto", prompt="x")
            assert (caught.value.status_code, kind.code in caught.value.body) == (status, True)


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("GET", "/v1/chat/completions", "POST"),
        ("PUT", "/v1/responses", "POST"),
        ("DELETE", "/v1/models/x", "GET"),
        ("GET", "/v1/messages", "POST"),
        ("GET", "/v1/fim/completions", "POST"),
        ("PATCH", "/hansa/v1/admin/keys", "GET, POST"),
        ("GET", "/hansa/v1/answer", "POST"),
        ("POST", "/health", "GET, HEAD"),
        ("POST", "/v1/nothing", ""),
        ("POST", "/v1/messages/batches", ""),
        ("POST", "/v1/fim/nothing", ""),
        ("GET", "/hansa/v2", ""),
        ("GET", "/nothing", ""),
    ],
)
async def test_a_path_or_method_that_is_not_there(
    method: str, path: str, allow: str, fronting: Running
) -> None:
    async with aiohttp.request(method, fronting.url + path) as reply:
        said, status, headers = await reply.json(), reply.status, reply.headers
    assert status == (405 if allow else 404)
    assert ", ".join(sorted(headers.get("allow", "").split(", "))) == allow
    code = "method_not_allowed" if allow else "not_found"
    if path.startswith("/v1/messages"):
        kind = "invalid_request_error" if allow else "not_found_error"
        assert (said["type"], said["error"]["type"]) == ("error", kind)
        assert path in said["error"]["message"]
    elif path.startswith("/v1/fim"):
        assert (said["object"], said["code"]) == ("error", code)
    else:
        assert said["error"]["code"] == code
        assert ("retryable" in said["error"]) == path.startswith("/hansa")
