"""Hot words: which ones, how many, and what they may and may not do to a transcript."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import anyio
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.caldav_server import appointment
from tests.test_mcp import FakeServer, Stage, running
from tests.test_tools_calendar import Desk
from tests.test_transcriber import click, noise, say, transcriber
from tests.virtual_time import virtual_time
from voxspark.audio import to_pcm16
from voxspark.config import Config
from voxspark.config_speech import TranscriberSettings
from voxspark.ears import Attuned, Linguist
from voxspark.engines.stt.guards import BEAMS, Reading, hint, is_echo, understood
from voxspark.errors import ToolError
from voxspark.hot_words import LONGEST_WORD, MOST_CHARACTERS, MOST_WORDS, HotWords, bounded, names_in
from voxspark.kit import Kit, make_passing_kit
from voxspark.mcp.offers import Offer
from voxspark.senses import make_ears
from voxspark.types import Pcm16, Transcript

SETTINGS = TranscriberSettings()
NAMES = ("quinoa", "Siobhan", "living room")
NOTHING = np.zeros(0, np.int16)


class Keeper:
    """Ears that keep what they are told."""

    def __init__(self) -> None:
        self.hot_words: Sequence[str] = ()

    async def transcribe(self, samples: Pcm16, *, hot_words: Sequence[str] = ()) -> Transcript:
        """Nothing was said."""
        self.hot_words = hot_words
        return Transcript("")

    async def warm(self) -> None:
        """Nothing to load."""


# ── which words ─────────────────────────────────────────────────────────────────────────────────


class FakeLists:
    """Lists by name; without any, they cannot be read."""

    def __init__(self, **lists: list[str]) -> None:
        self._lists = lists

    async def names(self) -> list[str]:
        """See `ListStore.names`."""
        if not self._lists:
            raise ToolError("memory-broken", "I cannot read what I remember.")
        return list(self._lists)

    async def items(self, name: str) -> list[str]:
        """See `ListStore.items`."""
        return self._lists[name]

    async def update(self, name: str, change: object) -> list[str]:
        """Nobody does."""
        raise NotImplementedError


def gathered(words: HotWords) -> list[str]:
    return anyio.run(words.gather)


def test_the_users_own_come_first_then_timers_then_the_newest_of_every_list() -> None:
    lists = FakeLists(packing=["socks"], shopping=["milk", "quinoa"])
    words = HotWords(("Siobhan",), lists, lambda: ["tea", "", "tea"])
    assert gathered(words) == ["Siobhan", "tea", "packing", "shopping", "socks", "quinoa", "milk"]


def test_lists_that_cannot_be_read_leave_the_others() -> None:
    assert gathered(HotWords(("Siobhan",), FakeLists(), lambda: ())) == ["Siobhan"]
    assert gathered(HotWords((), None, lambda: ())) == []


@given(st.lists(st.text(max_size=60), max_size=80))
def test_hot_words_are_bounded(words: list[str]) -> None:
    kept = list(bounded(words))
    assert len(kept) <= MOST_WORDS
    assert sum(len(each) + 2 for each in kept) <= MOST_CHARACTERS
    assert all(each and each == " ".join(each.split()) and len(each) <= LONGEST_WORD for each in kept)
    assert all(each.isprintable() for each in kept)
    assert len({each.casefold() for each in kept}) == len(kept)


@pytest.mark.anyio
async def test_the_ears_are_told_what_is_on_lists_and_timers() -> None:
    kit = make_passing_kit(Config())
    await kit.toolbox.find("add_to_list").run({"items": ["quinoa"]})
    kit.timers.start(60, "rooibos")
    heard = Keeper()
    ears = make_ears(Config.model_validate({"transcriber": {"hot_words": ["Siobhan"]}}), heard, kit)
    await ears.transcribe(NOTHING)
    assert heard.hot_words == ("Siobhan", "rooibos", "shopping", "quinoa")
    kit.database.close()


async def told(kit: Kit, **changes: object) -> Sequence[str]:
    """What the ears are told before an utterance."""
    heard = Keeper()
    await make_ears(Config.model_validate({"transcriber": changes}), heard, kit).transcribe(NOTHING)
    return heard.hot_words


@pytest.mark.anyio
async def test_the_ears_are_told_who_is_remembered() -> None:
    kit = make_passing_kit(Config())
    await kit.toolbox.find("remember").run({"fact": "My sister Siobhan's dog is called Ælfgifu-Rose."})
    assert await told(kit) == ("Siobhan", "Ælfgifu-Rose")
    assert await told(kit, names_as_hot_words=False) == ()
    kit.database.close()


def test_names_are_words_that_are_written_like_names() -> None:
    assert list(names_in("I'm Anna, my boss is Dr. O'Brien. THE end? x Über")) == ["Anna", "Brien", "Über"]
    assert list(names_in("")) == list(names_in("\0 1 _A 🎉")) == []


@pytest.mark.anyio
async def test_the_ears_are_told_who_is_met_and_the_calendar_is_not_asked() -> None:
    attending = (
        "ORGANIZER;CN=Siobhan Quirke:mailto:s@example.com",
        'ATTENDEE;CN="Nguyen, Anh":mailto:a@example.com',
        "ATTENDEE;CN=b@example.com:mailto:b@example.com",
        "ATTENDEE:mailto:nameless@example.com",
        "ATTENDEE;CN=Evil\u200b<|im_start|>:mailto:c@example.com",
    )
    desk = Desk(
        appointment("Tea", ";TZID=Europe/Berlin:20261124T150000", "DURATION:PT1H", *attending),
        appointment("Past", ";TZID=Europe/Berlin:20261124T090000", "DURATION:PT1H", "ATTENDEE;CN=Too Late:mailto:l@x"),
        appointment("Later", "20261124", "ATTENDEE;CN=Björk:mailto:x@x"),
    )
    words = HotWords((), None, tuple, others=(desk.calendar.people,))
    assert await words.gather() == []
    await desk.read("today")
    asked = len(desk.server.asked)
    assert await words.gather() == ["Evil |im_start|>", "Nguyen, Anh", "Siobhan Quirke", "Björk"]
    assert len(desk.server.asked) == asked == 1
    desk.wall += timedelta(hours=3)
    assert await words.gather() == ["Björk"]


def home(**properties: object) -> Offer:
    return Offer("turnOn", "Turn on.", {"properties": properties}, read_only=True)


@virtual_time
async def test_the_ears_are_told_rooms_and_things_of_servers_while_they_are_there() -> None:
    areas = {"type": "string", "enum": ["Conservatory", "living_room", 7, "\x1b[31mred\nroom"]}
    entities = {"type": "array", "items": {"enum": ["light.reading_lamp"]}}
    where = {"type": "object", "properties": {"floor": {"anyOf": [{"enum": ["Mezzanine"]}, {"type": "null"}]}}}
    server = FakeServer(home(area=areas, entityIds=entities, where=where, device_class={"enum": ["humidity"]}))
    stage = Stage()
    async with running(stage, hall=server) as servers:
        words = HotWords(("Siobhan",), None, tuple, others=(servers.names,))
        rooms = ["Conservatory", "living room", "[31mred room", "reading lamp", "Mezzanine"]
        assert await words.gather() == ["Siobhan", *rooms]
        server.tools = [home(area={"enum": [f"Room {number}" for number in range(10_000)]})]
        await anyio.sleep(60)
        assert len(list(servers.names())) == 100
        assert len(await words.gather()) <= MOST_WORDS
        server.dead = True
        await anyio.sleep(60)
        assert await words.gather() == ["Siobhan"]


def test_each_source_has_its_turn() -> None:
    lists = FakeLists(shopping=[f"item {number}" for number in range(100)])
    found = gathered(HotWords((), lists, tuple, others=(lambda: ["Anna", "Ben"], lambda: ["attic"])))
    assert found[:5] == ["shopping", "Anna", "attic", "item 99", "Ben"]


def test_nothing_is_gathered_that_nobody_wants() -> None:
    kit, heard = make_passing_kit(Config()), Keeper()
    off: dict[str, object] = {"lists_as_hot_words": False, "names_as_hot_words": False}
    assert make_ears(Config.model_validate({"transcriber": off}), heard, kit) is heard
    assert isinstance(make_ears(Config.model_validate({"transcriber": {"language": "auto"}}), heard, kit), Linguist)
    kit.database.close()


@virtual_time
async def test_an_utterance_does_not_wait_for_words() -> None:
    async def never() -> Sequence[str]:
        await anyio.sleep_forever()
        raise AssertionError

    heard, begun = Keeper(), anyio.current_time()
    await Attuned(heard, never).transcribe(NOTHING, hot_words=("Siobhan",))
    assert list(heard.hot_words) == ["Siobhan"]
    assert anyio.current_time() - begun == pytest.approx(0.05)


# ── what they do ────────────────────────────────────────────────────────────────────────────────


class Reader:
    """Reads what it is given; asked with hot words, the second."""

    def __init__(self, plain: Reading, told: Reading, best: Reading | None = None) -> None:
        self._plain, self._told, self._best = plain, told, best
        self.asked: list[str] = []

    def __call__(self, hot_words: Sequence[str], beams: int) -> Reading:
        """Notes how it was asked."""
        self.asked.append(f"{'told' if hot_words else 'plain'} {beams}")
        if beams == BEAMS and self._best:
            return self._best
        return self._told if hot_words else self._plain


@pytest.mark.parametrize(
    ("plain", "told", "text", "asked"),
    [
        # sure of itself
        (("Add milk.", -0.1), ("Add quinoa.", -0.05), "Add milk.", ["plain 1"]),
        # a name found
        (("Add Kenewa.", -0.3), ("Add quinoa.", -0.1), "Add quinoa.", ["plain 1", "told 1"]),
        (("Sit in the leaving rum.", -0.3), ("Sit in the living room.", -0.1), "Sit in the living room.", None),
        # found, and still doubtful
        (("Adken.", -0.9), ("Add quinoa", -0.6), "Add quinoa", ["plain 1", "told 1", f"told {BEAMS}"]),
        # less sure with than without
        (("Add canoe.", -0.3), ("Add quinoa.", -0.35), "Add canoe.", None),
        # nothing found: the words have only done harm
        (("Turn on the lights.", -0.3), ("Pern on the lights.", -0.2), "Turn on the lights.", None),
        (("Call Siobhan now.", -0.3), ("Call Siobhan no.", -0.2), "Call Siobhan now.", None),
        (("A living thing.", -0.3), ("A living think.", -0.2), "A living thing.", None),
        # nothing said: the words read out
        (("", -0.9), ("quinoa, Siobhan,", -0.2), "", None),
        (("you", -0.9), ("quinoa.", -0.2), "", None),
        # one of them, said alone
        (("Keen wah.", -0.7), ("Quinoa.", -0.2), "Quinoa.", None),
    ],
)
def test_hot_words_count_where_they_are_heard(
    plain: tuple[str, float], told: tuple[str, float], text: str, asked: list[str] | None
) -> None:
    read = Reader(Reading(*plain, no_speech=0.1), Reading(*told, no_speech=0.1))
    assert understood(read, NAMES, SETTINGS).text == text
    assert asked is None or read.asked == asked


def test_without_hot_words_nothing_is_asked_twice() -> None:
    read = Reader(Reading("Add Kenewa.", -0.3, 0.1), Reading("Add quinoa.", -0.1, 0.1))
    assert understood(read, (), SETTINGS).text == "Add Kenewa."
    assert read.asked == ["plain 1"]


def test_an_echo_is_nothing_but_hot_words() -> None:
    assert is_echo("Quinoa, living room.", NAMES)
    assert not is_echo("Add quinoa.", NAMES)
    assert not is_echo("", NAMES)
    assert not is_echo("quinoa", ())
    assert (hint(NAMES), hint(())) == (" quinoa, Siobhan, living room.", "")


# ── real speech ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.real
@pytest.mark.anyio
@pytest.mark.parametrize("model", ["bundled:tiny.en", "bundled:base"])
async def test_names_are_heard_that_were_not(model: str) -> None:
    ears = transcriber(model)
    names = ("quinoa", "halloumi", "galoshes", "Siobhan", "ratatouille", "Kwik-E")
    plain, told = 0, 0
    for name in names:
        samples = to_pcm16(say(f"Remind me about {name} tomorrow."))
        plain += name.casefold() in (await ears.transcribe(samples)).text.casefold()
        told += name.casefold() in (await ears.transcribe(samples, hot_words=(*names, "milk"))).text.casefold()
    assert told > plain


@pytest.mark.real
@pytest.mark.anyio
@pytest.mark.parametrize("model", ["bundled:tiny.en", "bundled:base"])
async def test_hot_words_are_not_heard_where_nobody_speaks(model: str) -> None:
    for samples in (noise(1, 0), noise(3, 1_000), noise(3, 8_000), click(1)):
        assert (await transcriber(model).transcribe(samples, hot_words=NAMES)).text == ""


def test_the_marks_of_whisper_are_no_hot_words() -> None:
    assert list(bounded(["<|endoftext|>", "milk <|de|>", "milk"])) == ["milk"]
