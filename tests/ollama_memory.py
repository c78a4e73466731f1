"""What Ollama keeps in memory, and how it decides (server/sched.go of ollama@fb30760996; spark.md 3.5).

- One runner per model. A request whose runner options differ loads the model again, with all that takes.
- One load at a time, first come first served; requests for models that are in memory go past the queue.
- With others in memory, a model fits when it takes no more than 80 % of what is free. If not, the runner with the
  shortest keep_alive goes (by name where equal), an idle one first, a pinned one last, but it does go; a busy one is
  waited for.
- With nothing else in memory, it is loaded whatever it takes: what does not fit runs on the CPU.
- A load that runs out of memory beside others is tried once more without them.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import anyio

from tests.ollama_values import ApiError, Loading, Served

DEFAULTS: Mapping[str, Any] = {
    "num_batch": 512,
    "num_gpu": -1,
    "main_gpu": None,
    "use_mmap": None,
    "num_thread": 0,
    "draft_num_predict": 0,
}
"""Options that belong to the runner, beside `num_ctx` (api/types.go, Runner)."""

KEEP_ALIVE_SECONDS = 300.0
FOR_EVER = timedelta(microseconds=(2**63 - 1) // 1000)
"""The longest Go duration, 292 years: how `expires_at` shows a pin."""

UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
DURATION = re.compile(r"[-+]?(\d+(\.\d*)?(ns|us|µs|ms|s|m|h))+")


def keep_alive_seconds(value: Any) -> float | None:
    """None where nothing is said; infinite for negative ones. Raises ApiError for what Go's parser does not take."""
    if value is None:
        return None
    if isinstance(value, str):
        if not DURATION.fullmatch(value):
            kind = "missing unit in" if re.fullmatch(r"[-+]?[\d.]+", value) else "invalid"
            raise ApiError(400, f'time: {kind} duration "{value}"')
        pieces = re.findall(r"([\d.]+)(ns|us|µs|ms|s|m|h)", value)
        value = sum(float(number) * UNITS[unit] for number, unit in pieces) * (-1 if value.startswith("-") else 1)
    return math.inf if value < 0 else float(value)


def is_out_of_memory(text: str) -> bool:
    """As llm/status.go sees it, in short."""
    return any(sign in text.lower() for sign in ("out of memory", "cudamalloc failed", "failed to allocate"))


@dataclass(frozen=True)
class Wish:
    """What a request wants of the scheduler."""

    model: str
    served: Served
    options: dict[str, Any]
    """As sent."""
    shift: bool = True
    keep_alive: float | None = None

    def differs_from(self, runner: Runner, context_tokens: int) -> tuple[str, ...]:
        """The options that need another load; what both leave open is the same."""
        return tuple(self._differences(runner, context_tokens))

    def _differences(self, runner: Runner, context_tokens: int) -> Iterator[str]:
        given, then = self.options, runner.wish.options
        if context_tokens != runner.context_tokens and ("num_ctx" in given or "num_ctx" in then):
            yield "num_ctx"
        for option, default in DEFAULTS.items():
            left_to_ollama = option == "num_gpu" and given.get(option, -1) < 0
            if given.get(option, default) != then.get(option, default) and not left_to_ollama:
                yield option
        if self.shift != runner.wish.shift:
            yield "shift"


@dataclass
class Runner:
    """A model in memory."""

    wish: Wish
    context_tokens: int
    size_bytes: int
    size_vram_bytes: int
    keep_alive: float
    slots: anyio.Semaphore
    users: int = 0
    idle_since: float = 0.0
    gone: anyio.Event = field(default_factory=anyio.Event)

    @property
    def model(self) -> str:
        return self.wish.model

    def expires_at(self) -> str:
        """RFC 3339, counted from now while it is in use."""
        left = FOR_EVER
        if self.keep_alive != math.inf:
            idle = 0.0 if self.users else anyio.current_time() - self.idle_since
            left = timedelta(seconds=self.keep_alive - idle)
        return (datetime.now(UTC) + left).isoformat().replace("+00:00", "Z")


