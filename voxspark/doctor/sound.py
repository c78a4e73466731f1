"""The way of sound: what plays it here, the microphone, the speaker, and what one hears of the other."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import aclosing
from functools import partial
from pathlib import Path
from typing import Any, Literal

import anyio
import anyio.to_thread

from voxspark.config import Config
from voxspark.devices.echo.duplex import outlook
from voxspark.devices.echo.system import system_canceller
from voxspark.devices.level import CLIP_SHARE, SILENCE_DBFS, LevelMeter, cut_off, only_silence
from voxspark.devices.open import between_sound_cards, open_microphone, open_speaker
from voxspark.devices.presence import sound_server
from voxspark.devices.retry import OpenMicrophone
from voxspark.devices.sound_host import sound_host
from voxspark.doctor.check import Check, Finding
from voxspark.doctor.running import HANGS, Daemon
from voxspark.errors import ControlError, DeviceError
from voxspark.types import CHUNK_SECONDS

LISTEN_SECONDS = 0.5

SILENT_SECONDS = 2.0
"""Some devices begin with zeros: one that gives no others for so long is silent."""

WAIT_SECONDS = 3.0
"""For the first sound of a device that is open."""

HALF = "Use headphones, or put the microphone farther from the speaker."

MUTED = "muted, and so closed"

Kind = Literal["microphone", "speaker"]


class SoundChecks:
    """From the settings, and from the daemon where it runs: it has the devices then."""

    def __init__(self, config: Config, daemon: Daemon, muted: Path, cards: Path = Path("/dev/snd")) -> None:
        """`muted` is there while the microphone is to be closed; `cards`: the kernel's sound devices."""
        self._config = config
        self._daemon = daemon
        self._muted = muted
        self._cards = cards

    @property
    def checks(self) -> list[Check]:
        """From the ground up."""
        return [
            Check("sound", partial(anyio.to_thread.run_sync, self._sound)),
            Check("microphone", self._microphone),
            Check("speaker", self._speaker),
            Check("echo", self._echo),
        ]

    # ── what there is to play and record with ───────────────────────────────────────────────────

    def _sound(self) -> Finding:
        if not (_is_card(self._config.devices.microphone) or _is_card(self._config.devices.speaker)):
            return Finding("ok", "not needed: the configuration names no sound device")
        if server := sound_server():
            return Finding("ok", f"by {server}")
        cards = sorted(self._cards.glob("pcm*"))
        if cards and not any(os.access(card, os.R_OK | os.W_OK) for card in cards):
            remedy = "Join the group audio: sudo usermod -aG audio $USER, then log out and in again."
            return Finding("problem", f"this user may not use {self._cards}, and there is no sound server", remedy)
        if cards:
            return Finding("ok", "by ALSA alone: one program at a time has a sound card")
        return Finding("problem", "there is neither a sound card nor a sound server", "Connect one; typing works.")

    # ── the microphone ──────────────────────────────────────────────────────────────────────────

    async def _microphone(self) -> Finding:
        try:
            status = await self._daemon.status()
        except ControlError:
            return HANGS
        name = self._config.devices.microphone.strip() or "default"
        if status is not None:
            return self._told("microphone", status["microphone"])
        if self._muted.exists():
            return Finding("problem", MUTED, "Once it runs: voxspark unmute")
        try:
            return await self._listened(name)
        except DeviceError as error:
            return _missing(name, error)

    async def _listened(self, name: str) -> Finding:
        """Open the device for a moment. Raises DeviceError."""
        if name == "null":
            return Finding("ok", "null: it hears nothing, as configured")
        microphone = await open_microphone(self._config.devices, anyio.current_time)
        try:
            if not microphone.real:
                return Finding("ok", microphone.description)
            meter = await _heard(microphone)
        finally:
            await microphone.aclose()
        return judged_microphone(microphone.description, meter.level.to_json())

    # ── the speaker ─────────────────────────────────────────────────────────────────────────────

    async def _speaker(self) -> Finding:
        try:
            status = await self._daemon.status()
        except ControlError:
            return HANGS
        name = self._config.devices.speaker.strip() or "default"
        if status is not None:
            return self._told("speaker", status["speaker"])
        if not _is_card(name):
            return Finding("ok", "null: nothing is heard, as configured" if name == "null" else name)
        try:
            speaker = await open_speaker(self._config.devices, anyio.current_time)
        except DeviceError as error:
            return _missing(name, error)
        speaker.close()
        await sound_host().settled()
        return Finding("ok", f"{speaker.description}, can be opened")

    def _told(self, kind: Kind, report: Mapping[str, Any]) -> Finding:
        """What the daemon says of a device."""
        state = str(report["state"])
        if report.get("muted"):
            return Finding("problem", MUTED, "Run: voxspark unmute")
        if state.startswith("lost"):
            name = getattr(self._config.devices, kind).strip() or "default"
            message, remedy = state.removeprefix("lost: "), f"Connect it, or set devices.{kind}: voxspark devices"
            return _missing(name, DeviceError(f"{kind}-lost", message, remedy))
        if report.get("level_dbfs") is None or report["device"] == "null":
            return Finding("ok", ", ".join(filter(None, (report["device"], state))))
        return judged_microphone(report["device"], report)

    # ── what one hears of the other ─────────────────────────────────────────────────────────────

    async def _echo(self) -> Finding:
        settings, devices = self._config.echo, self._config.devices
        try:
            status = await self._daemon.status()
        except ControlError:
            return HANGS
        if status is not None:
            return judged_echo(status["echo"], wanted=settings.mode == "half" or not self._config.barge_in.enabled)
        if not between_sound_cards(devices):
            return Finding("ok", "not needed: microphone and speaker are not both sound devices")
        if settings.mode == "auto" and (canceller := await system_canceller(devices.microphone.strip() or "default")):
            return Finding("ok", f"the sound server cancels it: {canceller}")
        works, told, remedy = outlook(settings)
        return Finding("ok" if works else "problem", told, remedy)


