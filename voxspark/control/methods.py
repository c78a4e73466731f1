"""The methods of the socket: each takes checked parameters and returns a JSON-ready result."""

from __future__ import annotations

import base64
import difflib
import os
import stat
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import anyio
import anyio.to_thread

from voxspark.audio import read_wav, resample, to_pcm16
from voxspark.control import rpc
from voxspark.control.daemon import Daemon
from voxspark.control.rpc import (
    AskParams,
    ErrorCode,
    HistoryParams,
    Message,
    ModelParams,
    NoParams,
    Params,
    Request,
    RpcError,
)
from voxspark.errors import ControlError, VoxSparkError
from voxspark.events import Event, Failed, ModelPulled, Reply, TurnEnded
from voxspark.tools.registry import StrangersText
from voxspark.types import SAMPLE_RATE_HZ, Pcm16

MAX_AUDIO_BYTES = 64 << 20
MAX_AUDIO_SECONDS = 600.0
METER_SECONDS = 0.1
"""Between two readings of the level meter."""
MIN_AUDIO_RATE_HZ = 4_000
"""Below it no speech is left, and resampling a small file could fill the memory."""


Permission = Literal["owner", "guest", "everybody"]
"""`guest`: a guest may be allowed it (`control.guest_methods`)."""

PUBLIC_STATUS = ("state", "version", "uptime_seconds", "profile", "mode", "muted")
"""What a guest is told of the daemon: not how loud it is at home."""


class Exchange:
    """One request being served: at most one answer, with notifications before or after it."""

    def __init__(self, request: Request, send: Callable[[Message], Awaitable[None]], *, guest: bool = False) -> None:
        """`guest`: not one of the owner's people asks."""
        self.request = request
        self.guest = guest
        self.answered = False
        self._send = send

    async def notify(self, method: str, params: Mapping[str, Any]) -> None:
        """Tell the client something on the way."""
        await self._send(rpc.notification(method, params))

    async def succeed(self, result: Any) -> None:
        """Answer now; what comes later are notifications."""
        await self._answer(rpc.success(self.request.id, result))

    async def fail(self, error: VoxSparkError) -> None:
        """Answer with an error."""
        await self._answer(rpc.failure(self.request.id, error))

    async def _answer(self, message: Message) -> None:
        if self.request.wants_answer:
            await self._send(message)
        self.answered = True


@dataclass(frozen=True, slots=True)
class Method:
    """How a method is checked and run."""

    params: type[Params]
    run: Callable[[Any, Exchange], Awaitable[Any]]
    """Its result is the answer, unless it has answered by itself."""
    permission: Permission = "owner"
    long: bool = False
    """Runs beside the other requests of its client; the short ones run in the order they come."""


