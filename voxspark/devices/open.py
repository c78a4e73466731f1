"""From the settings to devices."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path

import anyio.to_thread
from anyio.lowlevel import checkpoint

from voxspark.config_listening import DeviceSettings
from voxspark.devices.file import FileMicrophone, FileSpeaker
from voxspark.devices.next_microphone import Open, default_is_muted, real_microphones
from voxspark.devices.null import NullMicrophone, NullSpeaker
from voxspark.devices.playback import Tap
from voxspark.devices.portaudio import PortAudioMicrophone, PortAudioSpeaker
from voxspark.devices.retry import OpenMicrophone, OpenSpeaker
from voxspark.devices.sound_host import DeviceInfo, list_devices, sound_host
from voxspark.protocols import Clock

__all__ = ["DeviceInfo", "between_sound_cards", "list_devices", "open_microphone", "open_speaker"]


async def open_microphone(
    settings: DeviceSettings, clock: Clock, hold: Callable[[], Awaitable[None]] = checkpoint
) -> OpenMicrophone:
    """The microphone of the settings, capturing. `hold` paces a `fast` file. Raises DeviceError."""
    name = settings.microphone.strip() or "default"
    if name == "null":
        return NullMicrophone(clock)
    if (path := _file(name)) is not None:
        return FileMicrophone(path, clock, settings.fast, hold)
    microphone = PortAudioMicrophone(name, clock, sound_host())
    await microphone.open()
    return microphone


async def other_microphones(settings: DeviceSettings, clock: Clock) -> Sequence[Open]:
    """What may be heard in place of a default microphone that gives nothing. Raises DeviceError.

    Nothing where the settings name a microphone, nor while the default one is muted in the desktop.
    """
    if settings.microphone.strip() not in ("", "default") or await anyio.to_thread.run_sync(default_is_muted):
        return ()
    known = [
        device.name for device in await sound_host().devices() if device.kind == "microphone" and not device.default
    ]
    others = [settings.model_copy(update={"microphone": name}) for name in real_microphones(known)]
    return [partial(open_microphone, other, clock) for other in others]


def between_sound_cards(settings: DeviceSettings) -> bool:
    """Whether the microphone may hear the speaker: both are devices."""
    names = (settings.microphone.strip(), settings.speaker.strip())
    return not any(name == "null" or _file(name) is not None for name in names)


async def open_speaker(settings: DeviceSettings, clock: Clock, tap: Tap | None = None) -> OpenSpeaker:
    """The speaker of the settings, ready to play; what a sound card plays is handed to `tap`. Raises DeviceError."""
    name = settings.speaker.strip() or "default"
    if name == "null":
        return NullSpeaker(clock, settings.queue_seconds)
    if (path := _file(name)) is not None:
        return FileSpeaker(path, clock, settings.queue_seconds)
    speaker = PortAudioSpeaker(name, clock, settings.queue_seconds, sound_host(), tap)
    await speaker.open()
    return speaker


def _file(name: str) -> Path | None:
    scheme, colon, path = name.partition(":")
    return Path(path).expanduser() if colon and scheme == "file" else None
