"""Pure parts: heard words, history, barge-in policy, events, configuration, the bus."""

from __future__ import annotations

import dataclasses
import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxspark import events
from voxspark.bus import BOUND, EventBus, failed, for_log
from voxspark.config import load_config
from voxspark.config_text import as_toml
from voxspark.errors import (
    ChatError,
    ConfigError,
    ControlError,
    DeviceError,
    EngineError,
    SynthesizerError,
    TranscriberError,
    VoxSparkError,
)
from voxspark.memory.history import History
from voxspark.speech.heard import heard_text
from voxspark.types import Action, Clip, TurnResult
from voxspark.waterfall import waterfall


def clip(text: str, seconds: float) -> Clip:
    return Clip(np.zeros(int(seconds * 1000), np.float32), 1000, text)


# ── heard ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("seconds", "heard"),
    [
        (0.0, ""),
        (0.1, ""),
        (0.5, "Paris is the"),
        (1.0, "Paris is the capital."),
        (1.5, "Paris is the capital. It lies on"),
        (9.0, "Paris is the capital. It lies on the Seine."),
    ],
)
def test_heard_text_is_cut_at_a_word(seconds: float, heard: str) -> None:
    assert heard_text([clip("Paris is the capital.", 1.0), clip("It lies on the Seine.", 1.0)], seconds) == heard


def test_a_clip_without_text_continues_the_one_before() -> None:
    clips = [clip("one two three four", 1.0), clip("", 1.0), clip("five", 1.0)]
    assert heard_text(clips, 1.0) == "one two"
    assert heard_text(clips, 2.0) == "one two three four"


def test_of_a_sentence_that_is_still_being_made_no_more_is_heard_than_was_played() -> None:
    sentence = "The old lighthouse keeper climbed the narrow stairs every evening."  # 66 characters, some 4.4 s
    begun = [clip(sentence, 0.5), clip("", 0.5)]
    assert heard_text(begun, 1.0) == sentence
    assert heard_text(begun, 1.0, more_to_come=True) == "The old lighthouse"
    whole = [clip(sentence, 2.0), clip(sentence, 1.0)]  # twice as fast, as the first one shows
    assert heard_text(whole, 3.0, more_to_come=True) == f"{sentence} The old lighthouse keeper climbed"
    assert heard_text([clip("Yes.", 0.3)], 0.3, more_to_come=True) == "Yes."
    assert heard_text([], 1.0, more_to_come=True) == ""


@given(st.lists(st.tuples(st.text(min_size=1), st.floats(0.01, 5)), max_size=6), st.floats(0, 30), st.floats(0, 30))
def test_hearing_longer_never_loses_words(parts: list[tuple[str, float]], one: float, other: float) -> None:
    clips = [clip(text, seconds) for text, seconds in parts]
    short, long = sorted((one, other))
    assert len(heard_text(clips, short).split()) <= len(heard_text(clips, long).split())


# ── history ─────────────────────────────────────────────────────────────────────────────────────


def test_history_keeps_what_was_heard_and_what_was_done() -> None:
    history = History(1000)
    history.commit(TurnResult("interrupted", "Tell me a story", "Once upon"))
    history.commit(TurnResult("withdrawn", "Tell me"))
    history.commit(TurnResult("answered", "Stop."))
    history.commit(TurnResult("interrupted", actions=(Action("set_timer", {"seconds": 5}, "Done."),)))
    assert [(e["said"], e["heard"], e["interrupted"]) for e in history.to_json(9)] == [
        ("Tell me a story", "Once upon", True),
        ("", "", True),
    ]
    assert history.last_heard == "Once upon"
    assert [m.content for m in history.messages()][:2] == ["Tell me a story", "Once upon …"]


def test_history_is_trimmed_rarely_and_in_blocks() -> None:
    history, lengths = History(100), []
    for number in range(60):
        history.commit(TurnResult("answered", f"question {number} {'x' * 20}", "y" * 20))
        lengths.append(len(history.messages()))
    cuts = sum(later < earlier for earlier, later in pairwise(lengths))
    assert max(lengths) < 25
    assert cuts < 60 / 4
    assert history.messages()[-2].content.startswith("question 59")


# ── events ──────────────────────────────────────────────────────────────────────────────────────

EVENTS = [value for value in vars(events).values() if isinstance(value, type) and issubclass(value, events.Event)]
SAMPLES = {"int": 3, "float": 1.23456, "str": "x", "bool": True, "str | None": None, "int | None": 7}


