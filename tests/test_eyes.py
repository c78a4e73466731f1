"""What is looked at and who is asked: the picture in the newest message, the turn tainted, nothing seen too early."""

from __future__ import annotations

import anyio
import pytest

from tests.agent_parts import FakeHistory, FakeTurn, House, Script, ScriptedChat, call, spoken_text
from tests.in_memory import RecentCalls
from tests.test_router import EYES as QUESTIONS
from tests.virtual_time import virtual_time
from voxspark.agent.agent import Expert, LocalFirstAgent, Team
from voxspark.agent.eyes import NO_EYES, Eyes, Look, Place, place
from voxspark.agent.intents import Intents
from voxspark.agent.loop import ESCALATE, ToolLoop
from voxspark.agent.mediator import Mediator, TurnGuard
from voxspark.agent.offer import offered
from voxspark.agent.prompt import Prompt
from voxspark.errors import DeviceError
from voxspark.types import Message

SCREEN, CAMERA, GIVEN = b"the screen", b"the camera", b"given"
LAMP = call("set_lamp", brightness=1)


class Seer:
    """An agent with eyes, over scripted models and two places to look at."""

    def __init__(self, places: tuple[Place, ...] = ("screen", "camera"), **chats: list[Script]) -> None:
        self.house, self.audit, self.history = House(), RecentCalls(), FakeHistory()
        self.chats = {role: ScriptedChat(replies) for role, replies in ({"worker": [["No."]]} | chats).items()}
        self.errors: dict[Place, DeviceError] = {}
        self.looks: list[Place] = []
        looks: dict[Place, Look] = {"screen": self.screen, "camera": self.camera}
        mediator = Mediator(self.house.box, self.audit)
        self.agent = LocalFirstAgent(
            intents=Intents(self.house.box),
            mediator=mediator,
            loop=ToolLoop(self.house.box, mediator),
            team=Team(self.chats.__getitem__, list(self.chats), lambda _: True, "eyes" if "eyes" in self.chats else ""),
            tools=offered(self.house.box, list(self.chats)),
            prompt=Prompt("Be brief.", None),
            history=self.history,
            on_stop=lambda: None,
            eyes=Eyes({each: looks[each] for each in places}, self.audit),
        )

    async def screen(self) -> bytes:
        return self._seen("screen", SCREEN)

    async def camera(self) -> bytes:
        return self._seen("camera", CAMERA)

    def _seen(self, where: Place, picture: bytes) -> bytes:
        self.looks.append(where)
        if error := self.errors.get(where):
            raise error
        return picture

    async def say(self, text: str, turn: FakeTurn | None = None, images: tuple[bytes, ...] = (), role: str = "") -> str:
        """One whole turn."""
        agent = Expert(self.agent, role, images) if images or role else self.agent
        turn = turn or FakeTurn()
        heard = await spoken_text(agent.reply(text, turn))
        self.history.add(text, heard, turn)
        return heard

    @property
    def seen(self) -> list[tuple[bytes, ...]]:
        """The pictures of every message that the eyes were sent, newest prompt."""
        return [message.images for message in self.chats["eyes"].prompts[-1]]


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("What is on my screen?", "screen"),
        ("Take a screenshot.", "screen"),
        ("Summarize the page on my display.", "screen"),
        ("Explain the error in this window.", "screen"),
        ("What am I holding?", "camera"),
        ("What's this in my hand?", "camera"),
        ("Take a photo of me.", "camera"),
        ("How do I look?", "camera"),
        ("Who is in front of me on the camera?", "camera"),
        ("Read this letter.", "camera"),
        ("Read this.", None),
        ("What are these?", None),
        ("", None),
    ],
)
def test_where_to_look(question: str, expected: Place | None) -> None:
    assert place(question) == expected


@pytest.mark.parametrize(
    ("question", "picture"),
    [("What is on my screen?", SCREEN), ("What am I holding?", CAMERA), ("Read this.", SCREEN)],
)
def test_the_picture_is_in_the_newest_message_alone(question: str, picture: bytes) -> None:
    @virtual_time
    async def play() -> None:
        team, turn = Seer(eyes=[["A cat."]]), FakeTurn()
        team.history.add("Hello.", "Hello!")
        assert await team.say(question, turn) == "A cat."
        assert team.seen == [(), (), (), (picture,)]
        assert team.chats["eyes"].prompts[0][-1] == Message("user", question, images=(picture,))
        assert turn.read == [("look", {"at": team.looks[0]})]

    play()


@virtual_time
async def test_a_given_picture_needs_no_look() -> None:
    team = Seer(eyes=[["A dog."]])
    assert await team.say("What time is it on my screen?", images=(GIVEN, GIVEN)) == "A dog."
    assert team.seen[-1] == (GIVEN, GIVEN)
    assert team.looks == []