async def _heard(microphone: OpenMicrophone) -> LevelMeter:
    """Half a second of it, more where it only gives zeros. Raises DeviceError, also when nothing comes."""
    meter, seconds = LevelMeter(), 0.0
    with anyio.move_on_after(WAIT_SECONDS + SILENT_SECONDS):
        async with aclosing(microphone.chunks()) as chunks:
            async for chunk in chunks:
                meter.feed(chunk.samples)
                seconds += CHUNK_SECONDS
                if seconds >= (SILENT_SECONDS if meter.level.peak_dbfs <= SILENCE_DBFS else LISTEN_SECONDS):
                    break
    if not seconds:
        raise DeviceError(
            "microphone-no-sound",
            f"The microphone {microphone.description} gives nothing.",
            "Pull it out and put it back, or start the sound server again.",
        )
    return meter


def judged_microphone(device: str, report: Mapping[str, Any]) -> Finding:
    """By its level, as `status` and the meter tell it."""
    told = f"{device}, level {report['level_dbfs']:.0f} dBFS, floor {report['floor_dbfs']:.0f} dBFS"
    if report.get("silent") or report["peak_dbfs"] <= SILENCE_DBFS:
        return Finding("problem", f"{device}: {only_silence().message}", only_silence().remedy)
    if report["clipped"] > CLIP_SHARE:
        return Finding("problem", f"{told}: {cut_off().message}", cut_off().remedy)
    return Finding("ok", told)


def judged_echo(state: Mapping[str, Any], *, wanted: bool) -> Finding:
    """By what the daemon has measured; `wanted`: the settings make it deaf while it speaks."""
    told = f"{state['duplex']} duplex, canceller: {state['canceller']}"
    if state.get("delay_ms") is not None:
        told = f"{told}, delay {state['delay_ms']} ms"
    if state.get("loss_db") is not None:
        told = f"{told}, loss {state['loss_db']:.0f} dB"
    told = f"{told}. {state['reason']}"
    if state["duplex"] == "full" or wanted:
        return Finding("ok", told)
    return Finding("problem", told, HALF if state["canceller"] != "none" else "Run: pip install pywebrtc-audio")


def _missing(name: str, error: DeviceError) -> Finding:
    """What is named must be there; without a default, typing still works."""
    return Finding("problem" if name == "default" else "broken", error.message, error.remedy)


def _is_card(name: str) -> bool:
    return name.strip() != "null" and not name.strip().startswith("file:")
