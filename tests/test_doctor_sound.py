"""What the doctor says of microphone, speaker and echo, with and without a daemon."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import AsyncGenerator, Callable, Mapping
from itertools import repeat
from pathlib import Path
from typing import Any

import anyio
import numpy as np
import pytest

from tests.daemon_process import VOXSPARK, private_env
from tests.sound_card import SoundCard, sound_card
from tests.virtual_time import run_virtual
from voxspark.config import Config
from voxspark.devices.clocked import paced
from voxspark.devices.null import NullSpeaker
from voxspark.doctor.check import Finding, work_through
from voxspark.doctor.running import Daemon
from voxspark.doctor.sound import SoundChecks, judged_echo
from voxspark.errors import ControlError, DeviceError
from voxspark.types import CHUNK_SAMPLES, Chunk, Pcm16

REPORT = {
    "device": "USB, 48000 Hz",
    "state": "open",
    "muted": False,
    "silent": False,
    "level_dbfs": -40.2,
    "peak_dbfs": -30.0,
    "floor_dbfs": -62.1,
    "clipped": 0.0,
}
ECHO = {"duplex": "full", "reason": "It is measured.", "canceller": "webrtc", "delay_ms": 80, "loss_db": 31.4}


class Told(Daemon):
    """A daemon that says this; None where it does not run."""

    def __init__(self, status: Mapping[str, Any] | ControlError | None = None) -> None:
        super().__init__(Config())
        self._told = status

    async def status(self) -> Mapping[str, Any] | None:
        if isinstance(self._told, ControlError):
            raise self._told
        return self._told


class FakeMicrophone:
    """Gives this chunk for ever, or nothing."""

    description = "Fake, 48000 Hz"
    real = True
    dropped_seconds = 0.0

    def __init__(self, samples: Pcm16 | None) -> None:
        self._samples = samples
        self.closed = False

    async def chunks(self) -> AsyncGenerator[Chunk, None]:
        if self._samples is None:
            await anyio.sleep_forever()
        async for chunk in paced(repeat(self._samples), anyio.current_time):  # type: ignore[arg-type]
            yield chunk

    async def aclose(self) -> None:
        self.closed = True


def noise(amplitude: int) -> Pcm16:
    return np.tile(np.array([amplitude, -amplitude], np.int16), CHUNK_SAMPLES // 2)


def named(name: str, **more: object) -> Config:
    return Config.model_validate({"devices": {"microphone": name, "speaker": name}, **more})


def found(
    config: Config, daemon: Daemon | None = None, muted: Path = Path("/nowhere"), cards: Path = Path("/nowhere")
) -> dict[str, Finding]:
    async def work() -> dict[str, Finding]:
        checks = SoundChecks(config, daemon or Told(), muted, cards).checks
        return {result.name: result.finding async for result in work_through(checks, fix=False)}

    return run_virtual(work)


Opening = Callable[[FakeMicrophone | DeviceError], None]


@pytest.fixture
def opening(monkeypatch: pytest.MonkeyPatch) -> Opening:
    """What comes of opening the microphone; of the speaker, one that is there, or the same error."""

    def prepare(what: FakeMicrophone | DeviceError) -> None:
        async def microphone(*_: object) -> FakeMicrophone:
            if isinstance(what, DeviceError):
                raise what
            return what

        async def speaker(*_: object) -> NullSpeaker:
            if isinstance(what, DeviceError):
                raise what
            return NullSpeaker(anyio.current_time)

        monkeypatch.setattr("voxspark.doctor.sound.open_microphone", microphone)
        monkeypatch.setattr("voxspark.doctor.sound.open_speaker", speaker)

    return prepare


# ── without a daemon ────────────────────────────────────────────────────────────────────────────


def test_a_microphone_that_hears(opening: Opening) -> None:
    microphone = FakeMicrophone(noise(328))
    opening(microphone)
    all_found = found(named("default"))
    assert all_found["microphone"] == Finding("ok", "Fake, 48000 Hz, level -40 dBFS, floor -40 dBFS")
    assert all_found["speaker"] == Finding("ok", "null, can be opened")
    assert microphone.closed


@pytest.mark.parametrize(
    ("samples", "words"),
    [(noise(0), "gives only silence"), (noise(32_767), "what it hears is cut off"), (None, "gives nothing")],
)
def test_a_microphone_that_hears_nothing_of_use(opening: Opening, samples: Pcm16 | None, words: str) -> None:
    microphone = FakeMicrophone(samples)
    opening(microphone)
    told = found(named("default"))["microphone"]
    assert (told.state, words in told.detail, bool(told.remedy)) == ("problem", True, True)
    assert microphone.closed


@pytest.mark.parametrize(("name", "state"), [("default", "problem"), ("USB Headset", "broken")])
def test_devices_that_are_not_there(opening: Opening, name: str, state: str) -> None:
    opening(DeviceError("not-found", "There is none.", "Known: HDMI."))
    all_found = found(named(name))
    assert all_found["microphone"] == all_found["speaker"] == Finding(state, "There is none.", "Known: HDMI.")  # type: ignore[arg-type]


def test_a_muted_microphone_is_not_opened(opening: Opening, tmp_path: Path) -> None:
    opening(DeviceError("opened", "It was opened."))
    told = found(named("default"), muted=tmp_path)["microphone"]
    assert (told.state, told.remedy) == ("problem", "Once it runs: voxspark unmute")


def test_what_is_no_sound_device_is_left_alone(tmp_path: Path) -> None:
    all_found = found(named("null"))
    assert {each.state for each in all_found.values()} == {"ok"}
    answer = tmp_path / "answer.wav"
    missing = found(named(f"file:{answer}"))
    assert (missing["microphone"].state, missing["speaker"].state) == ("broken", "ok")
    assert not answer.exists(), "looking writes nothing"


def test_the_way_of_sound(opening: Opening, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    opening(FakeMicrophone(noise(328)))
    monkeypatch.delenv("PULSE_SERVER", raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    config, cards = named("default"), tmp_path / "snd"
    assert found(config, cards=cards)["sound"].state == "problem"
    cards.mkdir()
    (cards / "pcmC0D0c").touch()
    assert found(config, cards=cards)["sound"].detail.startswith("by ALSA alone")
    monkeypatch.setattr("voxspark.doctor.sound.os.access", lambda *_: False)
    told = found(config, cards=cards)["sound"]
    assert (told.state, "group audio" in told.remedy) == ("problem", True)
    (tmp_path / "pulse").mkdir(exist_ok=True)  # libpulse makes it
    (tmp_path / "pulse" / "native").touch()
    assert found(config, cards=cards)["sound"] == Finding("ok", "by PulseAudio")
    (tmp_path / "pipewire-0").touch()
    assert found(config, cards=cards)["sound"] == Finding("ok", "by PipeWire")


# ── with one ────────────────────────────────────────────────────────────────────────────────────


def told(**microphone: object) -> dict[str, Finding]:
    """What is found with a daemon that says this of the microphone."""
    speaker = {"device": "HDMI, 48000 Hz", "state": "open"}
    return found(named("default"), Told({"microphone": REPORT | microphone, "speaker": speaker, "echo": ECHO}))


def test_what_the_daemon_hears() -> None:
    all_found = told()
    assert all_found["microphone"] == Finding("ok", "USB, 48000 Hz, level -40 dBFS, floor -62 dBFS")
    assert all_found["speaker"] == Finding("ok", "HDMI, 48000 Hz, open")
    assert all_found["echo"].detail == "full duplex, canceller: webrtc, delay 80 ms, loss 31 dB. It is measured."


@pytest.mark.parametrize(
    ("microphone", "words"),
    [
        ({"silent": True}, "only silence"),
        ({"clipped": 0.02}, "cut off"),
        ({"muted": True, "state": "muted", "device": "", "level_dbfs": None}, "muted"),
        ({"state": "lost: It has gone.", "device": "", "level_dbfs": None}, "It has gone."),
    ],
)
def test_what_is_wrong_with_the_daemon_s_microphone(microphone: Mapping[str, object], words: str) -> None:
    finding = told(**microphone)["microphone"]
    assert (finding.state, words in finding.detail, bool(finding.remedy)) == ("problem", True, True)


def test_a_device_that_opens_is_no_problem() -> None:
    assert told(state="opening", device="", level_dbfs=None)["microphone"] == Finding("ok", "opening")


def test_a_daemon_that_hangs_keeps_its_devices() -> None:
    all_found = found(named("default"), Told(ControlError("daemon-hangs", "It hangs.")))
    assert {all_found[name].detail for name in ("microphone", "speaker", "echo")} == {
        "cannot be told while the daemon does not answer"
    }


# ── echo ────────────────────────────────────────────────────────────────────────────────────────


def test_half_duplex_has_a_remedy_unless_it_is_wanted() -> None:
    half = ECHO | {"duplex": "half", "reason": "It is not enough.", "delay_ms": None, "loss_db": None}
    assert judged_echo(half, wanted=True).state == "ok"
    assert judged_echo(half, wanted=False).remedy.startswith("Use headphones")
    assert judged_echo(half | {"canceller": "none"}, wanted=False).remedy == "Run: pip install pywebrtc-audio"


def test_echo_without_a_daemon(opening: Opening, monkeypatch: pytest.MonkeyPatch) -> None:
    opening(FakeMicrophone(noise(328)))
    assert found(named("USB"))["echo"] == Finding("ok", "What it plays is taken out of what it hears.")
    assert "deaf while it speaks" in found(named("USB", echo={"mode": "half"}))["echo"].detail
    assert found(named("Echo-Cancel Source"))["echo"].detail == "the sound server cancels it: Echo-Cancel Source"
    monkeypatch.setitem(sys.modules, "pywebrtc_audio", None)
    missing = found(named("USB"))["echo"]
    assert (missing.state, missing.remedy) == ("problem", "Run: pip install pywebrtc-audio")


# ── a sound card ────────────────────────────────────────────────────────────────────────────────


def examined(card: SoundCard, folder: Path, **env: str) -> dict[str, tuple[str, str, str]]:
    own = {name: value for name, value in private_env(folder).items() if name in ("HOME", "XDG_CONFIG_HOME")}
    command = [*VOXSPARK, "doctor", "--json"]
    done = subprocess.run(command, env=card.env | own | env, capture_output=True, text=True, check=False, timeout=60)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    return {row["check"]: (row["state"], row["detail"], row["remedy"]) for row in rows}


@pytest.mark.real
def test_a_sound_card_is_heard_and_a_wrong_name_gets_the_nearest(tmp_path: Path) -> None:
    with sound_card() as card:
        rows = examined(card, tmp_path, VOXSPARK_DEVICES__SPEAKER="Virtual speeker")
    assert rows["sound"][:2] == ("ok", "by PulseAudio")
    assert (rows["microphone"][0], "only silence" in rows["microphone"][1]) == ("problem", True)
    state, _, remedy = rows["speaker"]
    assert (state, "Known, the nearest first: speaker, " in remedy) == ("broken", True), remedy