def make(kind: type[events.Event]) -> events.Event:
    values: dict[str, object] = {}
    for field in dataclasses.fields(kind):
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            values[field.name] = SAMPLES.get(str(field.type), {"key": "value"} if "dict" in str(field.type) else None)
    return kind(**values)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", [kind for kind in EVENTS if kind is not events.Event], ids=lambda kind: kind.__name__)
def test_every_event_is_one_json_object_with_its_name_and_time(kind: type[events.Event]) -> None:
    told = json.loads(json.dumps(make(kind).to_json()))
    assert told["event"] == kind.name()
    assert told["at"] == 1.235
    assert {field.name for field in dataclasses.fields(kind)} == set(told) - {"event"}
    assert kind.__doc__


def test_event_names_are_unique() -> None:
    assert len({kind.name() for kind in EVENTS}) == len(EVENTS)


# ── configuration ───────────────────────────────────────────────────────────────────────────────


def write(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "config.toml"
    file.write_text(text)
    return file


def test_the_file_then_the_environment_then_the_command_line(tmp_path: Path) -> None:
    file = write(tmp_path, '[voice]\nspeed = 1.1\n[listening]\nmode = "wake"\n[chat]\nmax_tokens = 7\n')
    environ = {"VOXSPARK_VOICE__SPEED": "1.2", "VOXSPARK_LISTENING__MODE": "open", "HOME": "/nowhere"}
    config = load_config(file, environ, {"voice": {"speed": 1.3}})
    assert (config.voice.speed, config.listening.mode, config.chat.max_tokens) == (1.3, "open", 7)


@pytest.mark.parametrize(
    ("text", "code", "part"),
    [
        ("[listening]\nmood = 1\n", "config-unknown-key", "Did you mean listening.mode?"),
        ("[listning]\n", "config-unknown-key", "Did you mean listening?"),
        ("listening = 3\n", "config-value", "must be a table"),
        ("[voice]\nspeed = 9\n", "config-value", "voice.speed = 9"),
        ('[listening]\nmode = "shout"\n', "config-value", "listening.mode"),
        ("[voice\n", "config-syntax", "not valid TOML"),
        (f"a = {'[' * 10_000}", "config-syntax", "not valid TOML"),
        (f"a = {'9' * 5_000}", "config-syntax", "not valid TOML"),
        ("#" * 2_000_000, "config-too-large", "1048576 bytes"),
    ],
)
def test_a_wrong_configuration_says_where_and_what_instead(tmp_path: Path, text: str, code: str, part: str) -> None:
    with pytest.raises(ConfigError) as raised:
        load_config(write(tmp_path, text), {})
    assert raised.value.code == code
    assert part in str(raised.value)


def test_a_wrong_variable_is_named_too() -> None:
    with pytest.raises(ConfigError, match=r"the environment sets voice\.sped"):
        load_config(environ={"VOXSPARK_VOICE__SPED": "1"})


def test_a_missing_file_that_was_asked_for_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load_config(tmp_path / "none.toml", {})


def test_the_shown_configuration_loads_to_itself(tmp_path: Path) -> None:
    config = load_config(write(tmp_path, "[voice]\nspeed = 1.5\n"), {})
    assert load_config(write(tmp_path, as_toml(config)), {}) == config


# ── the bus ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.anyio
async def test_a_subscriber_that_falls_behind_is_let_go_with_a_reason() -> None:
    bus = EventBus()
    async with bus.subscribe() as slow:
        for _ in range(BOUND + 10):
            bus.publish(events.Stopping(0.0, "x"))
        for _ in range(BOUND):
            await anext(slow)
        with pytest.raises(ControlError, match="events behind"):
            await anext(slow)


# ── the waterfall ───────────────────────────────────────────────────────────────────────────────


def test_the_waterfall_is_to_scale() -> None:
    lines = waterfall({"transcript": 0.25, "first_audible": 0.5, "ended": 9.0}, width=20).splitlines()
    assert [line.count("█") for line in lines] == [10, 20]
    assert "250 ms" in lines[0]
    assert waterfall({}) == ""


@pytest.mark.parametrize("error", [ChatError, SynthesizerError, TranscriberError, EngineError])
def test_what_a_server_says_of_a_sentence_is_not_logged(error: type[VoxSparkError]) -> None:
    failure = error("chat-failed", "The language model failed.", 'The server says: {"input": "my secret"}')
    assert for_log(failed(failure, 0.0)) == "chat-failed: The language model failed. The server says: …"


def test_what_helps_is_logged() -> None:
    failure = DeviceError("portal-refused", "The desktop refuses.", "It says: not allowed.")
    assert for_log(failed(failure, 0.0)) == "portal-refused: The desktop refuses. It says: not allowed."
