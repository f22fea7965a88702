"""llama.cpp through xllamacpp, in a child process that is restarted when it dies."""

import asyncio
import contextlib
import sys
from collections.abc import AsyncGenerator, Callable
from pathlib import Path

import aiohttp
import msgspec
import structlog

from hansa.core.bounds import REQUEST_DEADLINE_S
from hansa.core.errors import EngineError, EngineUnavailable, UserError
from hansa.engines.base import EngineState
from hansa.engines.llamacpp_child import LlamaCppConfig
from hansa.engines.weighing import Said, best_filling, until_stop
from hansa.wire.features import FILLS_IN, WEIGHS, Feature
from hansa.wire.requests import Chunk, FinishReason, Request, TokenLogprob, Usage
from hansa.wire.sse import decode_events

START_TIMEOUT_S = 60.0
BACKOFF_FIRST_S = 0.2
BACKOFF_MAX_S = 10.0
STABLE_AFTER_S = 30.0
"""A child that lived this long starts again at the first back-off."""

FEATURES: frozenset[Feature] = frozenset(
    {
        "chat",
        "complete",
        "prefill",
        "json_object",
        "json_schema",
        "logprobs",
        "penalties",
        "top_k",
        "seed",
    }
)

_LINE_END = ("\n",)

_log = structlog.get_logger()


