"""Media players on a private D-Bus: one written by hand, as MPRIS describes it, and mpv, a real one."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anyio
from dbus_fast import Message, MessageType, Variant
from dbus_fast.aio import MessageBus
from dbus_fast.unpack import unpack_variants

MPV_MPRIS = "/usr/lib/mpv-mpris/mpris.so"
"""Of the Debian package mpv-mpris."""
READY_SECONDS = 20.0


@contextmanager
def session_bus() -> Iterator[str]:
    """The address of a running bus of one's own."""
    folder = Path(tempfile.mkdtemp(prefix="voxspark-bus-"))
    command = ["dbus-daemon", "--session", "--nofork", "--print-address", f"--address=unix:path={folder}/bus"]
    daemon = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert daemon.stdout is not None
    try:
        yield daemon.stdout.readline().strip()
    finally:
        daemon.terminate()
        daemon.wait()
        daemon.stdout.close()
        shutil.rmtree(folder, ignore_errors=True)


class FakePlayer:
    """Answers GetAll and remembers the other calls."""

    def __init__(self, name: str, **properties: Variant) -> None:
        self.name = name
        self.identity = name.title()
        self.properties = {"PlaybackStatus": Variant("s", "Paused"), **properties}
        self.calls: list[str] = []
        self.is_silent = False
        self._bus: Any = None

    async def start(self, address: str) -> FakePlayer:
        """Appear on the bus."""
        self._bus = await MessageBus(bus_address=address).connect()
        self._bus.add_message_handler(self._answer)
        await self._bus.request_name(f"org.mpris.MediaPlayer2.{self.name}")
        return self

    def stop(self) -> None:
        """Leave the bus."""
        self._bus.disconnect()

    def _answer(self, message: Message) -> Message | bool | None:
        if message.message_type is not MessageType.METHOD_CALL or message.path != "/org/mpris/MediaPlayer2":
            return None
        if self.is_silent:
            return True
        if message.member == "GetAll":
            is_root = message.body == ["org.mpris.MediaPlayer2"]
            body: dict[str, Variant] = {"Identity": Variant("s", self.identity)} if is_root else self.properties
            return Message.new_method_return(message, "a{sv}", [body])
        self.calls.append(str(message.member))
        if message.member in ("Play", "Pause"):
            self.properties["PlaybackStatus"] = Variant("s", "Playing" if message.member == "Play" else "Paused")
        return Message.new_method_return(message)


def track(title: str, *artists: str) -> Variant:
    """The property Metadata."""
    return Variant("a{sv}", {"xesam:title": Variant("s", title), "xesam:artist": Variant("as", list(artists))})


class Mpv:
    """What a running mpv says of itself over D-Bus."""

    def __init__(self, address: str) -> None:
        self._address = address

    @property
    def status(self) -> str:
        """Playing, Paused or Stopped; empty while it is not there."""
        return str(self._properties().get("PlaybackStatus", ""))

    @property
    def title(self) -> str:
        """Of the track: the name of its file."""
        return str(self._properties().get("Metadata", {}).get("xesam:title", ""))

    def until(self, status: str, title: str) -> None:
        """Wait until it is so."""
        end = time.monotonic() + READY_SECONDS
        while (now := (self.status, self.title)) != (status, title):
            assert time.monotonic() < end, f"mpv stays {now}"

    def _properties(self) -> dict[str, Any]:
        return anyio.run(self._ask)

    async def _ask(self) -> dict[str, Any]:
        bus = await MessageBus(bus_address=self._address).connect()
        try:
            reply = await bus.call(
                Message(
                    destination="org.mpris.MediaPlayer2.mpv",
                    path="/org/mpris/MediaPlayer2",
                    interface="org.freedesktop.DBus.Properties",
                    member="GetAll",
                    signature="s",
                    body=["org.mpris.MediaPlayer2.Player"],
                )
            )
        finally:
            bus.disconnect()
        return unpack_variants(reply.body[0]) if reply and reply.message_type is MessageType.METHOD_RETURN else {}


@contextmanager
def mpv_playing(files: Sequence[Path], env: Mapping[str, str], address: str) -> Iterator[Mpv]:
    """A running player with a playlist; `env` is a sound card's."""
    options = ["--no-config", "--no-terminal", "--no-video", "--ao=pulse", "--loop-playlist", f"--script={MPV_MPRIS}"]
    program = subprocess.Popen(["mpv", *options, *map(str, files)], env={**env, "DBUS_SESSION_BUS_ADDRESS": address})
    try:
        player = Mpv(address)
        player.until("Playing", files[0].name)
        yield player
    finally:
        program.terminate()
        program.wait()
