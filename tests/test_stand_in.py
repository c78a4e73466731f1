"""The small model that talks when nobody else can: when it is asked, what it reads, what is said about it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

import anyio
import pytest

from tests.deltas import everything
from tests.test_leased import WEATHER, Play, Player, error_of, playing
from tests.virtual_time import virtual_time
from tests.vram_teams import CATALOGUE
from tests.vram_world import World, ask
from voxspark.agent.beyond import CANNOT_DO
from voxspark.agent.prompt import FOR_SMALL_MODELS, Prompt
from voxspark.agent.stand_in import HELPS_OUT, MOST_CHARACTERS, StandIn
from voxspark.errors import ChatError, EngineError
from voxspark.events import ModelDegraded
from voxspark.protocols import Schema
from voxspark.types import Delta, Message
from voxspark.vram.book import SERVER_COOLING_SECONDS
from voxspark.vram.leased import LeasedChat
from voxspark.vram.planner import IDLE_SECONDS
from voxspark.vram.state import SWARM

UNREACHABLE = ChatError("ollama-unreachable", "Ollama does not answer.", "Start it with: ollama serve")
EXCUSE = "Ollama does not answer, so my small model helps out. "
BIG, SMALL = "qwen3-8b", "smollm2"


class Talk:
    """A conversation with the worker, as the agent has it."""

    def __init__(self, play: Play) -> None:
        self.play = play
        self.chat = LeasedChat(play.ledger, "worker", understudy=StandIn())
        self.history: list[Message] = []

    async def say(self, text: str, *, heard: bool = True, tools: Sequence[Schema] = ()) -> str:
        """The answer; whether it stays in the history is whether it was `heard`."""
        deltas: list[Delta] = await everything(
            self.chat.stream([Message("system", "You are brief."), *self.history, Message("user", text)], tools=tools)
        )
        answer = "".join(each for each in deltas if isinstance(each, str))
        if heard:
            self.history += [Message("user", text), Message("assistant", answer)]
        return answer

    def go_away(self) -> None:
        """Ollama is killed, and nobody has noticed yet."""
        world = self.play.world
        world.away.add("ollama")
        for model in [each for each in world.present if CATALOGUE.models[each].runner == "ollama"]:
            del world.present[model]
            self.play.players[model].script = (UNREACHABLE,)

    def come_back(self) -> None:
        """Ollama is started again, with nothing in memory."""
        self.play.world.away.clear()
        for model, player in self.play.players.items():
            player.script = ("I am", " small.") if model == SMALL else ("Hello", " there.")


@asynccontextmanager
async def talking(team: str = "ollama-bundled", **world: int) -> AsyncIterator[Talk]:
    async with playing({SMALL: ("I am", " small.")}, World(team=team, **world)) as play:  # type: ignore[arg-type]
        yield Talk(play)


# ── when ────────────────────────────────────────────────────────────────────────────────────────


@virtual_time
async def test_ollama_gone_and_back() -> None:
    async with talking() as talk:
        assert await talk.say("Hello?") == "Hello there."
        assert SMALL not in talk.play.world.present
        talk.go_away()
        began = anyio.current_time()
        assert await talk.say("And now?") == f"{EXCUSE}I am small."
        assert await talk.say("Still?") == "I am small."
        assert anyio.current_time() - began < 6.0  # its load takes 4 s in these tests
        for _ in range(20):
            await anyio.sleep(30.0)
            before = anyio.current_time()
            assert await talk.say("Still?") == "I am small."
            assert anyio.current_time() - before < 0.1
        talk.come_back()
        await anyio.sleep(8.0)
        assert await talk.say("Better?") == "Hello there."
        talk.go_away()
        assert await talk.say("Again?") == f"{EXCUSE}I am small."
        told = [event for event in talk.play.world.of(ModelDegraded) if isinstance(event, ModelDegraded)]
        assert {(event.role, event.model) for event in told} == {("worker", SMALL)}
        assert told[0].reason == "Ollama does not answer. SmolLM2 135M (bundled) takes it."


@virtual_time
async def test_it_gives_its_memory_back_when_the_other_one_has_been_there_for_a_while() -> None:
    async with talking() as talk:
        talk.go_away()
        await talk.say("Hello?")
        await anyio.sleep(3 * IDLE_SECONDS)
        assert SMALL in talk.play.world.present  # nobody else is there
        await talk.say("Hello?")
        talk.come_back()
        await anyio.sleep(IDLE_SECONDS - 10)
        assert SMALL in talk.play.world.present
        await anyio.sleep(20)
        assert SMALL not in talk.play.world.present
        assert BIG in talk.play.world.present


@virtual_time
async def test_what_was_loaded_by_hand_stays() -> None:
    async with talking() as talk:
        await talk.play.ledger.load(SMALL)
        await anyio.sleep(3 * IDLE_SECONDS)
        assert SMALL in talk.play.world.present


@virtual_time
async def test_a_load_that_is_refused() -> None:
    world = World(team="ollama-bundled")
    refused = EngineError("ollama-out-of-memory", "There is not enough memory for the language model.", "Choose less.")
    world.fails[BIG] = [refused] * 99
    async with playing({SMALL: ("I am small.",)}, world) as play:
        talk, began = Talk(play), anyio.current_time()
        said = "There is not enough memory for the language model, so my small model helps out. I am small."
        assert await talk.say("Hello?") == said
        assert await talk.say("Hello?") == "I am small."
        assert anyio.current_time() - began < 6.0


@virtual_time
async def test_the_reason_is_that_of_the_failure_when_the_stand_in_is_slow_to_come() -> None:
    async with talking() as talk:
        talk.go_away()
        await anyio.sleep(5.0)
        talk.play.world.slow[SMALL] = 30.0  # longer than the worker is left alone
        assert await talk.say("Hello?") == f"{EXCUSE}I am small."
        told = talk.play.world.of(ModelDegraded)[0]
        assert isinstance(told, ModelDegraded)
        assert told.reason == "Ollama does not answer. SmolLM2 135M (bundled) takes it."


@virtual_time
async def test_no_memory_that_anybody_knows_to_come_back() -> None:
    async with talking(extra=101_000_000_000) as talk:
        began = anyio.current_time()
        said = await talk.say("Hello?")
        assert said.endswith(", so my small model helps out. I am small.")
        assert said.startswith("Qwen3 8B needs ")
        assert await talk.say("Hello?") == "I am small."
        assert anyio.current_time() - began < 6.0


@virtual_time
async def test_a_model_that_was_deleted_is_replaced_in_the_same_turn_and_used_when_it_is_pulled_again() -> None:
    missing = ChatError("chat-model-missing", "Ollama does not have this language model.", "Run: ollama pull it")
    async with talking() as talk:
        talk.play.players[BIG].script = (missing,)
        for _ in range(2):  # withdrawn before anybody heard it
            said = await talk.say("Hello?", heard=False)
            assert said == "Ollama does not have this language model, so my small model helps out. I am small."
        talk.play.players[BIG].script = ("Hello.",)
        assert await talk.say("Hello?") == "Hello."


@virtual_time
async def test_who_is_there_takes_it_before_the_small_one_does_and_nobody_is_moved_for_it() -> None:
    async with talking("everyday-bundled") as talk:
        talk.play.players["qwen3-8b"].script = (ChatError("ollama-failed", "Ollama failed."),)
        loads = list(talk.play.world.loads)
        assert await talk.say("Hello?") == "Hello there."
        assert talk.play.players["gpt-oss-120b"].log[-1] == "closed"
        talk.go_away()
        assert (await talk.say("Hello?")).endswith("I am small.")
        assert [each for each in talk.play.world.loads[len(loads) :] if each == SMALL] == [SMALL]


@virtual_time
async def test_a_server_that_nobody_looks_at_is_tried_again_every_few_seconds() -> None:
    world = World(team="ollama-bundled")
    world.fails[BIG] = [ChatError("chat-unreachable", "The server does not answer.")] * 99
    async with playing({SMALL: ("I am small.",)}, world) as play:
        await anyio.sleep(600.0)
        world.fails.clear()
        await anyio.sleep(SERVER_COOLING_SECONDS + 6.0)
        assert await Talk(play).say("Hello?") == "Hello there."


@virtual_time
async def test_a_smaller_model_that_can_be_loaded_comes_before_a_stand_in_that_is_there() -> None:
    async with talking("full-bundled") as talk:
        world = talk.play.world
        world.present.pop("qwen3-coder-30b")
        world.fails["qwen3-coder-30b"] = [EngineError("model-broken", "The file is broken.")] * 99
        await talk.play.ledger.load(SMALL)
        await anyio.sleep(30.0)
        assert "qwen3-8b" not in world.present
        assert await talk.say("Hello?") == "Hello there."
        assert "qwen3-8b" in world.present


# ── when not ────────────────────────────────────────────────────────────────────────────────────


@virtual_time
async def test_a_reply_that_broke_off_is_not_begun_again() -> None:
    async with talking() as talk:
        talk.play.players[BIG].script = ("Hello", ChatError("ollama-interrupted", "Ollama broke off."))
        assert (await error_of(talk.say("Hello?"))).code == "ollama-interrupted"
        assert SMALL not in talk.play.players or not talk.play.players[SMALL].log


@pytest.mark.parametrize("code", ["chat-context-full", "chat-call-garbled", "chat-only-thought", "ollama-rejected"])
@virtual_time
async def test_what_is_wrong_with_the_question_is_told(code: str) -> None:
    async with talking() as talk:
        talk.play.players[BIG].script = (ChatError(code, "No."),)
        assert (await error_of(talk.say("Hello?"))).code == code


@virtual_time
async def test_without_it_the_error_is_what_it_was() -> None:
    async with talking("ollama") as talk:
        talk.go_away()
        for _ in range(3):  # before it is noticed, and after
            assert (await error_of(talk.say("Hello?"))).code == "ollama-unreachable"
            await anyio.sleep(3.0)


@virtual_time
async def test_when_it_fails_too_the_first_error_is_told() -> None:
    async with talking() as talk:
        talk.go_away()
        talk.play.world.fails[SMALL] = [EngineError("chat-load-failed", "It cannot.")] * 9
        assert (await error_of(talk.say("Hello?"))).code == "ollama-unreachable"


@virtual_time
async def test_nobody_but_people_gets_it() -> None:
    async with talking() as talk:
        talk.go_away()
        await anyio.sleep(30.0)
        ledger = talk.play.ledger
        assert (await error_of(ask(ledger, "worker", priority=SWARM))).code == "ollama-unreachable"
        assert SMALL not in talk.play.world.present


# ── what it reads ───────────────────────────────────────────────────────────────────────────────


@virtual_time
async def test_it_is_given_no_tools_and_a_prompt_of_its_own() -> None:
    async with talking() as talk:
        await talk.say("Hello?", tools=[WEATHER])
        assert list(talk.play.players[BIG].tools) == [WEATHER]
        talk.go_away()
        await talk.chat.warm([Message("system", "You are brief.")], tools=[WEATHER])
        small: Player = talk.play.players[SMALL]
        assert small.log == []  # its load did it
        await talk.say("Hello?", tools=[WEATHER])
        assert small.tools == ()


def test_the_prompt_is_short_and_has_the_newest_exchange() -> None:
    now = datetime(2026, 11, 24, 12, 15)
    history = [Message(("user", "assistant")[n % 2], f"{n} {'word ' * 50}") for n in range(20)]
    history[-1] = Message("assistant", f"{EXCUSE}Paris.")
    whole = Prompt("Long rules.", lambda: now).build(history, "And of Spain?", (b"picture",), ["You like [tea]."])
    system, *before, question = StandIn().prompt(whole)
    assert system == Message("system", FOR_SMALL_MODELS)
    assert before == [history[-2], Message("assistant", "Paris.")]
    assert question == Message("user", "[You like [tea].] And of Spain?")


@pytest.mark.parametrize("text", ["", "[", "[Monday, 12:15", "a [b, 10:00] c", "[no stamp] hi", "🙂" * 3])
def test_what_the_user_said_stays_as_it_is(text: str) -> None:
    assert StandIn().prompt([Message("user", text)])[-1] == Message("user", text)


def test_a_long_answer_is_left_out() -> None:
    history = [Message("user", "Tell me a story."), Message("assistant", "x" * (MOST_CHARACTERS + 1))]
    assert len(StandIn().prompt([*history, Message("user", "Go on.")])) == 2


def test_what_tools_have_brought_in_this_turn_stays() -> None:
    asked, told = Message("user", "Will it rain?"), Message("tool", "Yes.", tool="weather")
    assert StandIn().prompt([Message("system", "x"), asked, told])[1:] == [asked, told]
    assert StandIn().prompt([]) == [Message("system", FOR_SMALL_MODELS)]


def test_the_excuse_is_made_again_when_the_history_has_lost_it_or_another_outage_begins() -> None:
    stand_in, heard = StandIn(), [Message("assistant", f"It is gone, {HELPS_OUT} Hello.")]
    assert stand_in.excuse("It is gone.", []) == f"It is gone, {HELPS_OUT} "
    assert stand_in.excuse("It is gone.", heard) == ""
    assert stand_in.excuse("It is gone.", []) != ""
    stand_in.over()
    assert stand_in.excuse("It is gone.", heard) != ""
    assert stand_in.excuse("It is gone.", heard * 2) == ""
    assert stand_in.excuse("It is gone.", []) != ""  # the history was trimmed
    assert stand_in.excuse("It is gone.", heard) == ""


def test_what_it_would_make_up_is_declined() -> None:
    asked = [Message("user", "[Tuesday 24 November 2026, 12:00] [You like jazz.] Turn on the lights.")]
    assert StandIn().decline(asked) == CANNOT_DO
    assert StandIn().decline([Message("user", "Who wrote Faust?")]) == ""


@virtual_time
async def test_the_excuse_is_made_before_it_declines() -> None:
    async with talking() as talk:
        await talk.say("Hello?")
        talk.go_away()
        assert await talk.say("Turn on the lights.") == f"{EXCUSE}{CANNOT_DO}"