class LlamaCpp:
    """One replica: one child process with one model loaded."""

    def __init__(
        self,
        config: LlamaCppConfig,
        *,
        render: Callable[[Request], str],
        stop: tuple[str, ...],
        name: str,
        log_path: Path,
        fills_in: bool = False,
        render_plain: Callable[[Request], str] | None = None,
    ) -> None:
        """`render` writes the exact prompt of a request; `stop` always ends generation.

        `fills_in`: the model was trained to fill in the middle. `render_plain` writes the prompt
        of a text that only goes on, if the model has another for it.
        """
        self._features: frozenset[Feature] = FEATURES
        if fills_in:
            self._features |= FILLS_IN | WEIGHS
        self._config = config
        self._render = render
        self._render_plain = render_plain or render
        self._stop = stop
        self._name = name
        self._log_path = log_path
        self._state: EngineState = "starting"
        self._url = ""
        self._child: asyncio.subprocess.Process | None = None
        self._supervisor: asyncio.Task[None] | None = None
        self._http: aiohttp.ClientSession | None = None

    @property
    def features(self) -> frozenset[Feature]:
        return self._features

    @property
    def pid(self) -> int | None:
        """The child's process id while it runs."""
        return self._child.pid if self._child and self._child.returncode is None else None

    def state(self) -> EngineState:
        return self._state

    def problem(self) -> str:
        return "it ended, and is started again" if self._state == "down" else ""

    async def start(self) -> None:
        """Start the child and return at once; `state()` says when it is ready."""
        # llama.cpp's server keeps a thread for each idle connection and drops it unasked.
        connector = aiohttp.TCPConnector(limit=0, force_close=True)
        timeout = aiohttp.ClientTimeout(total=REQUEST_DEADLINE_S, sock_connect=2.0)
        self._http = aiohttp.ClientSession(
            timeout=timeout, connector=connector, read_bufsize=1 << 18
        )
        self._supervisor = asyncio.create_task(self._supervise(), name=f"engine {self._name}")

    async def close(self) -> None:
        if self._supervisor:
            self._supervisor.cancel()
            await asyncio.gather(self._supervisor, return_exceptions=True)
            self._supervisor = None
        await self._stop_child()
        if self._http:
            await self._http.close()
            self._http = None
        self._state = "down"

    async def stream(self, request: Request) -> AsyncGenerator[Chunk]:
        if request.sampling.best_of > 1:
            answer = best_filling(self._say, request)
        else:
            answer = self._chunks(self._body(request), request.sampling.logprobs or 0)
        async with contextlib.aclosing(answer) as chunks:
            async for chunk in chunks:
                yield chunk

    async def _say(self, request: Request, *, plain: bool = False, slot: int | None = None) -> Said:
        sampling, begins = request.sampling, request.begins
        body = self._body(request)
        if begins:
            body["stop"] = self._stop  # The others would be found in what it must begin with.
        if plain:
            body["prompt"] = self._render_plain(request)
        if slot is not None:
            body["id_slot"] = slot
        text, tokens, finish, usage = "", list[TokenLogprob](), "stop", Usage()
        async with contextlib.aclosing(self._events(body)) as events:
            async for event in events:
                chunk = event.chunk(sampling.logprobs or 0)
                over = until_stop(text, begins, sampling.stop) != text
                text += chunk.text
                tokens += () if over else chunk.logprobs
                usage = chunk.usage or usage
                if chunk.finish:
                    finish, slot = chunk.finish, event.id_slot
                    break
                if over and sampling.stop != _LINE_END:
                    break  # Else it ends by itself, and says in which slot.
        return Said(until_stop(text, begins, sampling.stop), finish, tuple(tokens), usage, slot)

    async def _chunks(self, body: dict[str, object], alternatives: int) -> AsyncGenerator[Chunk]:
        async with contextlib.aclosing(self._events(body)) as events:
            async for event in events:
                yield event.chunk(alternatives)

    async def _events(self, body: dict[str, object]) -> AsyncGenerator["_Event"]:
        if self._state != "ready" or self._http is None:
            raise EngineUnavailable(f"the engine of replica {self._name} is {self._state}")
        started = False
        try:
            async with self._http.post(
                f"{self._url}/completion",
                data=msgspec.json.encode(body),
                headers={"content-type": "application/json"},
            ) as reply:
                if reply.status != 200:
                    raise _refused(self._name, reply.status, await reply.content.read(4096))
                async with contextlib.aclosing(_events(reply)) as events:
                    async for event in events:
                        started = True
                        yield event
        except (aiohttp.ClientError, TimeoutError, ConnectionError) as error:
            kind = EngineError if started else EngineUnavailable
            raise kind(
                f"the engine of replica {self._name} broke off: {error or type(error).__name__}",
                hint="it is being restarted; try again",
            ) from error

    def _body(self, request: Request) -> dict[str, object]:
        sampling = request.sampling
        body: dict[str, object] = {
            "prompt": self._render(request),
            "n_predict": sampling.max_tokens,
            # Also for a whole answer: a client that leaves pays for what was generated by then.
            "stream": True,
            "stop": [*self._stop, *sampling.stop],
            "cache_prompt": True,
            "response_fields": _FIELDS,
        }
        if sampling.logprobs is not None:
            body["n_probs"] = max(1, sampling.logprobs)
        if request.output is not None:
            body["json_schema"] = request.output.schema or {"type": "object"}
        if sampling.presence_penalty or sampling.frequency_penalty:
            body["presence_penalty"] = sampling.presence_penalty
            body["frequency_penalty"] = sampling.frequency_penalty
        if request.begins and request.output is None:
            body["grammar"] = _beginning(request.begins, one_line=sampling.stop == _LINE_END)
        constrained = not body.keys().isdisjoint({"json_schema", "presence_penalty", "grammar"})
        if sampling.temperature == 0 and constrained:
            body["temperature"] = 0.0
        elif sampling.temperature == 0:
            # Greedy through one sampler: about 10% faster than the whole chain at temperature 0.
            body |= {"temperature": 0.0, "samplers": ["top_k"], "top_k": 1}
        else:
            body |= {"temperature": sampling.temperature, "top_p": sampling.top_p}
        if sampling.top_k is not None and sampling.temperature > 0:
            body["top_k"] = sampling.top_k
        if sampling.seed is not None:
            body["seed"] = sampling.seed
        return body

    async def _supervise(self) -> None:
        backoff_s = BACKOFF_FIRST_S
        clock = asyncio.get_running_loop().time
        while True:
            born = clock()
            try:
                await self._start_child()
                await self._wait_for_child()
            except (OSError, EngineError, TimeoutError) as error:
                _log.warning("engine_start_failed", replica=self._name, error=str(error))
            except Exception:  # noqa: BLE001  a supervisor: the replica must not stay "starting"
                _log.exception("engine_start_failed", replica=self._name)
            self._state = "down"
            await self._stop_child()
            backoff_s = BACKOFF_FIRST_S if clock() - born > STABLE_AFTER_S else backoff_s
            _log.warning("engine_restarts", replica=self._name, after_s=backoff_s)
            await asyncio.sleep(backoff_s)
            backoff_s = min(backoff_s * 2, BACKOFF_MAX_S)
            self._state = "starting"

    async def _start_child(self) -> None:
        self._log_path.parent.mkdir(parents=True, exist_ok=True)
        with self._log_path.open("ab") as log:
            # -P: a node is started in somebody's repository, and runs no code of it. In a session
            # of its own: Ctrl-C is for the node, which first lets it end what it is at.
            self._child = await asyncio.create_subprocess_exec(
                sys.executable, "-P", "-m", "hansa.engines.llamacpp_child",
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=log,
                start_new_session=True,
            )  # fmt: skip
        assert self._child.stdin
        assert self._child.stdout
        self._child.stdin.write(msgspec.json.encode(self._config) + b"\n")
        async with asyncio.timeout(START_TIMEOUT_S):
            line = await self._child.stdout.readline()
        if not line:
            code = await self._child.wait()
            raise EngineError(f"llama.cpp ended with {code} while loading; see {self._log_path}")
        try:
            self._url = msgspec.json.decode(line, type=_Started).url
        except msgspec.DecodeError as error:
            raise EngineError(f"llama.cpp began with {line[:80]!r}") from error
        self._state = "ready"
        _log.info("engine_ready", replica=self._name, pid=self._child.pid)

    async def _wait_for_child(self) -> None:
        assert self._child
        code = await self._child.wait()
        _log.warning("engine_died", replica=self._name, code=code)

    async def _stop_child(self) -> None:
        child, self._child = self._child, None
        if child is None or child.returncode is not None:
            return
        if child.stdin:
            child.stdin.close()
        try:
            async with asyncio.timeout(2.0):
                await child.wait()
        except TimeoutError:
            child.kill()
            await child.wait()