class Methods:
    """The table of methods, over one daemon."""

    def __init__(self, daemon: Daemon, guest_methods: Collection[str] = ()) -> None:
        """`guest_methods`: what guests may do, of what they can be allowed."""
        self._daemon = daemon
        self._guest_methods = guest_methods
        self._decoding = anyio.Lock()
        self._table = {
            "ask": Method(AskParams, self._ask, "guest", long=True),
            "say": Method(rpc.SayParams, self._say, "guest", long=True),
            "listen.start": Method(NoParams, _order(daemon.press), "guest"),
            "listen.stop": Method(NoParams, _order(daemon.release), "guest"),
            "listen.toggle": Method(NoParams, _order(daemon.toggle), "guest"),
            "mute": Method(rpc.MuteParams, self._mute, "guest", long=True),
            "transcribe": Method(rpc.TranscribeParams, self._transcribe, "guest", long=True),
            "stop": Method(NoParams, _order(daemon.stop), "guest"),
            "status": Method(NoParams, self._status, "guest"),
            "mic.watch": Method(NoParams, self._watch_microphone, long=True),
            "history": Method(HistoryParams, self._history),
            "record": Method(rpc.RecordParams, self._record),
            "swarm": Method(rpc.SwarmParams, self._swarm, long=True),
            "models.list": Method(NoParams, self._list_models, "guest", long=True),
            "models.load": Method(ModelParams, self._load_model, long=True),
            "models.unload": Method(ModelParams, self._unload_model, long=True),
            "models.pull": Method(ModelParams, self._pull_model, long=True),
            "events.subscribe": Method(NoParams, self._subscribe, long=True),
            "shutdown": Method(NoParams, self._shutdown),
            "ping": Method(NoParams, self._ping, "everybody"),
        }

    def find(self, name: str, *, guest: bool = False) -> Method:
        """The method of that name. Raises RpcError that names the nearest one, or refuses a guest."""
        if (method := self._table.get(name)) is not None:
            allowed = method.permission == "everybody" or (method.permission == "guest" and name in self._guest_methods)
            if guest and not allowed:
                raise only_the_owner(f"use {name}")
            return method
        near = difflib.get_close_matches(name[:64], self._table, n=1)
        hint = f"Did you mean {near[0]}?" if near else f"Known: {', '.join(self._table)}."
        raise RpcError(ErrorCode.UNKNOWN_METHOD, "unknown-method", f"There is no method {name[:64]}.", hint)

    async def _ask(self, params: AskParams, exchange: Exchange) -> Message:
        if exchange.guest and (params.role or params.images):
            raise only_the_owner("choose who answers, or show pictures")
        images = tuple([await self._picture(image) for image in params.images])
        text = StrangersText(params.text) if params.agent else params.text
        turn = self._daemon.ask(text, aloud=params.aloud, role=params.role, images=images, guest=exchange.guest)
        return await _follow(turn, exchange, stream=params.stream)

    async def _picture(self, params: rpc.ImageParams) -> bytes:
        async with self._decoding:
            return await anyio.to_thread.run_sync(load_picture, params, abandon_on_cancel=True)

    async def _say(self, params: rpc.SayParams, exchange: Exchange) -> Message:
        return await _follow(self._daemon.say(params.text), exchange, stream=False)

    async def _mute(self, params: rpc.MuteParams, exchange: Exchange) -> Message:
        if exchange.guest and params.on is not True:
            raise only_the_owner("open the microphone")
        return {"muted": await self._daemon.mute(params.on)}

    async def _transcribe(self, params: rpc.TranscribeParams, exchange: Exchange) -> Message:
        if exchange.guest and params.path is not None:
            raise only_the_owner("have files read; send the audio itself")
        async with self._decoding:  # one decoded file in memory, whatever the clients send
            samples = await anyio.to_thread.run_sync(partial(load_audio, params), abandon_on_cancel=True)
            transcript = await self._daemon.transcribe(samples)
        return {"text": transcript.text, "language": transcript.language, "confidence": transcript.confidence}

    async def _status(self, _: NoParams, exchange: Exchange) -> Message:
        status = self._daemon.status()
        return {key: status[key] for key in PUBLIC_STATUS if key in status} if exchange.guest else status

    async def _watch_microphone(self, _: NoParams, exchange: Exchange) -> None:
        """Never ends by itself; a client that reads too slowly gets fewer, and in the end none."""
        while exchange.request.wants_answer:
            await exchange.notify("mic", {"id": exchange.request.id, **self._daemon.microphone()})
            await anyio.sleep(METER_SECONDS)

    async def _history(self, params: HistoryParams, _: Exchange) -> list[Message]:
        return self._daemon.history(params.limit)

    async def _record(self, params: rpc.RecordParams, _: Exchange) -> Message:
        return self._daemon.record(params.turns)

    async def _swarm(self, params: rpc.SwarmParams, _: Exchange) -> list[Message]:
        return await self._daemon.swarm(params.questions)

    async def _list_models(self, _: NoParams, __: Exchange) -> list[Message]:
        return await self._daemon.models_list()

    async def _load_model(self, params: ModelParams, _: Exchange) -> Message:
        return await self._daemon.models_load(params.name)

    async def _unload_model(self, params: ModelParams, _: Exchange) -> Message:
        return await self._daemon.models_unload(params.name)

    async def _pull_model(self, params: ModelParams, exchange: Exchange) -> Message:
        step: ModelPulled | None = None
        async with aclosing(self._daemon.models_pull(params.name)) as steps:
            async for step in steps:
                if exchange.request.wants_answer:
                    progress = {key: value for key, value in step.to_json().items() if key not in ("event", "at")}
                    await exchange.notify("pull", {"id": exchange.request.id, **progress})
        if step is None or step.status != "success":
            raise ControlError("pull-lost", f"The download of {params.name} ended without a result.", "Pull it again.")
        return {"model": step.model, "status": step.status}

    async def _subscribe(self, _: NoParams, exchange: Exchange) -> None:
        async with self._daemon.subscribe() as events:
            await exchange.succeed(True)
            async for event in events:
                await exchange.notify("event", event.to_json())
        raise ControlError("events-ended", "There are no more events.")

    async def _shutdown(self, _: NoParams, exchange: Exchange) -> None:
        self._daemon.shutdown("asked on the socket")
        with anyio.CancelScope(shield=True):  # the answer leaves before the daemon does
            await exchange.succeed(True)

    async def _ping(self, _: NoParams, __: Exchange) -> str:
        return "pong"


