"""What others play goes down while somebody speaks with the assistant: when, and on a real sound server how far."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest

from tests.desktop_sound import pactl, playing, streams
from tests.scenario import Scenario
from tests.sound_card import SoundCard, sound_card
from voxspark.bus import EventBus
from voxspark.events import (
    DeviceChanged,
    Event,
    SpeakingStarted,
    SpeechStarted,
    TimerRang,
    TurnConfirmed,
    TurnEnded,
    TurnStarted,
    WakeWord,
)
from voxspark.tools.desktop import ducking
from voxspark.tools.desktop.ducking import Ducking, Engagement

GAIN = 0.5
SPOKEN, TYPED = TurnStarted(0, 1, "microphone", 0), TurnStarted(0, 1, "socket", 0)
CONFIRMED, SPEAKS = TurnConfirmed(0, 1), SpeakingStarted(0, 1)
ENDED = TurnEnded(0, 1, "answered", "", "")

# ── when ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("events", "attentive", "holds"),
    [
        ([], True, False),
        ([WakeWord(0, "alexa")], True, True),
        ([WakeWord(0, "alexa")], False, False),  # the window is over
        ([WakeWord(0, "alexa"), DeviceChanged(0, "microphone", "lost")], True, False),
        ([WakeWord(0, "alexa"), DeviceChanged(0, "speaker", "lost")], True, True),
        ([SpeechStarted(0)], True, True),  # pressed, or spoken inside the window
        ([SpeechStarted(0)], False, False),  # anybody in the room
        ([SPOKEN], False, False),  # not yet certain
        ([SPOKEN, CONFIRMED], False, True),
        ([SPOKEN, CONFIRMED, ENDED], False, False),
        ([SPOKEN, CONFIRMED, ENDED], True, True),  # what follows up
        ([SPOKEN, ENDED, CONFIRMED], False, False),
        ([TYPED, CONFIRMED], True, False),  # a script that nobody hears
        ([TYPED, CONFIRMED, SPEAKS], False, True),
        ([TYPED, CONFIRMED, SPEAKS, ENDED], False, False),
        ([TimerRang(0, "tea")], True, False),
    ],
)
def test_when_it_is_quiet(events: Sequence[Event], attentive: bool, holds: bool) -> None:
    listening = True
    engagement = Engagement(lambda: listening)
    for event in events:
        listening = attentive or not isinstance(event, SpeechStarted)
        engagement.note(event)
        engagement.holds()
    listening = attentive
    assert engagement.holds() == holds


def listened_to(scenario: Scenario, *moments: float) -> list[bool]:
    found: list[bool] = []
    for moment in moments:
        scenario.probe(moment, lambda assistant: found.append(assistant.parts.listener.attentive))
    scenario.run()
    return found


def test_who_is_listened_to() -> None:
    wake = (
        Scenario(listening={"mode": "wake", "follow_up_seconds": 3}).wake(1.0, 1.5).user(2.0, 3.0, "What time is it?")
    )
    assert listened_to(wake, 0.5, 1.8, 2.5, 15.0) == [False, True, True, False]
    pressed = Scenario().user(1.2, 2.0, "What time is it?").press(1.0).release(2.5)
    assert listened_to(pressed, 0.5, 1.5, 3.0) == [False, True, False]


# ── how far ─────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def card() -> Iterator[SoundCard]:
    with sound_card() as card:
        yield card


class House:
    """A ducking at work, and the events it hears."""

    def __init__(self, card: SoundCard, folder: Path) -> None:
        self.bus = EventBus()
        self.card = card
        self.notes = folder / "state" / "quiet.json"
        server = card.env["PULSE_SERVER"]
        self.ducking = Ducking(GAIN, self.notes, self.bus.subscribe, lambda: False, server=server)

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[House]:
        async with anyio.create_task_group() as group:
            await group.start(self.ducking.run)
            yield self
            group.cancel_scope.cancel()

    def tell(self, *events: Event) -> None:
        for event in events:
            self.bus.publish(event)

    async def lets_go(self) -> None:
        """Nothing is noted any more."""
        with anyio.fail_after(10):
            while self.notes.exists():
                await anyio.sleep(0.01)

    async def until(self, **percent: int) -> None:
        """The streams have these volumes."""
        with anyio.fail_after(10):
            while streams(self.card) != percent:
                await anyio.sleep(0.02)


@pytest.mark.real
@pytest.mark.anyio
async def test_a_turn_turns_others_down_and_its_end_brings_them_back(card: SoundCard, tmp_path: Path) -> None:
    with playing(card, "music"), playing(card, "film", 60), playing(card, "voice", 90, device="mic"):
        async with House(card, tmp_path).at_work() as house:
            house.tell(SPOKEN, CONFIRMED)
            await house.until(music=40, film=30, voice=90)
            noted = json.loads(house.notes.read_text())
            assert sorted(round(each["before"], 2) for each in noted) == [0.6, 0.8]
            with playing(card, "advert"):
                await house.until(music=40, film=30, voice=90, advert=40)
            house.tell(ENDED)
            await house.until(music=80, film=60, voice=90)
            await house.lets_go()


@pytest.mark.real
@pytest.mark.anyio
async def test_what_somebody_sets_meanwhile_stays(card: SoundCard, tmp_path: Path) -> None:
    with playing(card, "music"):
        async with House(card, tmp_path).at_work() as house:
            house.tell(SPOKEN, CONFIRMED)
            await house.until(music=40)
            (noted,) = json.loads(house.notes.read_text())
            pactl(card, "set-sink-input-volume", str(noted["index"]), "55%")
            house.tell(ENDED)
            await house.lets_go()
            assert streams(card) == {"music": 55}


@pytest.mark.real
@pytest.mark.anyio
async def test_a_shutdown_brings_them_back(card: SoundCard, tmp_path: Path) -> None:
    with playing(card, "music"):
        async with House(card, tmp_path).at_work() as house:
            house.tell(SPOKEN, CONFIRMED)
            await house.until(music=40)
        assert streams(card) == {"music": 80}
        assert not house.notes.exists()


@pytest.mark.real
@pytest.mark.anyio
async def test_a_server_that_hangs_meanwhile_is_tried_again(
    card: SoundCard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ducking, "SERVER_SECONDS", 0.1)
    monkeypatch.setattr(ducking, "TRY_AGAIN_SECONDS", 0.1)
    with playing(card, "music"):
        async with House(card, tmp_path).at_work() as house:
            house.tell(SPOKEN, CONFIRMED)
            await house.until(music=40)
            with card.frozen():
                house.tell(ENDED)
                await anyio.sleep(0.5)
                assert house.notes.exists()
            await house.until(music=80)


@pytest.mark.real
@pytest.mark.anyio
async def test_a_crash_is_made_good_at_the_next_start(card: SoundCard, tmp_path: Path) -> None:
    with playing(card, "music"):
        async with House(card, tmp_path).at_work() as house:
            house.tell(SPOKEN, CONFIRMED)
            await house.until(music=40)
            left = house.notes.read_bytes()
        pactl(card, "set-sink-input-volume", str(json.loads(left)[0]["index"]), "40%")
        house.notes.write_bytes(left)
        async with House(card, tmp_path).at_work() as house:
            await house.until(music=80)


@pytest.mark.real
@pytest.mark.anyio
async def test_a_program_that_ends_meanwhile_begins_as_loud_as_it_was(tmp_path: Path) -> None:
    with sound_card() as card:
        pactl(card, "load-module", "module-stream-restore")
        async with House(card, tmp_path).at_work() as house:
            with playing(card, "music"):
                house.tell(SPOKEN, CONFIRMED)
                await house.until(music=40)
            house.tell(ENDED)
            await house.lets_go()
        with playing(card, "music", None):
            await house.until(music=80)


@pytest.mark.real
@pytest.mark.anyio
async def test_without_a_sound_server_nothing_happens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ducking, "LOOK_AGAIN_SECONDS", 0.01)
    (tmp_path / "quiet.json").write_text("not JSON")
    bus, tries = EventBus(), 0

    def attentive() -> bool:
        nonlocal tries
        tries += 1
        return tries < 5

    gone = Ducking(GAIN, tmp_path / "quiet.json", bus.subscribe, attentive, server=f"unix:{tmp_path}/none")
    async with anyio.create_task_group() as group:
        await group.start(gone.run)
        bus.publish(WakeWord(0, "alexa"))
        with anyio.fail_after(10):
            while tries < 5:
                await anyio.sleep(0.01)
        group.cancel_scope.cancel()
