"""From the settings to devices."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

from anyio.lowlevel import checkpoint

from voxspark.config_listening import DeviceSettings
from voxspark.devices.file import FileMicrophone, FileSpeaker
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
