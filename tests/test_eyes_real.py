"""Seeing, with nothing between the question and Ollama's door faked: the request carries what the screen shows."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path

import pytest
from PIL import Image

from tests.agent_parts import FakeHistory, FakeTurn, House, spoken_text
from tests.daemon_process import running_daemon, voxspark
from tests.in_memory import RecentCalls
from tests.ollama_clients import client_of
from tests.ollama_machine import ollama_machine
from tests.ollama_server import Reply, Served, ollama_server
from tests.x_server import x_server
from voxspark.agent.agent import LocalFirstAgent, Team
from voxspark.agent.eyes import NO_EYES, Eyes
from voxspark.agent.intents import Intents
from voxspark.agent.loop import ToolLoop
from voxspark.agent.mediator import Mediator
from voxspark.agent.prompt import FOR_SPEECH, Prompt
from voxspark.devices.screen import Screen
from voxspark.engines.ollama.chat import OllamaChat
from voxspark.engines.ollama.values import ModelOptions

pytestmark = pytest.mark.real

VISION = "qwen3-vl:8b"


def pictures_of(request: dict[str, object]) -> list[Image.Image]:
    """Those of the newest message of a chat request; no other has any."""
    messages = request["messages"]
    assert isinstance(messages, list)
    assert not any(message.get("images") for message in messages[:-1])
    return [Image.open(io.BytesIO(base64.b64decode(image))) for image in messages[-1]["images"]]


@pytest.mark.anyio
async def test_what_is_on_my_screen() -> None:
    house, audit = House(), RecentCalls()
    mediator = Mediator(house.box, audit)
    async with ollama_server() as server, client_of(server) as client:
        server.models[VISION] = Served(("completion", "vision"), family="qwen3vl")
        server.script = [Reply(("Everything ", "is red."))]
        chat = OllamaChat(client, ModelOptions(model=VISION, context_tokens=8192))
        with x_server("red") as display:
            agent = LocalFirstAgent(
                intents=Intents(house.box),
                mediator=mediator,
                loop=ToolLoop(house.box, mediator),
                team=Team(lambda _: chat, ("worker", "eyes"), lambda _: False),
                tools=(),
                prompt=Prompt(FOR_SPEECH, None),
                history=FakeHistory(),
                on_stop=lambda: None,
                eyes=Eyes({"screen": Screen(environment={"DISPLAY": display}).look}, audit),
            )
            said = await spoken_text(agent.reply("What is on my screen?", FakeTurn()))
        (picture,) = pictures_of(server.chats[0])
    assert said == "Everything is red."
    assert (picture.size, picture.getpixel((640, 360))) == ((1280, 720), (255, 0, 0))


def test_a_picture_with_a_question_on_the_command_line(tmp_path: Path) -> None:
    photo = tmp_path / "photo.png"
    Image.new("RGB", (2000, 1000), "blue").save(photo)
    with ollama_machine(tmp_path) as machine:
        machine.pull_profile("everyday")
        machine.server.respond = lambda request: Reply(("It is blue.",))
        with running_daemon(machine.env, "--profile", "everyday") as daemon:
            done = voxspark("ask", "--json", "--image", str(photo), "What colour is it?", env=daemon.env)
            none = voxspark("ask", "--image", __file__, "What colour is it?", env=daemon.env)
        asked = [chat for chat in machine.server.chats if any(each.get("images") for each in chat["messages"])]
    assert json.loads(done.stdout)["reply"] == "It is blue."
    (picture,) = pictures_of(asked[0])
    assert (picture.size, picture.getpixel((9, 9))) == ((1280, 640), (0, 0, 255))
    assert (none.returncode, len(asked)) == (1, 1)
    assert "not a picture" in none.stderr


def test_a_profile_without_eyes(tmp_path: Path) -> None:
    with ollama_machine(tmp_path) as machine:
        machine.pull_profile("ollama")
        with running_daemon(machine.env, "--profile", "ollama") as daemon:
            done = voxspark("ask", "What is on my screen?", env=daemon.env)
    assert done.stdout.strip() == NO_EYES
