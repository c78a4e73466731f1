"""A room with a virtual sound card: somebody speaks, a daemon answers, and an ear writes down what was heard.

with sound_card() as card, running_daemon({**env, **on_card(card)}) as daemon:
    room = VoiceRoom(card, daemon, ears, tmp_path)
    assert "204" in room.say("How many eggs are in my boxes?").heard
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.agent_proofs import speech, words_in
from tests.daemon_process import DaemonProcess
from tests.sound_card import RATE_HZ, Recording, SoundCard
from voxspark import audio
from voxspark.engines.stt.faster_whisper import WhisperTranscriber

ANSWER_SECONDS = 40.0


def on_card(card: SoundCard) -> dict[str, str]:
    """The variables of a daemon whose microphone and speaker are the card's."""
    devices = {"VOXSPARK_DEVICES__MICROPHONE": "default", "VOXSPARK_DEVICES__SPEAKER": "default"}
    names = ("PULSE_SERVER", "PULSE_COOKIE", "ALSA_CONFIG_PATH", "VOXSPARK_ECHO__SELFTEST")
    return devices | {name: card.env[name] for name in names}


@dataclass(frozen=True)
class Exchange:
    """Something that was said, and what came back."""

    ended: dict[str, Any]
    """The event of the turn's end."""
    heard: str
    """What came out of the speaker meanwhile, in Whisper's words, lower case."""
    events: list[dict[str, Any]]
    """From the first word to the last."""

    def of(self, name: str) -> list[dict[str, Any]]:
        """Its events of one name."""
        return [event for event in self.events if event["event"] == name]


@dataclass(frozen=True)
class VoiceRoom:
    """Who is in it, and where things are put."""

    card: SoundCard
    daemon: DaemonProcess
    ears: WhisperTranscriber
    folder: Path

    def say(self, text: str, meanwhile: Callable[[], object] = lambda: None) -> Exchange:
        """Say something, do something when it has been said, and hear the answer."""
        before = len(self.daemon.events)
        with self._listening() as words:
            self.card.play_into_microphone(speech(self.folder / "said.wav", text))
            meanwhile()
            ended = self.daemon.wait_until(_was_heard, "end of a turn that was heard", ANSWER_SECONDS, before)
        return Exchange(ended, words(), self.daemon.events[before:])

    def hear(self, sentence: str) -> str:
        """What is heard until the end of a reply with this sentence; the daemon may say it by itself."""
        with self._listening() as words:
            reply = self.daemon.wait_until(
                lambda event: event["event"] == "reply" and sentence in event["text"], sentence, ANSWER_SECONDS
            )
            self.daemon.wait_for("turn_ended", turn=reply["turn"])
        return words()

    @contextmanager
    def _listening(self) -> Iterator[Callable[[], str]]:
        """Record the speaker meanwhile; what it gives tells afterwards what was said."""
        recorder, recordings = self.card.start_recording(), list[Recording]()
        try:
            yield lambda: words_in(self.ears, audio.to_float(recordings[0].samples), RATE_HZ)
        finally:
            recordings.append(recorder.stop())


def _was_heard(event: dict[str, Any]) -> bool:
    return event["event"] == "turn_ended" and event["outcome"] in ("answered", "failed")
