"""The configuration read again: what changes while running, what waits, and that the parts really change."""

from __future__ import annotations

import re
import socket
from pathlib import Path

import anyio
import numpy as np
import pytest

from tests.control_fake import FakeDaemon, raw
from tests.scenario import Scenario, check
from voxspark.assistant import Assistant
from voxspark.config import Config, load_config
from voxspark.config_control import ControlSettings
from voxspark.config_listening import ListeningSettings
from voxspark.control.server import Server
from voxspark.events import TurnJudged, VolumeDucked
from voxspark.listening.endpoint import Endpointer
from voxspark.service.reload import LIVE, is_live, reload
from voxspark.types import CHUNK_SECONDS, Chunk, ListeningSignal, SpeechBegan, UtteranceEnded

OLD = load_config(environ={})


def changed(**tables: dict[str, object] | str) -> Config:
    return load_config(environ={}, overrides=tables)


def keys() -> list[str]:
    """`key` or `table.key` of everything that can be set."""
    tables = {name: field.annotation for name, field in Config.model_fields.items()}
    found = [
        [f"{name}.{key}" for key in getattr(table, "model_fields", ())] or [name] for name, table in tables.items()
    ]
    return [key for table in found for key in table]


LIVE_KEYS = [key for key in keys() if is_live(key)]


def test_every_pattern_is_of_something() -> None:
    for pattern in LIVE:
        assert any(is_live(key) and key.startswith(pattern.split("*")[0]) for key in keys()), pattern


def test_the_table_in_the_readme_is_this_one() -> None:
    readme = (Path(__file__).parent.parent / "README.md").read_text()
    (line,) = [line for line in readme.splitlines() if line.startswith("`systemctl --user reload voxspark`")]
    assert re.findall(r"`(\w+\.\S+)`", line) == list(LIVE)


def test_what_can_change_does_and_the_rest_is_named() -> None:
    new = changed(
        profile="ollama",
        barge_in={"enabled": False, "duck_gain": 0.5},
        listening={"hangover_seconds": 3.0, "mode": "wake"},
        devices={"microphone": "null"},
        commands={"backup": {"run": ["/bin/true"], "description": "Back up."}},
    )
    found = reload(OLD, new)
    assert found.changed == ("listening.hangover_seconds", "barge_in.enabled", "barge_in.duck_gain")
    assert found.waiting == ("profile", "devices.microphone", "listening.mode", "commands")
    assert found.config.barge_in == new.barge_in
    assert found.config.listening.hangover_seconds == 3.0
    assert found.config.listening.mode == "open"
    assert found.config.profile == "embedded"


def test_what_waits_is_named_again_until_it_is_undone() -> None:
    once = reload(OLD, changed(profile="ollama", log={"level": "debug"}))
    again = reload(once.config, changed(profile="ollama", log={"level": "debug"}))
    assert (again.changed, again.waiting) == ((), ("profile",))
    assert reload(once.config, OLD).waiting == ()
    assert reload(once.config, OLD).changed == ("log.level",)


def test_the_same_file_changes_nothing() -> None:
    found = reload(OLD, changed())
    assert (found.config, found.changed, found.waiting) == (OLD, (), ())


# ── the parts ───────────────────────────────────────────────────────────────────────────────────


def reconfigured(at: float, scenario: Scenario, **tables: dict[str, object]) -> Scenario:
    def look(assistant: Assistant) -> None:
        assistant.reconfigure(reload(assistant.parts.config, changed(**tables)).config)

    return scenario.probe(at, look)


def test_barge_in_and_patience_change_between_two_turns() -> None:
    def story(scenario: Scenario) -> Scenario:
        answer = "Paris is the capital of France, and has been for a very long time, as most people know."
        scenario.user(0.5, 2.0, "What is the capital of France?").model(answer)
        return scenario.user(5.0, 7.0, "And of Italy, if I may ask?")

    before = check(story(Scenario()).run(30))
    scenario = reconfigured(
        0.1, story(Scenario()), barge_in={"duck_gain": 0.6}, patience={"sure_seconds": 1.0, "doubtful_seconds": 1.0}
    )
    after = check(scenario.run(30))
    assert [e.gain for e in before.of(VolumeDucked)][:1] == [0.25]
    assert [e.gain for e in after.of(VolumeDucked)][:1] == [0.6]
    assert min(e.patience_seconds for e in after.of(TurnJudged)) == 1.0
    assert min(e.patience_seconds for e in before.of(TurnJudged)) < 1.0


def heard(endpointer: Endpointer, probability: float, begin: int, count: int) -> list[ListeningSignal]:
    """What follows from so many chunks."""
    chunks = [Chunk(np.zeros(512, np.int16), number * CHUNK_SECONDS) for number in range(begin, begin + count)]
    return [signal for chunk in chunks for signal in endpointer.feed(chunk, probability)]


def test_an_endpointer_takes_other_settings_while_it_runs() -> None:
    endpointer = Endpointer(ListeningSettings())
    heard(endpointer, 0.0, 0, 40)
    endpointer.apply(ListeningSettings(pre_roll_seconds=0.0, speech_threshold=0.9))
    assert heard(endpointer, 0.8, 40, 20) == []
    assert isinstance(heard(endpointer, 0.95, 60, 20)[0], SpeechBegan)
    endpointer.apply(ListeningSettings(hangover_seconds=0.5, speech_threshold=0.9))
    (ended,) = [signal for signal in heard(endpointer, 0.0, 80, 40) if isinstance(signal, UtteranceEnded)]
    assert ended.at - ended.utterance.ended_at == pytest.approx(0.5, abs=2 * CHUNK_SECONDS)


@pytest.mark.anyio
async def test_limits_of_the_socket_hold_for_the_next_client(tmp_path: Path) -> None:
    """On a listener that the manager opened: its file stays."""
    path = tmp_path / "socket"
    server = Server(FakeDaemon(), ControlSettings(max_clients=1))
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        listener.setblocking(False)
        async with anyio.create_task_group() as group, raw(path) as first:
            await group.start(server.run, tmp_path / "elsewhere", listener)
            await first.send(b'{"jsonrpc": "2.0", "id": 1, "method": "ping"}')
            assert (await first.receive())["result"] == "pong"
            async with raw(path) as second:
                assert (await second.receive())["error"]["data"]["code"] == "too-many-clients"
            server.reconfigure(Config(control=ControlSettings(max_clients=2)))
            async with raw(path) as second:
                await second.send(b'{"jsonrpc": "2.0", "id": 2, "method": "ping"}')
                assert (await second.receive())["result"] == "pong"
            group.cancel_scope.cancel()
    assert path.is_socket()
    assert not (tmp_path / "elsewhere").exists()
