"""The turn's engines over the ledger: every call has a lease, for exactly as long as it takes."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import anyio
import numpy as np
import pytest

from tests.deltas import everything
from tests.virtual_time import virtual_time
from tests.vram_world import FakeRunner, World
from voxspark.errors import ChatError, EngineError, SynthesizerError
from voxspark.protocols import Schema
from voxspark.types import Delta, Message, Pcm, Pcm16, ReplyStats, Stroke, ToolCall, Transcript
from voxspark.voicing.hearing import Hearing
from voxspark.voicing.line import Line
from voxspark.voicing.selftest import SelfTest
from voxspark.voicing.succession import Candidate
from voxspark.vram.catalogue import Runner as Place
from voxspark.vram.leased import LeasedChat, LeasedEmbedder, LeasedModel, LeasedPainter
from voxspark.vram.ledger import Ledger
from voxspark.vram.runner import Loaded
from voxspark.vram.state import GIB
from voxspark.vram.team import Rung

HELLO = [Message("user", "Hello?")]
WEATHER: Schema = {"type": "function", "function": {"name": "weather"}}
SPEECH = np.zeros(1600, np.int16)
BROKEN = EngineError("model-broken", "The file is broken.", "Pull it again.")

Script = Sequence[Delta | Exception | float]
"""What to yield, an error to raise, or seconds to take."""


@dataclass(eq=False)
class Player:
    """Every engine in one: it does what its `script` says, piece by piece, and notes what happens to it."""

    model: str
    script: Script = ("Hello", " there.")
    log: list[str] = field(default_factory=list)
    tools: Sequence[Schema] = ()
    """Of the last call."""

    async def _steps(self) -> AsyncGenerator[Any, None]:
        self.log.append("opened")
        try:
            for step in self.script:
                match step:
                    case Exception():
                        raise step
                    case float():
                        await anyio.sleep(step)
                    case _:
                        yield step
            self.log.append("finished")
        finally:
            self.log.append("closed")

    async def stream(self, messages: Sequence[Message], *, tools: Sequence[Schema] = ()) -> AsyncGenerator[Delta, None]:
        """As `Chat`."""
        self.tools = tools
        async with aclosing(self._steps()) as steps:
            async for delta in steps:
                yield delta

    async def synthesize(self, text: str) -> AsyncGenerator[tuple[Pcm, int], None]:
        """As `Synthesizer`."""
        async with aclosing(self._steps()) as steps:
            async for said in steps:
                yield np.zeros(len(said), np.float32), 24_000

    async def transcribe(self, samples: Pcm16, *, hot_words: Sequence[str] = ()) -> Transcript:
        """As `Transcriber`."""
        async with aclosing(self._steps()) as steps:
            return Transcript("".join([text async for text in steps]))

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """As `Embedder`."""
        async with aclosing(self._steps()) as steps:
            _ = [text async for text in steps]
        return [[float(len(text))] for text in texts]

    async def paint(self, prompt: str, *, width: int, height: int, seed: int) -> AsyncGenerator[Stroke, None]:
        """As `Painter`."""
        async with aclosing(self._steps()) as steps:
            async for text in steps:
                yield f"{prompt} {width} {height} {seed} {text}".encode()

    async def warm(self, messages: Sequence[Message] = (), *, tools: Sequence[Schema] = ()) -> None:
        """As all of them."""
        self.tools = tools
        self.log.append(f"warm {len(messages)}")


class Stage(FakeRunner):
    """Gives a player for every model."""

    def __init__(self, world: World, place: Place, players: dict[str, Player]) -> None:
        super().__init__(world, place)
        self._players = players

    async def load(self, rung: Rung) -> Loaded:
        loaded = await super().load(rung)
        return Loaded(self._players.setdefault(rung.model, Player(rung.model)), loaded.bytes)


@dataclass
class Play:
    """A ledger at work, and its players by model."""

    world: World
    ledger: Ledger
    players: dict[str, Player]

    def leases(self, model: str) -> int:
        return self.ledger.book.residents[model].leases


@asynccontextmanager
async def playing(scripts: Mapping[str, Script] | None = None, world: World | None = None) -> AsyncIterator[Play]:
    """`everyday` in memory; scripts by model."""
    world = world or World()
    players = {model: Player(model, script) for model, script in (scripts or {}).items()}
    world.runners = {place: Stage(world, place, players) for place in world.runners}
    async with world.ledger() as ledger:
        yield Play(world, ledger, players)


def candidates(ledger: Ledger, role: str) -> list[Candidate]:
    """Of a role, in the order of the profile."""
    models = ledger.profile.roles[role].models
    return [Candidate(key=model, name=model, open=LeasedModel(ledger, role, model)) for model in models]


def ears(ledger: Ledger) -> Hearing:
    return Hearing(candidates(ledger, "ears"), None, ledger.book.emit, ledger.book.now)


def voice(ledger: Ledger) -> Line:
    return Line(candidates(ledger, "voice"), SelfTest(ears(ledger), "de"), ledger.book.emit, ledger.book.now)


async def error_of(awaited: Any) -> EngineError:
    with pytest.raises(EngineError) as caught:
        await awaited
    return caught.value


# ── as long as it takes ─────────────────────────────────────────────────────────────────────────


@virtual_time
async def test_a_reply_has_a_lease_and_gives_it_back() -> None:
    async with playing() as play:
        chat = LeasedChat(play.ledger, "worker")
        async with aclosing(chat.stream(HELLO)) as deltas:
            assert play.leases("qwen3-8b") == 0  # nothing is taken before the first delta is wanted
            assert await anext(deltas) == "Hello"
            assert play.leases("qwen3-8b") == 1
            assert await anext(deltas) == " there."
            assert await anext(deltas, None) is None
            assert play.leases("qwen3-8b") == 0
        assert play.players["qwen3-8b"].log == ["opened", "finished", "closed"]


@virtual_time
async def test_closing_a_reply_closes_the_engines_and_gives_back_at_once() -> None:
    async with playing({"qwen3-8b": ("Hello", 600.0), "csm-1b": ("La", 600.0)}) as play:
        for stream, model in (
            (LeasedChat(play.ledger, "worker").stream(HELLO), "qwen3-8b"),
            (voice(play.ledger).synthesize("La la."), "csm-1b"),
        ):
            began = anyio.current_time()
            await anext(stream)
            assert play.leases(model) == 1
            await stream.aclose()
            assert play.leases(model) == 0
            assert play.players[model].log == ["opened", "closed"]
            assert anyio.current_time() == began


@virtual_time
async def test_a_cancelled_call_closes_the_engines_and_gives_back_at_once() -> None:
    slow: Script = ("La", 600.0)
    async with playing(dict.fromkeys(("qwen3-8b", "csm-1b", "whisper-turbo", "nomic-embed-v2"), slow)) as play:
        calls: dict[str, Callable[[], Awaitable[object]]] = {
            "qwen3-8b": lambda: everything(LeasedChat(play.ledger, "worker").stream(HELLO)),
            "csm-1b": lambda: everything(voice(play.ledger).synthesize("La.")),
            "whisper-turbo": lambda: ears(play.ledger).transcribe(SPEECH),
            "nomic-embed-v2": lambda: LeasedEmbedder(play.ledger).embed(["La."]),
        }
        for model, call in calls.items():
            with anyio.move_on_after(1.0):
                await call()
            assert play.leases(model) == 0, model
            assert play.players[model].log == ["opened", "closed"]


@virtual_time
async def test_what_the_engines_make_comes_through() -> None:
    async with playing() as play:
        assert await everything(LeasedChat(play.ledger, "manager").stream(HELLO)) == ["Hello", " there."]
        assert await ears(play.ledger).transcribe(SPEECH) == Transcript("Hello there.")
        assert await LeasedEmbedder(play.ledger).embed(["a", "bb"]) == [[1.0], [2.0]]
        pieces = await everything(voice(play.ledger).synthesize("Hello there."))
        assert [(len(samples), rate) for samples, rate in pieces] == [(5, 24_000), (7, 24_000)]


@virtual_time
async def test_warm_loads_and_only_a_language_model_reads_its_prompt() -> None:
    async with playing() as play:
        await LeasedChat(play.ledger, "worker").warm(HELLO)
        await ears(play.ledger).warm()
        assert play.players["qwen3-8b"].log == ["warm 1"]
        assert play.players["whisper-turbo"].log == []  # its load did it
        assert {resident.leases for resident in play.ledger.book.residents.values()} == {0}


@virtual_time
async def test_tools_go_in_and_calls_and_figures_come_out() -> None:
    reply = ("Let me see.", "", ToolCall("weather", {"days": 1}, "call_1"), ReplyStats(20, 7, -0.1))
    async with playing({"qwen3-8b": reply}) as play:
        chat, player = LeasedChat(play.ledger, "worker"), play.players["qwen3-8b"]
        await chat.warm(HELLO, tools=[WEATHER])
        assert list(player.tools) == [WEATHER]
        assert await everything(chat.stream(HELLO)) == list(reply)
        assert not player.tools
        await everything(chat.stream(HELLO, tools=[WEATHER]))
        assert list(player.tools) == [WEATHER]


# ── errors ──────────────────────────────────────────────────────────────────────────────────────


@virtual_time
async def test_an_error_of_the_engine_passes_as_it_is_and_gives_back() -> None:
    failures = {
        "qwen3-8b": ChatError("chat-failed", "It failed."),
        "csm-1b": SynthesizerError("voice-failed", "It failed."),
        "nomic-embed-v2": EngineError("embed-failed", "It failed."),
    }
    async with playing({model: ("La", error) for model, error in failures.items()}) as play:
        calls = {
            "qwen3-8b": everything(LeasedChat(play.ledger, "worker").stream(HELLO)),
            "csm-1b": everything(voice(play.ledger).synthesize("La.")),
            "nomic-embed-v2": LeasedEmbedder(play.ledger).embed(["La."]),
        }
        for model, call in calls.items():
            assert await error_of(call) is failures[model]
        assert {resident.leases for resident in play.ledger.book.residents.values()} == {0}


@virtual_time
async def test_a_model_that_has_to_leave_in_mid_reply_says_so() -> None:
    async with playing({"qwen3-8b": ("Hello", 600.0, "there")}) as play:
        heard: list[Delta] = []

        async def listen() -> None:
            async with aclosing(LeasedChat(play.ledger, "worker").stream(HELLO)) as deltas:
                async for delta in deltas:
                    heard.append(delta)
                    group.start_soon(play.ledger.unload, "worker")

        async with anyio.create_task_group() as group:
            error = await error_of(listen())
        assert (error.code, error.message) == ("model-evicted", "Qwen3 8B had to leave memory before it was done.")
        assert heard == ["Hello"]
        assert play.players["qwen3-8b"].log == ["opened", "closed"]
        assert "qwen3-8b" not in play.world.present


@virtual_time
async def test_a_model_that_left_between_two_pieces_says_so_at_the_next() -> None:
    async with playing({"qwen3-8b": ("Hello", "there")}) as play:
        async with aclosing(LeasedChat(play.ledger, "worker").stream(HELLO)) as deltas:
            assert await anext(deltas) == "Hello"
            await play.ledger.unload("worker")
            assert (await error_of(anext(deltas))).code == "model-evicted"
        assert play.players["qwen3-8b"].log == ["opened", "closed"]


# ── the next voice ──────────────────────────────────────────────────────────────────────────────


@virtual_time
async def test_a_voice_that_the_ledger_cannot_have_gives_way_to_the_next() -> None:
    world = World()
    world.fails |= {"csm-1b": [BROKEN] * 99}
    async with playing(world=world) as play:
        await play.ledger.load("hibari")
        pieces = await everything(voice(play.ledger).synthesize("Hello."))
        assert [len(samples) for samples, _ in pieces] == [5, 7]
        assert play.players["hibari"].log == ["opened", "finished", "closed"]


@virtual_time
async def test_the_next_voice_is_not_loaded_while_somebody_listens() -> None:
    world = World()
    world.fails |= {"csm-1b": [BROKEN] * 99}
    async with playing(world=world) as play:
        await error_of(everything(voice(play.ledger).synthesize("Hello.")))
        assert "hibari" not in play.players


@virtual_time
async def test_ears_and_voice_do_not_wait_for_what_cannot_be_had() -> None:
    world = World(extra=118 * GIB)
    async with playing(world=world) as play:
        began = anyio.current_time()
        await error_of(ears(play.ledger).transcribe(SPEECH))
        await error_of(everything(voice(play.ledger).synthesize("La.")))
        assert anyio.current_time() == began


@virtual_time
async def test_a_painter_takes_the_place_of_whoever_is_idle() -> None:
    async with playing(world=World(team="full-power", extra=3 * GIB)) as play:
        painter = LeasedPainter(play.ledger)
        assert await everything(painter.paint("A fox.", width=64, height=32, seed=7)) == [
            *[b"A fox. 64 32 7 Hello", b"A fox. 64 32 7  there."]
        ]
        assert play.world.unloads == ["qwen3-vl-32b"]
        await painter.warm()
        assert play.leases("flux1-dev") == 0


@virtual_time
async def test_a_role_that_nobody_fills() -> None:
    async with playing(world=World(team="laptop-8gb")) as play:
        assert (await error_of(everything(LeasedChat(play.ledger, "image").stream(HELLO)))).code == "role-unfilled"
