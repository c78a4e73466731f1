"""Device code in a process of its own: `python -m tests.device_process TASK …` prints one JSON object a line.

PortAudio reads the environment once, so tests with a virtual sound card cannot share the process of pytest.
"""

from __future__ import annotations

import dataclasses
import json
import sys
from functools import partial
from pathlib import Path

import anyio
import numpy as np

from voxspark.audio import to_float, tone, wav_bytes
from voxspark.config_listening import DeviceSettings
from voxspark.devices.open import list_devices, open_microphone, open_speaker
from voxspark.devices.retry import ReliableMicrophone, ReliableSpeaker
from voxspark.errors import DeviceError
from voxspark.events import Event
from voxspark.types import Clip


def say(**facts: object) -> None:
    print(json.dumps(facts), flush=True)  # noqa: T201


def show(event: Event) -> None:
    say(**event.to_json())


async def devices() -> None:
    for device in list_devices():
        say(**dataclasses.asdict(device))


async def capture(name: str, seconds: float, path: str) -> None:
    """Record into a WAV file."""
    microphone = await open_microphone(DeviceSettings(microphone=name), anyio.current_time)
    say(opened=microphone.description)
    chunks = []
    async for chunk in microphone.chunks():
        late = anyio.current_time() - chunk.at
        chunks.append((chunk, late))
        if len(chunks) == 1:
            say(first=late)
        if chunk.at - chunks[0][0].at > seconds:
            break
    Path(path).write_bytes(wav_bytes(to_float(np.concatenate([c.samples for c, _ in chunks])), 16_000))
    late_by = [late for _, late in chunks]
    steps = np.diff([c.at for c, _ in chunks])
    say(dropped=microphone.dropped_seconds, longest_step=max(steps), shortest_step=min(steps), late=np.median(late_by))


async def stall(name: str, seconds: float) -> None:
    """Do not read for a while; then say how the time goes on."""
    microphone = await open_microphone(DeviceSettings(microphone=name), anyio.current_time)
    at: list[float] = []
    async for chunk in microphone.chunks():
        at.append(chunk.at)
        if len(at) == 30:
            await anyio.sleep(seconds)
        if len(at) == 200:
            break
    say(dropped=microphone.dropped_seconds, longest_step=max(np.diff(at)), late=anyio.current_time() - at[-1])


async def speak(name: str, seconds: float, stop_after: float, duck: float) -> None:
    """Play a tone; stop it after so long, when that is not 0."""
    speaker = await open_speaker(DeviceSettings(speaker=name), anyio.current_time)
    clip = Clip(tone(440, seconds, 24_000, -12), 24_000, "tone")
    await anyio.sleep(0.3)
    speaker.begin()
    speaker.duck(duck)
    asked_at = anyio.current_time()
    with anyio.move_on_after(stop_after or 60):
        await speaker.play(clip)
        await speaker.drain()
    drained_at, heard = anyio.current_time(), speaker.stop()
    say(asked_at=asked_at, drained_at=drained_at, heard=heard, audible=speaker.audible_since)
    await anyio.sleep(0.5)
    speaker.begin()
    say(again=speaker.stop(), audible_again=speaker.audible_since)
    speaker.close()


async def fail(microphone: str, speaker: str) -> None:
    """Say what opening them raises."""
    settings = DeviceSettings(microphone=microphone, speaker=speaker)
    for kind, opening in (
        ("microphone", partial(open_microphone, settings, anyio.current_time)),
        ("speaker", partial(open_speaker, settings, anyio.current_time)),
    ):
        try:
            await opening()
        except DeviceError as error:
            say(kind=kind, code=error.code, message=error.message, remedy=error.remedy)


async def survive() -> None:
    """Listen and speak for ever, telling every event; a reply every 0.5 s."""
    settings = DeviceSettings()
    microphone = ReliableMicrophone(lambda: open_microphone(settings, anyio.current_time), show, anyio.current_time)
    speaker = ReliableSpeaker(lambda: open_speaker(settings, anyio.current_time), show, anyio.current_time)

    async def listen() -> None:
        count = 0
        async for _ in microphone.chunks():
            count += 1
            if count % 50 == 0:
                say(chunks=count)

    async def reply() -> None:
        while True:
            speaker.begin()
            try:
                await speaker.play(Clip(tone(440, 0.3, 24_000), 24_000, "tone"))
                await speaker.drain()
                say(played=speaker.stop())
            except DeviceError as error:
                say(refused=error.code)
            await anyio.sleep(0.5)

    async with anyio.create_task_group() as group:
        await group.start(speaker.run)
        group.start_soon(listen)
        group.start_soon(reply)


async def mute(seconds: float) -> None:
    """Listen, be muted for so long, and listen again, telling every event."""
    microphone = ReliableMicrophone(
        lambda: open_microphone(DeviceSettings(), anyio.current_time), show, anyio.current_time
    )

    async def unmute() -> None:
        await anyio.sleep(seconds)
        microphone.mute(False)

    count = 0
    async with anyio.create_task_group() as group:
        async for _ in microphone.chunks():
            count += 1
            if count == 10:
                microphone.mute(True)
                group.start_soon(unmute)
            if count == 20:
                break
    say(chunks=count)


TASKS = {task.__name__: task for task in (devices, capture, stall, speak, fail, survive, mute)}

if __name__ == "__main__":
    words = [float(word) if word.replace(".", "", 1).isdigit() else word for word in sys.argv[2:]]
    anyio.run(TASKS[sys.argv[1]], *words)  # type: ignore[arg-type]