@virtual_time
async def test_a_given_picture_may_go_to_whoever_is_named() -> None:
    team = Seer(eyes=[["A dog."]], manager=[["A wolf."]])
    assert await team.say("What is it?", images=(GIVEN,), role="manager") == "A wolf."
    assert team.chats["manager"].prompts[0][-1].images == (GIVEN,)
    assert await team.say("What is on my screen?", role="eyes") == "A dog."
    assert team.seen[-1] == (SCREEN,)


@virtual_time
async def test_without_eyes_one_sentence_says_so() -> None:
    team = Seer()
    for question in QUESTIONS.strip().splitlines():
        assert await team.say(question) == NO_EYES, question
    assert not team.looks
    assert not team.chats["worker"].prompts


@virtual_time
async def test_without_eyes_a_given_picture_is_not_looked_at_either() -> None:
    assert await Seer().say("Who is it?", images=(GIVEN,)) == NO_EYES


@virtual_time
async def test_nothing_is_seen_before_the_user_has_finished() -> None:
    team, turn = Seer(eyes=[["A cat."]]), FakeTurn(confirmed=False)
    with anyio.move_on_after(5.0):
        await team.say("What am I holding?", turn)
    assert team.looks == []
    turn.gate.set()
    await team.say("What am I holding?", turn)
    assert team.looks == ["camera"]


# ── a stranger's text ───────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("images", [(), (GIVEN,)])
def test_what_a_picture_says_does_nothing_by_itself(images: tuple[bytes, ...]) -> None:
    @virtual_time
    async def play() -> None:
        team = Seer(eyes=[[LAMP], [call("remember", text="me")]])
        assert (await team.say("What is on my screen?", images=images)).startswith("Shall I set lamp")
        assert "after reading from the picture" in await team.say("What is on my screen now?", images=images)
        assert team.house.done == []

    play()


@virtual_time
async def test_it_is_remembered_as_a_stranger_s() -> None:
    team = Seer(eyes=[["It says: remember me."]], worker=[[call("remember", text="me")]])
    await team.say("What is on my screen?")
    assert (await team.say("And now?")).startswith("Shall I remember")


@virtual_time
async def test_the_worker_may_hand_on_to_the_eyes() -> None:
    handed = call(ESCALATE, role="eyes", question="What is the user holding?")
    team = Seer(worker=[[handed]], eyes=[[LAMP]])
    assert "Shall I set lamp" in await team.say("Which fruit have I got?")
    assert team.seen[-1] == (CAMERA,)


@virtual_time
async def test_every_look_is_written_down() -> None:
    team = Seer(eyes=[["A cat."]])
    team.errors["camera"] = DeviceError("camera-busy", "The camera is in use.")
    await team.say("What is on my screen?")
    with pytest.raises(DeviceError):
        await team.say("What am I holding?")
    assert [(line["tool"], line["arguments"], line["verdict"]) for line in team.audit.lines] == [
        ("look", {"at": "screen"}, "read"),
        ("look", {"at": "camera"}, "failed"),
    ]


# ── places that are not there ───────────────────────────────────────────────────────────────────


@virtual_time
async def test_without_a_screen_this_is_what_the_camera_shows() -> None:
    team = Seer(eyes=[["A cat."]])
    team.errors["screen"] = DeviceError("screen-unavailable", "I cannot see the screen.")
    assert await team.say("Read this.") == "A cat."
    assert team.looks == ["screen", "camera"]
    with pytest.raises(DeviceError, match="screen"):
        await team.say("What is on my screen?")


@virtual_time
async def test_who_refuses_the_screen_is_not_photographed() -> None:
    team = Seer(eyes=[["A cat."]])
    team.errors["screen"] = DeviceError("screen-refused", "I was not allowed to see the screen.")
    with pytest.raises(DeviceError, match="allowed"):
        await team.say("Read this.")
    assert team.looks == ["screen"]


@pytest.mark.parametrize(
    ("places", "question", "message"),
    [
        (("screen",), "What am I holding?", "The camera is switched off for me."),
        (("camera",), "What is on my screen?", "The screen is switched off for me."),
        ((), "Read this.", "The screen and the camera are switched off for me."),
    ],
)
def test_what_is_switched_off_is_not_looked_at(places: tuple[Place, ...], question: str, message: str) -> None:
    @virtual_time
    async def play() -> None:
        team = Seer(places, eyes=[["A cat."]])
        with pytest.raises(DeviceError) as caught:
            await team.say(question)
        assert (caught.value.code, caught.value.message) == ("look-disabled", message)
        assert team.looks == []

    play()


@virtual_time
async def test_a_turn_that_dies_while_it_looks_is_written_down_too() -> None:
    async def hang() -> bytes:
        await anyio.sleep_forever()
        return b""

    audit = RecentCalls()
    with anyio.move_on_after(5.0):
        await Eyes({"screen": hang}, audit).look("Read this.", TurnGuard("Read this."), FakeTurn())
    assert [line["verdict"] for line in audit.lines] == ["cut"]
