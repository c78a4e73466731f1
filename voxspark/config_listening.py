"""Settings of what is heard and when: devices, endpointing, patience, barge-in, echo, hotkey."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator, model_validator

from voxspark.config_tools import Settings
from voxspark.shortcuts import parse_shortcut


class DeviceSettings(Settings):
    """Where sound comes from and goes to."""

    microphone: str = "default"
    """`default`, part of a device name, `file:PATH` (a WAV), or `null`."""
    speaker: str = "default"
    """`default`, part of a device name, `file:PATH` (a WAV is written), or `null`."""
    fast: bool = False
    """Feed `file:` microphones as fast as they are read instead of in real time."""
    queue_seconds: float = Field(0.2, gt=0.02, le=1.0)
    """Audio queued ahead of the sound card: what is still heard after a stop."""


class ListeningSettings(Settings):
    """When an utterance begins and ends, in seconds of audio."""

    mode: Literal["open", "push_to_talk", "wake"] = "open"
    """`open` hears everything, `push_to_talk` only while pressed, `wake` after the wake word."""
    wake_words: tuple[Literal["hey_jarvis", "okay_nabu", "alexa", "hey_mycroft"], ...] = ("hey_jarvis",)
    """Names it answers to in `wake` mode."""
    follow_up_seconds: float = Field(8.0, ge=0)
    """In `wake` mode: how long after a reply (or the word) it listens without the word."""
    speech_threshold: float = Field(0.5, gt=0, lt=1)
    """Silero probability at which a chunk is voiced; 0.15 below it, voicing ends."""
    start_seconds: float = Field(0.096, gt=0)
    """Voiced audio before it counts as speech."""
    min_speech_seconds: float = Field(0.16, ge=0)
    """Utterances with less voiced audio are dropped."""
    pre_roll_seconds: float = Field(0.3, ge=0)
    """Audio kept from before the first voiced sample."""
    early_silence_seconds: float = Field(0.096, gt=0)
    """Silence after which a turn starts speculatively; speech hardly ever has such gaps inside a phrase."""
    hangover_seconds: float = Field(2.0, gt=0)
    """Silence after which the utterance is closed whatever it sounds like."""
    max_utterance_seconds: float = Field(60.0, gt=1)
    """Longer speech is cut here and answered."""


class PatienceSettings(Settings):
    """Silence before a turn is confirmed, by how finished the utterance sounds and reads."""

    sure_seconds: float = Field(0.32, gt=0)
    """The transcript is closed and the end-of-turn model is sure."""
    doubtful_seconds: float = Field(0.64, gt=0)
    """One of the two judges hesitates. Voice detection notices the end some 70 ms late: about 0.7 s in all."""
    open_seconds: float = Field(1.6, gt=0)
    """The transcript is open: "set a timer for"."""
    sure_probability: float = Field(0.8, gt=0, lt=1)
    """End-of-turn probability from which the model counts as sure."""
    end_of_turn: Literal["auto", "smart_turn", "none"] = "auto"
    """The model that listens for the end; `auto` takes Smart Turn when it is installed."""

    @model_validator(mode="after")
    def _in_order(self) -> PatienceSettings:
        if not self.sure_seconds <= self.doubtful_seconds <= self.open_seconds:
            raise ValueError("sure_seconds, doubtful_seconds and open_seconds must not decrease")
        return self


class BargeInThinkingSettings(Settings):
    """What happens when somebody speaks before anything of the reply is heard: mostly it is more of the question."""

    resume_seconds: float = Field(0.16, gt=0)
    """Voiced speech after which a question that goes on is answered anew, with all that was said."""
    interrupt_seconds: float = Field(0.16, gt=0)
    """As in [barge_in], for speech that begins after the question was closed."""
    unclear_seconds: float = Field(0.3, gt=0)
    """As in [barge_in]."""
    longest_seconds: float = Field(1.0, gt=0)
    """As in [barge_in]."""


class BargeInSettings(Settings):
    """What happens when somebody speaks during a reply."""

    enabled: bool = True
    """Off: only the hotkey, the socket and the wake word interrupt; it is deaf while it speaks, as with
    `echo.mode = "half"`."""
    duck_gain: float = Field(0.25, ge=0, le=1)
    """Volume of the reply while it is not yet clear whether somebody interrupts."""
    interrupt_seconds: float = Field(0.22, gt=0)
    """Voiced speech after which its words so far are looked at: other words than "mm-hm" and "yeah, right" stop the
    reply. The later the surer."""
    unclear_seconds: float = Field(0.42, gt=0)
    """Voiced sound without clear words after which the reply is stopped if it moves like speech, once the first look
    found no nod; a hum, a cough and a laugh do not."""
    longest_seconds: float = Field(2.0, gt=0)
    """Voiced sound without a pause after which the reply is stopped whatever it is."""
    thinking: BargeInThinkingSettings = BargeInThinkingSettings()
    """[barge_in.thinking]"""


class EchoSettings(Settings):
    """The acoustic echo canceller: what is played is taken out of what is heard."""

    mode: Literal["auto", "full", "half", "off"] = "auto"
    """`auto` cancels, and is deaf while it speaks where that is not enough; `full` cancels and always listens; `half`
    is deaf while it speaks; `off` leaves the microphone as it is and always listens (headphones)."""
    selftest: bool = True
    """With `auto`: play a short chime at the start and on a new device, to measure what the microphone hears of it."""


class HotkeySettings(Settings):
    """The push-to-talk key."""

    engine: Literal["auto", "x11", "evdev", "portal", "none"] = "auto"
    """How keys are seen: `auto` takes what suits the desktop. No key is taken while `key` is empty."""
    key: str = ""
    """Such as `ctrl+alt+space`, `pause`, `f13` or `rightctrl`; empty for none."""
    mode: Literal["hold", "toggle"] = "hold"
    """`hold` listens while the key is down, `toggle` from one press to the next."""
    mute_key: str = ""
    """Another one, that mutes the microphone and opens it again."""

    @field_validator("key", "mute_key")
    @classmethod
    def _known(cls, value: str) -> str:
        return str(parse_shortcut(value)) if value.strip() else ""

    @model_validator(mode="after")
    def _different(self) -> HotkeySettings:
        if self.key and self.key == self.mute_key:
            raise ValueError("key and mute_key are the same")
        return self