class _Started(msgspec.Struct, frozen=True):
    """The child's first line."""

    url: str


class _Likely(msgspec.Struct, frozen=True):
    token: str
    logprob: float


class _Token(msgspec.Struct, frozen=True):
    token: str
    logprob: float
    top_logprobs: list[_Likely] = []

    def plain(self, alternatives: int) -> TokenLogprob:
        top = tuple((each.token, each.logprob) for each in self.top_logprobs[:alternatives])
        return TokenLogprob(self.token, self.logprob, top)


class _Event(msgspec.Struct, frozen=True):
    """What we read of llama.cpp's events; `tokens_*` count up to this event."""

    content: str = ""
    stop: bool = False
    stop_type: str = ""
    id_slot: int = 0
    tokens_predicted: int = 0
    tokens_evaluated: int = 0
    timings: dict[str, float] = {}
    completion_probabilities: list[_Token] = []

    def chunk(self, alternatives: int) -> Chunk:
        finish: FinishReason | None = None
        if self.stop:
            finish = "length" if self.stop_type == "limit" else "stop"
        cached = int(self.timings.get("cache_n", 0))
        usage = Usage(self.tokens_evaluated, self.tokens_predicted, cached)
        logprobs = tuple(each.plain(alternatives) for each in self.completion_probabilities)
        return Chunk(self.content, finish, usage, logprobs=logprobs)


_FIELDS = list(_Event.__struct_fields__)
_decode = msgspec.json.Decoder(_Event).decode


async def _events(reply: aiohttp.ClientResponse) -> AsyncGenerator[_Event]:
    async for event in decode_events(reply.content.iter_any()):
        said = _decode(event.data)
        yield said
        if said.stop:
            return
    raise EngineError("the engine ended its stream without a last event")


def _beginning(text: str, *, one_line: bool = False) -> str:
    """A grammar of all answers that begin with `text`; a line just begun is not left empty.

    `one_line`: the answer is over with the line, whose break may bring white space along.
    Source: llama.cpp, grammars/README.md.
    """
    line = "" if text.strip() else "[ \\t]* [^ \\t\\r\\n\\x00] "
    rest = "[^\\r\\n\\x00]* ([\\r\\n] [ \\t\\r\\n]*)?" if one_line else "[^\\x00]*"
    return f"root ::= {msgspec.json.encode(text).decode()} {line}{rest}"


def _refused(name: str, status: int, body: bytes) -> Exception:
    said = body.decode(errors="replace")
    if "exceed_context_size" in said or "exceeds the available context" in said:
        return UserError(
            f"the prompt does not fit the context of replica {name}", hint="send less text"
        )
    return EngineError(f"the engine of replica {name} answered {status}: {said[:300]}")
