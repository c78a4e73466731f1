"""A model without tools is not asked for what it can neither do nor know."""

from __future__ import annotations

import pytest

from tests.test_agent import Household
from voxspark.agent.beyond import (
    CANNOT_DO,
    CANNOT_KNOW,
    CANNOT_SPEAK,
    HOW_LONG,
    WHEN_TO_REMIND,
    WHEN_TO_WAKE,
    WHO_I_AM,
    beyond,
    beyond_small,
)
from voxspark.agent.coding import Coding
from voxspark.agent.intents import Intent, Intents
from voxspark.agent.translating import Translating
from voxspark.config import load_config
from voxspark.kit import make_toolbox
from voxspark.language import Language, speaking
from voxspark.tools.arithmetic import arithmetic_tools
from voxspark.tools.pictures import Pictures
from voxspark.tools.registry import Toolbox
from voxspark.tools.skills import SKILLS, Skills

DO = """
Turn on the lights. | Please turn the heating down. | Can you play some jazz? | Play Bohemian Rhapsody.
Open the calculator. | Call my mother. | Call Anna. | Send a message to Tom. | Text him that I am late.
Set the thermostat to 20 degrees. | Lights off. | Order a pizza. | Book a table for two.
Lock the front door. | Pause. | Skip this song. | Volume up. | Turn it up.
Could you please close the garage? | Take a screenshot. | Remember my name is Sam. | Open YouTube.
Close Firefox. | Add tofu to it.
Shut down the computer. | Google cheap flights. | Run the backup. | Remember that I like tea.
Hey, switch off the TV. | Louder. | Forget everything you know about me. | Delete all my notes.
"""
KNOW = """
What's the weather in Oslo? | Will it rain tomorrow? | Is it going to snow? | What's in the news?
Who won the match last night? | What is on my calendar tomorrow? | How much disk space is left?
When is my next meeting? | Do I have new messages on my phone? | What's the stock price of Apple?
What's the news? | Read me the headlines. | What's happening in the world? | What time is it in Atlantis?
What day is it tomorrow? | What's tomorrow's date? | How many days until Christmas? | Which week is it?
Is milk on my shopping list? | What's my IP address?
How is the traffic? | Is there a good restaurant near here? | What is playing?
"""
TRY = """
Who wrote Faust? | Tell me a joke. | What is the capital of France? | Write a poem about the sea.
Why is the sky blue? | Explain set theory. | What does play on words mean? | Give me an example of a metaphor.
How do I open a jar? | How do you turn a verb into a noun? | What is an open question?
Show me an example of a haiku. | Hello. | Thank you. | Who was the first person to call it gravity?
What happens when water boils? | Translate good morning into French. | Do you like music?
How long is the Nile? | What is the longest day? | What is a news agency?
What is a light year? | How are you? | Call it a metaphor: what does that mean? | I am sad.
"""


def phrases(block: str) -> list[str]:
    return [each.strip() for each in block.replace("\n", "|").split("|") if each.strip()]


@pytest.mark.parametrize("text", phrases(DO))
def test_what_it_would_pretend_to_do(text: str) -> None:
    assert beyond(text) == CANNOT_DO


@pytest.mark.parametrize("text", phrases(KNOW))
def test_what_it_would_make_up(text: str) -> None:
    assert beyond(text) == CANNOT_KNOW


@pytest.mark.parametrize("text", phrases(TRY))
def test_what_it_may_try(text: str) -> None:
    assert beyond(text) == ""


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Set a timer.", HOW_LONG),
        ("Please start another egg timer", HOW_LONG),
        ("Remind me to breathe.", WHEN_TO_REMIND),
        ("remind me tomorrow to buy bread", WHEN_TO_REMIND),
        ("Set an alarm for 25 o'clock.", WHEN_TO_WAKE),
        ("Could you wake me?", WHEN_TO_WAKE),
    ],
)
def test_what_is_missing_is_asked_for(text: str, told: str) -> None:
    assert beyond(text) == told


@pytest.mark.parametrize("text", ["Who are you?", "hey, what’s your name", "What model are you using?"])
def test_the_bundled_model_takes_itself_for_somebody_else(text: str) -> None:
    assert (beyond_small(text), beyond(text)) == (WHO_I_AM, "")
    assert beyond_small("Who are you talking about?") == ""


@pytest.mark.parametrize("language", ["de", "es", "fr"])
def test_the_bundled_model_speaks_english_only(language: Language) -> None:
    with speaking(language):
        assert beyond_small("Wer hat Faust geschrieben?") not in ("", CANNOT_SPEAK)
        assert beyond("Wer hat Faust geschrieben?") == ""
    assert beyond_small("привет, который час?") == CANNOT_SPEAK


@pytest.mark.anyio
async def test_a_small_worker_is_told_the_newest_exchange_only_and_only_where_it_is_meant() -> None:
    """What it was told before costs it a tenth of a second: its prefix cache holds what every prompt begins with."""
    team = Household(tools=False, small=True, worker=[["Goethe."], ["In 1808."], ["A play."], ["Paris."]])
    for text in ("Who wrote Faust?", "When?", "And what is it?", "What is the capital of France?"):
        await team.say(text)
    told = [[message.content for message in prompt[1:]] for prompt in team.chats["worker"].prompts]
    assert told == [
        ["Who wrote Faust?"],
        ["Who wrote Faust?", "Goethe.", "When?"],
        ["When?", "In 1808.", "And what is it?"],
        ["What is the capital of France?"],
    ]
    assert await team.say("Who are you?") == WHO_I_AM


@pytest.mark.anyio
async def test_only_a_worker_without_tools_is_spared() -> None:
    team = Household(tools=False, worker=[["The lights are on."]], coder=[["Done."]])
    assert await team.say("Turn on the lights.") == CANNOT_DO
    assert await team.say("Who wrote Faust?") == "The lights are on."
    assert await team.say("Ask the coder to turn on the lights.") == "Done."
    assert await Household(worker=[["They are on."]]).say("Turn on the lights.") == "They are on."


def test_skills_are_those_in_the_box() -> None:
    box = Toolbox(arithmetic_tools())
    [skills] = Skills(box).tools
    box.add(skills)
    assert skills.call() == "I can answer questions and do sums."
    assert Intents(box).match("Hey, what can you do?") == Intent("list_skills")
    every = make_toolbox(load_config(environ={}))
    assert [name for name in SKILLS if name in every][:3] == ["get_time", "set_timer", "add_to_list"]


def test_every_skill_is_a_tool() -> None:
    settings = {"web": {"feeds": {"local": "http://127.0.0.1/"}}, "calendar": {"url": "http://127.0.0.1/"}}
    box = make_toolbox(load_config(environ={}, overrides=settings))
    of_models = {*dir(Translating), *dir(Pictures), *dir(Coding)}
    assert [name for name in SKILLS if name not in box and name not in of_models] == []
