"""From the settings to devices."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

from anyio.lowlevel import checkpoint

from voxspark.config_listening import DeviceSettings
from voxspark.devices.file import FileMicrophone, FileSpeaker
from voxspark.devices.null import NullMicrophone, NullSpeaker
from voxspark.devices.portaudio import PortAudioMicrophone, PortAudioSpeaker
from voxspark.devices.retry import OpenMicrophone, OpenSpeaker
from voxspark.devices.sound_host import DeviceInfo, list_devices, sound_host
from voxspark.protocols import Clock

__all__ = ["DeviceInfo", "list_devices", "open_microphone", "open_speaker"]


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


async def open_speaker(settings: DeviceSettings, clock: Clock) -> OpenSpeaker:
    """The speaker of the settings, ready to play. Raises DeviceError."""
    name = settings.speaker.strip() or "default"
    if name == "null":
        return NullSpeaker(clock, settings.queue_seconds)
    if (path := _file(name)) is not None:
        return FileSpeaker(path, clock, settings.queue_seconds)
    speaker = PortAudioSpeaker(name, clock, settings.queue_seconds, sound_host())
    await speaker.open()
    return speaker


def _file(name: str) -> Path | None:
    scheme, colon, path = name.partition(":")
    return Path(path).expanduser() if colon and scheme == "file" else None