def only_the_owner(what: str) -> RpcError:
    """A guest wants too much."""
    return RpcError(ErrorCode.NOT_PERMITTED, "not-permitted", f"Only the owner may {what}.", "Ask the owner.")


def _order(order: Callable[[], None]) -> Callable[[NoParams, Exchange], Awaitable[bool]]:
    async def run(_: NoParams, __: Exchange) -> bool:
        order()
        return True

    return run


async def _follow(turn: AsyncGenerator[Event, None], exchange: Exchange, *, stream: bool) -> Message:
    """Read a turn to its end; the result is what its last event says, the whole reply, and why it failed if it did."""
    pieces: list[str] = []
    error: Message = {}
    async with aclosing(turn) as events:
        async for event in events:
            match event:
                case Reply(text=text):
                    pieces.append(text.strip())
                    if stream and exchange.request.wants_answer:
                        await exchange.notify("reply", {"id": exchange.request.id, "text": text})
                case Failed(code=code, message=message, remedy=remedy):
                    error = {"error": {"code": code, "message": message, "remedy": remedy}}
                case TurnEnded():
                    end = event.to_json()
                    kept = {key: end[key] for key in ("turn", "outcome", "transcript", "heard", "timings")}
                    return kept | {"reply": " ".join(pieces)} | error
    raise ControlError("turn-lost", "The turn ended without a result.", "Ask again.")


def load_audio(params: rpc.TranscribeParams) -> Pcm16:
    """The audio of a request, mono, 16 kHz. Blocks. Raises ControlError or DeviceError when it cannot be used."""
    try:
        samples, rate_hz = read_wav(_raw(params.path, params.audio, MAX_AUDIO_BYTES, _unusable))
    except ValueError as error:  # base64, a path with a null byte, a header that lies
        raise _unusable("The audio is not a PCM WAV file.") from error
    if rate_hz < MIN_AUDIO_RATE_HZ:
        raise _unusable(f"The audio has {rate_hz} samples per second.")
    if len(samples) > MAX_AUDIO_SECONDS * rate_hz:
        raise _unusable(f"The audio is longer than {MAX_AUDIO_SECONDS:.0f} seconds.")
    return to_pcm16(resample(samples, rate_hz, SAMPLE_RATE_HZ))


def load_picture(params: rpc.ImageParams) -> bytes:
    """The picture of a request, ready for a model. Blocks. Raises ControlError or DeviceError when it is none."""
    from voxspark.devices.pictures import MOST_BYTES, fitted

    try:
        raw = _raw(params.path, params.data, MOST_BYTES, _no_picture)
    except ValueError as error:  # base64, a path with a null byte
        raise _no_picture("The picture is neither a file nor base64.") from error
    return fitted(raw)


def _raw(path: str | None, value: str | None, most_bytes: int, refuse: Callable[[str], ControlError]) -> bytes:
    """A file, by path or in base64. Raises what `refuse` makes, and ValueError."""
    if path is None:
        return base64.b64decode(value or "", validate=True)
    try:
        return _read_file(path, most_bytes, refuse)
    except OSError as error:
        raise refuse(f"{path} cannot be read: {error.strerror}.") from error


def _read_file(path: str, most_bytes: int, refuse: Callable[[str], ControlError]) -> bytes:
    """A regular file; never waits for a pipe or a device."""
    with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY), "rb") as file:  # noqa: PTH123 - flags
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise refuse(f"{path} is not a file.")
        raw = file.read(most_bytes + 1)
    if len(raw) > most_bytes:
        raise refuse(f"{path} is larger than {most_bytes // 1_000_000} megabytes.")
    return raw


def _unusable(message: str) -> ControlError:
    return ControlError("audio-unusable", message, "Send a PCM WAV file of speech.")


def _no_picture(message: str) -> ControlError:
    return ControlError("picture-unreadable", message, "Send a PNG, JPEG or WebP file.")