class Memory:
    """The scheduler of one server."""

    def __init__(self) -> None:
        self.bytes: int | None = None
        """Of the GPU; None is endless."""
        self.fit_percent = 80
        """How much of what is free one more model may take."""
        self.context_tokens = 4096
        """OLLAMA_CONTEXT_LENGTH: where a request does not say."""
        self.parallel = 1
        """OLLAMA_NUM_PARALLEL."""
        self.max_queue = 512
        """OLLAMA_MAX_QUEUE: requests that wait for a load, beside the one that is served."""
        self.max_loaded = 8
        """OLLAMA_MAX_LOADED_MODELS; Ollama's own default is 3 per GPU, spark.md 3.4 asks for 8."""
        self.load_errors: dict[str, list[str]] = {}
        """What the next loads of a model (full tag) fail with; `LOAD_OOM` is tried again without the others."""
        self.loaded: dict[str, Runner] = {}
        self.loadings: list[Loading] = []
        self.loading = ""
        """The model that is being loaded."""
        self.waiting = 0
        """Requests that wait for somebody else's load."""
        self._turn = anyio.Lock()
        self._loading_bytes = 0

    # ── to be seen ──────────────────────────────────────────────────────────────────────────────

    def reloads(self, model: str) -> Counter[str]:
        """How often each option made a model load again."""
        return Counter(cause for load in self.loadings if load.model == model for cause in load.causes)

    def running(self) -> list[Runner]:
        """What /api/ps shows: the longest to stay first."""
        self._forget_expired()
        return sorted(self.loaded.values(), key=lambda runner: runner.expires_at(), reverse=True)

    def free_bytes(self) -> float:
        used = sum(runner.size_vram_bytes for runner in self.loaded.values()) + self._loading_bytes
        return math.inf if self.bytes is None else max(0, self.bytes - used)

    # ── to be told ──────────────────────────────────────────────────────────────────────────────

    @asynccontextmanager
    async def use(self, wish: Wish) -> AsyncGenerator[Runner, None]:
        """The runner of a model, loaded if need be, and held. Raises ApiError."""
        runner = await self._runner(wish)
        try:
            yield runner
        finally:
            runner.users -= 1
            runner.idle_since = anyio.current_time()
            if not runner.users and runner.keep_alive <= 0:
                self._drop(runner)

    def put(self, model: str, served: Served, size_bytes: int, context_tokens: int, keep_alive: float) -> None:
        """A model is in memory without a request to this test's knowledge."""
        wish = Wish(model, served, {"num_ctx": context_tokens}, keep_alive=keep_alive)
        slots = anyio.Semaphore(served.slots(self.parallel))
        runner = Runner(wish, context_tokens, size_bytes, size_bytes, keep_alive, slots)
        runner.idle_since = anyio.current_time()
        self.loaded[model] = runner

    def expire(self, model: str) -> None:
        """It goes as soon as nobody uses it."""
        if (runner := self.loaded.get(model)) is not None:
            runner.keep_alive = 0.0
            if not runner.users:
                self._drop(runner)

    def expire_all(self) -> None:
        """What Ollama does when a generation runs out of memory."""
        for model in list(self.loaded):
            self.expire(model)

    def remove(self, model: str) -> None:
        """It is gone at once, as when its process dies."""
        if (runner := self.loaded.get(model)) is not None:
            self._drop(runner)

    def forget_everything(self) -> None:
        """The server has died."""
        for model in list(self.loaded):
            self.remove(model)
        self._turn = anyio.Lock()

    # ── scheduling ──────────────────────────────────────────────────────────────────────────────

    async def _runner(self, wish: Wish) -> Runner:
        self._forget_expired()
        runner = self.loaded.get(wish.model)
        if runner is None or wish.differs_from(runner, self._context_of(wish)):
            runner = await self._queue(wish)
        runner.users += 1
        if wish.keep_alive is not None:  # a request that does not say leaves it as it is
            runner.keep_alive = wish.keep_alive
        return runner

    async def _queue(self, wish: Wish) -> Runner:
        if self._turn.locked() and self.waiting >= self.max_queue:
            raise ApiError(503, "server busy, please try again.  maximum pending requests exceeded")
        self.waiting += 1
        try:
            await self._turn.acquire()
        finally:
            self.waiting -= 1
        try:
            return await self._make_room_and_load(wish)
        finally:
            self._turn.release()

    async def _make_room_and_load(self, wish: Wish) -> Runner:
        causes: tuple[str, ...] = ()
        context = self._context_of(wish)
        while True:
            runner = self.loaded.get(wish.model)
            if runner is not None:
                if not (causes := wish.differs_from(runner, context)):
                    return runner
                await self._evict(runner)
            elif self.loaded and (len(self.loaded) >= self.max_loaded or not self._fits(wish, context)):
                await self._evict(self._victim())
            else:
                try:
                    return await self._load(wish, context, causes)
                except ApiError as error:
                    if not self.loaded or not is_out_of_memory(error.error):
                        raise
                for other in list(self.loaded.values()):
                    await self._evict(other)

    async def _load(self, wish: Wish, context: int, causes: tuple[str, ...]) -> Runner:
        slots = wish.served.slots(self.parallel)
        size = wish.served.size_bytes(context, slots)
        on_gpu = 0 if wish.options.get("num_gpu") == 0 else int(min(size, self.free_bytes()))
        self.loadings.append(Loading(wish.model, causes, context))
        self.loading, self._loading_bytes = wish.model, on_gpu
        try:
            if wish.served.load_hold is not None:
                await wish.served.load_hold.wait()
            await anyio.sleep(wish.served.load_seconds)
            if errors := self.load_errors.get(wish.model):
                raise ApiError(500, errors.pop(0))
        finally:
            self.loading, self._loading_bytes = "", 0
        runner = Runner(wish, context, size, on_gpu, KEEP_ALIVE_SECONDS, anyio.Semaphore(slots))
        self.loaded[wish.model] = runner
        return runner

    def _context_of(self, wish: Wish) -> int:
        least = 2048 if "vision" in wish.served.capabilities else 4
        asked = int(wish.options.get("num_ctx", self.context_tokens))
        return min(max(asked, least), wish.served.context_length)

    def _fits(self, wish: Wish, context: int) -> bool:
        size = wish.served.size_bytes(context, wish.served.slots(self.parallel))
        return wish.options.get("num_gpu") == 0 or size <= self.free_bytes() * self.fit_percent / 100

    def _victim(self) -> Runner:
        return min(self.loaded.values(), key=lambda runner: (bool(runner.users), runner.keep_alive, runner.model))

    async def _evict(self, runner: Runner) -> None:
        self.expire(runner.model)
        await runner.gone.wait()

    def _drop(self, runner: Runner) -> None:
        if self.loaded.get(runner.model) is runner:
            del self.loaded[runner.model]
        runner.gone.set()

    def _forget_expired(self) -> None:
        now = anyio.current_time()
        for runner in list(self.loaded.values()):
            if not runner.users and now >= runner.idle_since + runner.keep_alive:
                self._drop(runner)
