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
from hansa.wire.requests import Chunk, FinishReason, Request, Usage
from hansa.wire.sse import decode_events

START_TIMEOUT_S = 60.0
BACKOFF_FIRST_S = 0.2
BACKOFF_MAX_S = 10.0
STABLE_AFTER_S = 30.0
"""A child that lived this long starts again at the first back-off."""

_log = structlog.get_logger()


class LlamaCppConfig(msgspec.Struct, frozen=True):
    model_path: str
    threads: int
    slots: int
    context_tokens: int


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
    ) -> None:
        """`render` writes the exact prompt of a request; `stop` always ends generation."""
        self._config = config
        self._render = render
        self._stop = stop
        self._name = name
        self._log_path = log_path
        self._state: EngineState = "starting"
        self._url = ""
        self._child: asyncio.subprocess.Process | None = None
        self._supervisor: asyncio.Task[None] | None = None
        self._http: aiohttp.ClientSession | None = None

    @property
    def pid(self) -> int | None:
        """The child's process id while it runs."""
        return self._child.pid if self._child and self._child.returncode is None else None

    def state(self) -> EngineState:
        return self._state

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
        if self._state != "ready" or self._http is None:
            raise EngineUnavailable(f"the engine of replica {self._name} is {self._state}")
        body = msgspec.json.encode(self._body(request))
        started = False
        try:
            async with self._http.post(
                f"{self._url}/completion", data=body, headers={"content-type": "application/json"}
            ) as reply:
                if reply.status != 200:
                    raise _refused(self._name, reply.status, await reply.content.read(4096))
                chunks = _streamed(reply) if request.stream else _whole(reply)
                async with contextlib.aclosing(chunks):
                    async for chunk in chunks:
                        started = True
                        yield chunk
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
            "stream": request.stream,
            "stop": [*self._stop, *sampling.stop],
            "cache_prompt": True,
            "response_fields": _FIELDS,
        }
        if sampling.temperature == 0:
            # Greedy through one sampler: about 10% faster than the whole chain at temperature 0.
            body |= {"temperature": 0.0, "samplers": ["top_k"], "top_k": 1}
        else:
            body |= {"temperature": sampling.temperature, "top_p": sampling.top_p}
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
            self._state = "down"
            await self._stop_child()
            backoff_s = BACKOFF_FIRST_S if clock() - born > STABLE_AFTER_S else backoff_s
            _log.warning("engine_restarts", replica=self._name, after_s=backoff_s)
            await asyncio.sleep(backoff_s)
            backoff_s = min(backoff_s * 2, BACKOFF_MAX_S)
            self._state = "starting"

    async def _start_child(self) -> None:
        self._log_path.parent.mkdir(parents=True, exist_ok=True)
        with self._log_path.open("wb") as log:
            self._child = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "hansa.engines.llamacpp_child",
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=log,
            )  # fmt: skip
        assert self._child.stdin
        assert self._child.stdout
        self._child.stdin.write(msgspec.json.encode(self._config) + b"\n")
        async with asyncio.timeout(START_TIMEOUT_S):
            line = await self._child.stdout.readline()
        if not line:
            code = await self._child.wait()
            raise EngineError(f"llama.cpp ended with {code} while loading; see {self._log_path}")
        self._url = msgspec.json.decode(line)["url"]
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


class _Event(msgspec.Struct, frozen=True):
    """What we read of llama.cpp's events; `tokens_*` count up to this event."""

    content: str = ""
    stop: bool = False
    stop_type: str = ""
    tokens_predicted: int = 0
    tokens_evaluated: int = 0
    timings: dict[str, float] = {}

    def chunk(self) -> Chunk:
        finish: FinishReason | None = None
        if self.stop:
            finish = "length" if self.stop_type == "limit" else "stop"
        cached = int(self.timings.get("cache_n", 0))
        usage = Usage(self.tokens_evaluated, self.tokens_predicted, cached)
        return Chunk(self.content, finish, usage)


_FIELDS = list(_Event.__struct_fields__)
_decode = msgspec.json.Decoder(_Event).decode


async def _streamed(reply: aiohttp.ClientResponse) -> AsyncGenerator[Chunk]:
    async for event in decode_events(reply.content.iter_any()):
        chunk = _decode(event.data).chunk()
        yield chunk
        if chunk.finish:
            return
    raise EngineError("the engine ended its stream without a last event")


async def _whole(reply: aiohttp.ClientResponse) -> AsyncGenerator[Chunk]:
    # Only finished answers arrive here, so `stop` need not be said.
    event = _decode(await reply.read())
    yield msgspec.structs.replace(event, stop=True).chunk()


def _refused(name: str, status: int, body: bytes) -> Exception:
    said = body.decode(errors="replace")
    if "exceed_context_size" in said or "exceeds the available context" in said:
        return UserError(
            f"the prompt does not fit the context of replica {name}", hint="send less text"
        )
    return EngineError(f"the engine of replica {name} answered {status}: {said[:300]}")
