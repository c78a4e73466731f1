"""A media player on a private D-Bus, as MPRIS describes one."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dbus_fast import Message, MessageType, Variant
from dbus_fast.aio import MessageBus


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
