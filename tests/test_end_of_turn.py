"""The judge of words: tables of phrases, every truncation of assistant commands, and properties."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxspark.config_listening import PatienceSettings
from voxspark.listening.end_of_turn import Reads, patience_seconds, reads


def _phrases(table: str) -> list[str]:
    return [phrase.strip() for line in table.strip().splitlines() for phrase in line.split(" | ")]


CLOSED = _phrases("""
What's your name? | Who are you? | How are you? | How are you doing today? | Where are you from? | What is this?
What time is it? | What's the time? | What's the date today? | What day is it today? | Is it raining?
Will it rain tomorrow? | Do I need an umbrella? | Turn it off. | Turn off that light. | Turn the lights on.
Switch on the fan. | Lights on. | Volume up. | Mute. | Pause. | Pause the music. | Next song. | Skip this song.
Play some music. | Play Bohemian Rhapsody by Queen. | Play something. | Set a ten minute timer.
Set a timer for one minute. | Set a timer for an hour and a half.
Set a timer for five minutes and thirty seconds. | Set the volume to fifty percent. | Set the volume to 50%.
Set an alarm for 7:30. | Set an alarm for 7 a.m. | Wake me up at 6:45. | Cancel the timer. | Cancel all timers.
Stop the alarm. | Stop. | Yes. | No. | No, thanks. | Yes, please. | Thanks. | Thank you. | Never mind.
The second one. | No, the second one. | That one. | Good morning. | Good night. | Call mom. | Call my wife.
Remind me to buy milk. | Remind me to call mom at 6:30. | Remind me about the meeting tomorrow.
Remind me at six to feed the cat. | Add bread to my list. | Put eggs on the shopping list. | Tell me a joke.
Tell me about Paris. | Tell me more. | Tell me what time it is. | Do you know what time it is?
Show me the weather. | How old are you? | How tall is the Eiffel Tower? | How far is the moon?
How many people live in Japan? | How many days until Christmas? | How much is a pound in euros?
How much does it cost? | How do you spell necessary? | How do I make pancakes? | When is Easter?
When was Napoleon born? | When does the shop close? | Where is my phone? | Where can I buy milk?
Why is the sky blue? | Who is the president of France? | Who was Albert Einstein? | Who won the game last night?
What does that mean? | What do you think? | What should I cook tonight? | What is photosynthesis?
What's two plus two? | What is 15 times 12? | What's the square root of sixteen? | What's the capital of Italy?
What's the weather? | What is the weather like? | What's the weather like today? | Is the door locked?
Is the kitchen light on? | Are there any eggs in the fridge? | Can you help me? | Can dogs eat chocolate?
Hey Jarvis, what time is it? | Okay, turn off the TV. | Could you please dim the lights? | Open the garage door.
Read me the news. | Translate hello to Spanish. | Convert ten miles to kilometers. | How about tomorrow?
What about Berlin? | Which planet is the largest in the solar system? | What happened? | I don't know.
That's all. | Repeat that. | Turn off the lights. Thanks. | Okay. What time is it?
What's the tallest mountain in Africa? | Who directed Jurassic Park? | Set a pasta timer for eleven minutes.
Turn the heating up to twenty one degrees. | Switch off all the lights downstairs.
Is there a supermarket open near me? | How do you make scrambled eggs?
What's the difference between a crocodile and an alligator? | When is the next full moon?
When did the Second World War end? | How far is it from Paris to London?
Can you remind me to take out the trash tonight? | Remove milk from my shopping list.
What do I have on my calendar tomorrow? | Lock the front door. | Did I leave the oven on?
Are the lights in the garage still on? | How do you say thank you in Japanese?
Which country has the most people? | Could you say that again?
""")

OPEN = _phrases("""
the | Set a timer for | Set a timer for ten | Set | Turn | Turn on | Turn on the | Turn off the lights in
Turn off the lights in the | Remind me | Remind me to | Remind me to call | Remind me to call my | My number is
My number is five five five | My number is 555 | My code is 4 7 | My phone number is 0 1 7 | five five five
Tell me | Tell me about | Tell me a | Can you | Can you please | Could you | What is | What is the | What's the
What's | What time | What time is | How | How many | How many people | How many people live in | How much is
How do I | How do I get to | Who | Who is | Who is the | Where is | Where is the | When does the | Why | Why is
Why is the | Is | Is it | Is it going | Is it going to | Is there | Is there any | Are you | Do you
Do you know | Do I need | Should I | Should I take | um | Um, | uh | So | Well | Hey | Hey Jarvis | Hey Jarvis,
Okay so | Computer | Jarvis. | I think | I want | I want to | I would like | I would like to
I was wondering if | I need you to | The first one is | My name is | and | but | because | I like it because
Add milk and | Add milk, eggs and | Add milk to | Add milk to my | Play | Play some | Play the song called
Play music by | Call | Call my | It was like | I saw him with his | What's two plus | What is 7 times
What is twenty percent of | Convert ten miles to | Translate hello into | How long does it take to
What's the difference between | Which of the | Where can I | Where can I find the
Set a timer for ten minutes and | Set an alarm for seven in the | Wake me up at | Let me | Let me see if | If
When I | There is a | Turn on the lights and | I'm looking for | We should | He | Search | Book | Order
Send a message to | Add milk, | I was thinking... | Set a timer for... | My favorite color is... | Please | The
Open | How many grams | What I | Find me | Find me the | Tell me what | Set a timer for five minutes and
Set the volume to | It was the | We were all going direct to
""")

DOUBTFUL = _phrases("""
It was the best of times. | It was the worst of times, it was the best of times.
We were all going direct to heaven. | We were all going direct to heaven | It was the season of light.
It was a season of light. | Add milk | Add milk. | and milk. | And milk, eggs and bread to my shopping list.
Ever tried. | Ever tried, ever failed. | Ever tried, ever failed. No matter. Try again. Fail again. | I'm tired.
My name is Bob. | I went to the store yesterday. | I had a really long day at work today. | The weather is nice.
Turn on the kitchen | Set an alarm for seven | Remind me to call my mother at six | What is the capital
What's the population | Tell me a short | Where is the nearest | Play some jazz in the living
How tall is Mount | Who won the world | Turn the volume | Set a timer | Set a timer for ten minutes,
Set a timer for ten minutes... | Twenty five. | Ten minutes. | Okay. | Hello. | I like dogs
That's interesting. | You know what I mean. | Once upon a time there was a king. | Who is Albert | Let's go.
Bohemian Rhapsody. | Why do cats purr loudly at night? | こんにちは | ¿Qué hora es? | Quelle heure est-il ? | !!! | 😀
My pin is 4 7 1 2 | Text mom | She said hello to me. | Put the dentist | Wake me up
Set the thermostat to seventy | Book a table. | Could you please tell me what time
There are many people in the room today. | If it rains we will stay home.
Play was stopped because of rain. | What I want to say is that I am not sure. | Find me a good | Start a timer.
What's 68 degrees Fahrenheit
""")


TRUNCATED = {
    "What is the capital of France?": "",
    "Set a timer for ten minutes.": "",
    "What's the weather like in Paris today?": (
        "What's the weather | What's the weather like | What's the weather like in Paris"
    ),
    "Turn on the kitchen lights, please.": "Turn on the kitchen lights",
    "Remind me to call my mother at six thirty.": "Remind me to call my mother",
    "How many grams are there in a pound?": "",
    "Who wrote Romeo and Juliet?": "Who wrote Romeo",
    "Play some jazz in the living room.": "Play some jazz",
    "What time is it in Tokyo right now?": "What time is it | What time is it in Tokyo",
    "Add milk, eggs and bread to my shopping list.": "",
    "Tell me a short joke about cats.": "Tell me a short joke",
    "Why is the sky blue during the day and red in the evening?": (
        "Why is the sky blue | Why is the sky blue during the day | Why is the sky blue during the day and red"
    ),
    "How tall is Mount Everest?": "",
    "Turn the volume down a little.": "Turn the volume down",
    "What day of the week is Christmas this year?": "What day of the week is Christmas",
    "Set an alarm for seven in the morning.": "",
    "Wake me up at half past six tomorrow.": "Wake me up at half past six",
    "Add eggs to the shopping list.": "",
    "Can you turn off the lights in the bedroom?": "Can you turn off the lights",
    "What is the population of Japan?": "",
    "Who invented the telephone?": "",
    "When does the train to Berlin leave?": "",
    "How do I get to the station?": "",
    "How long does it take to boil an egg?": "",
    "Where is the nearest pharmacy?": "",
    "Is it going to rain tomorrow?": "Is it going to rain",
    "Do you have any good news?": "",
    "Should I take an umbrella today?": "Should I take an umbrella",
    "How much does a new car cost?": "",
    "How many legs does a spider have?": "",
    "What is twenty percent of eighty?": "",
    "Translate good morning into French.": "",
    "Tell me about the history of Rome.": "",
    "Call my sister on her mobile.": "Call my sister",
    "Set the living room thermostat to seventy degrees.": "",
    "Turn the music up a bit and set a timer for five minutes.": "Turn the music up | Turn the music up a bit",
    "Remind me tomorrow to water the plants.": "",
    "Could you please tell me what time it is?": "",
    "Put the dentist on my calendar for Monday.": "Put the dentist on my calendar",
    "Play the latest album by Taylor Swift.": "Play the latest album | Play the latest album by Taylor",
    "Cancel my ten minute timer.": "Cancel",
    "What's on my calendar today?": "What's on my calendar",
    "Why is the sea salty?": "",
    "What's the weather going to be like on Sunday?": "What's the weather | What's the weather going to be like",
    "Okay computer, stop the music.": "Okay computer, stop",
}
"""Commands, with those of their beginnings that are complete commands too."""

SETTINGS = PatienceSettings(sure_seconds=0.3, doubtful_seconds=0.7, open_seconds=1.5, sure_probability=0.8)


@pytest.mark.parametrize("phrase", CLOSED)
def test_complete_commands_and_questions_read_closed(phrase: str) -> None:
    assert reads(phrase) == "closed"


@pytest.mark.parametrize("phrase", OPEN)
def test_unfinished_phrases_read_open(phrase: str) -> None:
    assert reads(phrase) == "open"


@pytest.mark.parametrize("phrase", DOUBTFUL)
def test_everything_else_reads_doubtful(phrase: str) -> None:
    assert reads(phrase) == "doubtful"


@pytest.mark.parametrize(("command", "complete"), TRUNCATED.items())
def test_no_beginning_of_a_command_reads_closed(command: str, complete: str) -> None:
    words = command.split()
    beginnings = [" ".join(words[:count]).rstrip(",") for count in range(1, len(words))]
    assert reads(command) == "closed"
    assert [beginning for beginning in beginnings if reads(beginning) == "closed"] == _phrases(complete)


@pytest.mark.parametrize("phrase", [phrase for phrase in OPEN if phrase[-1].isalnum()])
def test_a_full_stop_or_question_mark_proves_nothing(phrase: str) -> None:
    assert reads(f"{phrase}.") == reads(f"{phrase}?") == reads(phrase.upper()) == "open"


@pytest.mark.parametrize("ending", [",", " -", "...", "…", " –"])
def test_trailing_off_is_never_closed(ending: str) -> None:
    phrases = (*CLOSED, *OPEN, *DOUBTFUL)
    assert [phrase for phrase in phrases if reads(phrase.rstrip(".?!") + ending) == "closed"] == []


@pytest.mark.parametrize(
    "text", ["", "   ", "...", "?!", "😀", "\x00", "'", "'s", "a.m.", "°", "٣", "-" * 5000, "1 " * 5000]
)
def test_text_without_words_is_not_closed(text: str) -> None:
    assert reads(text) != "closed"


def test_only_the_end_of_a_long_monologue_counts() -> None:
    told = "And then we walked along the river until it got dark. " * 200
    assert reads(told) == "doubtful"
    assert reads(f"{told} What time is it?") == "closed"
    assert reads(f"{told} Set a timer for") == "open"


def test_a_long_sentence_is_told_not_asked() -> None:
    assert reads(f"Tell me about the {'very ' * 25}old town.") == "doubtful"


def test_sentences_before_the_last_do_not_close_it() -> None:
    assert reads("What time is it? And in") == "open"
    assert reads("What time is it? We were talking.") == "doubtful"


WORDS = sorted({word for phrase in (*CLOSED, *OPEN, *DOUBTFUL) for word in phrase.split()})


@given(st.text() | st.lists(st.sampled_from(WORDS), max_size=40).map(" ".join))
def test_any_text_has_a_verdict(text: str) -> None:
    assert reads(text) in ("closed", "doubtful", "open")


@pytest.mark.parametrize(
    ("verdict", "completeness", "seconds"),
    [
        ("closed", 0.8, 0.3),
        ("closed", 0.79, 0.7),
        ("closed", 0.1, 1.1),
        ("closed", None, 0.5),
        ("doubtful", 0.99, 0.7),
        ("doubtful", 0.3, 0.7),
        ("doubtful", 0.1, 1.1),
        ("doubtful", None, 0.7),
        ("open", 0.99, 1.5),
        ("open", 0.0, 1.5),
        ("open", None, 1.5),
    ],
)
def test_patience_table(verdict: Reads, completeness: float | None, seconds: float) -> None:
    assert patience_seconds(verdict, completeness, SETTINGS) == pytest.approx(seconds)


VERDICTS: st.SearchStrategy[Reads] = st.sampled_from(("closed", "doubtful", "open"))
PROBABILITIES = st.floats(0, 1)


@st.composite
def ordered_settings(draw: st.DrawFn) -> PatienceSettings:
    sure, doubtful, patient = sorted(draw(st.tuples(*[st.floats(0.05, 5)] * 3)))
    return PatienceSettings(
        sure_seconds=sure,
        doubtful_seconds=doubtful,
        open_seconds=patient,
        sure_probability=draw(st.floats(0.01, 0.99)),
    )


@given(VERDICTS, PROBABILITIES, PROBABILITIES, ordered_settings())
def test_a_surer_model_never_waits_longer(verdict: Reads, one: float, other: float, settings: PatienceSettings) -> None:
    less, more = sorted((one, other))
    assert patience_seconds(verdict, more, settings) <= patience_seconds(verdict, less, settings)


@given(VERDICTS, st.none() | PROBABILITIES, ordered_settings())
def test_patience_stays_between_sure_and_open(
    verdict: Reads, completeness: float | None, settings: PatienceSettings
) -> None:
    assert settings.sure_seconds <= patience_seconds(verdict, completeness, settings) <= settings.open_seconds
