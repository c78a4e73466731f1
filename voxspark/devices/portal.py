"""The desktop's portal (xdg-desktop-portal) over D-Bus: how a program asks GNOME, KDE and others for what the user has
to allow."""

from __future__ import annotations

import secrets
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from voxspark.errors import DeviceError

PORTAL = "org.freedesktop.portal.Desktop"
PATH = "/org/freedesktop/portal/desktop"
REQUEST = "org.freedesktop.portal.Request"

CALL_SECONDS = 3.0
"""For the portal to take the request: D-Bus may have to start it."""

ANSWER_SECONDS = 30.0
"""For the user to allow it."""

DONE, CANCELLED = 0, 1
"""The first value of the signal Response."""

REFUSALS = ("NotAllowed", "AccessDenied")
"""Errors of a portal that is there, and does not want to."""

SIGNALS_BOUND = 64

ALIVE_SECONDS = 1.0
"""How often the connection is looked at, while there are no signals."""

REMEDY = "Install xdg-desktop-portal with the backend of your desktop."


@asynccontextmanager
async def open_portal(bus_address: str | None = None) -> AsyncIterator[Portal]:
    """The portal on that bus, None for the session's; what it has granted ends with it. Raises DeviceError."""
    try:
        from dbus_fast import AuthError, InvalidAddressError
        from dbus_fast.aio import MessageBus
    except ImportError as error:
        remedy = "Install voxspark[desktop]."
        raise DeviceError("portal-missing", "Talking to the desktop is not installed.", remedy) from error
    try:
        with anyio.fail_after(CALL_SECONDS):
            bus = await MessageBus(bus_address=bus_address).connect()
    except (TimeoutError, OSError, EOFError, AuthError, InvalidAddressError) as error:
        remedy = "Run VoxSpark inside the desktop session."
        raise DeviceError("portal-no-session", "I can't reach the desktop session.", remedy) from error
    portal = Portal(bus)
    try:
        yield portal
    finally:
        portal.close()


class Portal:
    """Calls and requests over one connection."""

    def __init__(self, bus: Any) -> None:
        self._bus = bus
        self._answers: dict[str, list[Any]] = {}
        self._news = anyio.Event()
        self._listens = False
        self._streams: list[MemoryObjectSendStream[Any] | MemoryObjectReceiveStream[Any]] = []

    def close(self) -> None:
        """Leave the bus."""
        self._bus.disconnect()
        for stream in self._streams:
            stream.close()

    async def request(
        self, interface: str, member: str, signature: str, arguments: Sequence[Any], options: Mapping[str, Any]
    ) -> tuple[int, dict[str, Any]]:
        """(response, results), where a user who does not answer has refused.

        `options` (D-Bus variants) are the last argument. Raises DeviceError.
        """
        from dbus_fast import Variant

        await self._listen()
        token = f"voxspark_{secrets.token_hex(8)}"
        # The path of the answer is known beforehand, so that none comes before we listen; old portals choose their own.
        paths = {f"{PATH}/request/{self._bus.unique_name.removeprefix(':').replace('.', '_')}/{token}"}
        body = [*arguments, {**options, "handle_token": Variant("s", token)}]
        paths.update(await self.call(interface, member, signature, body))
        with anyio.move_on_after(ANSWER_SECONDS):
            while not (ours := paths & self._answers.keys()):
                await self._news.wait()
            response, results = self._answers.pop(ours.pop())
            return response, {name: getattr(each, "value", None) for name, each in results.items()}
        return CANCELLED, {}

    async def call(self, interface: str, member: str, signature: str, body: list[Any]) -> list[Any]:
        """What a method of the portal returns. Raises DeviceError."""
        return await self._call(PORTAL, PATH, interface, member, signature, body)

    async def version(self, interface: str) -> int:
        """Of one of its interfaces. Raises DeviceError where it has none such."""
        return int(await self.read(PORTAL, PATH, interface, "version"))

    async def read(self, destination: str, path: str, interface: str, name: str) -> Any:
        """A property of something on the bus. Raises DeviceError."""
        properties = "org.freedesktop.DBus.Properties"
        (value,) = await self._call(destination, path, properties, "Get", "ss", [interface, name])
        return value.value

    async def signals(self, *interfaces: str) -> AsyncIterator[tuple[str, list[Any]]]:
        """(member, body) of its signals from now on; too many at once are dropped.

        The iterator raises DeviceError `portal-gone` when the portal leaves the bus, or the bus ends.
        """
        from dbus_fast import Message, MessageType

        bus = "org.freedesktop.DBus"
        (owner,) = await self._call(bus, "/org/freedesktop/DBus", bus, "GetNameOwner", "s", [PORTAL])
        send, receive = anyio.create_memory_object_stream[tuple[str, list[Any]]](SIGNALS_BOUND)

        def on_message(message: Message) -> None:
            ours = message.sender == owner and message.interface in interfaces
            left = message.sender == bus and message.member == "NameOwnerChanged" and message.body[0] == PORTAL
            if message.message_type is MessageType.SIGNAL and (ours or left):
                with suppress(anyio.WouldBlock):
                    send.send_nowait((str(message.member), list(message.body)))

        self._bus.add_message_handler(on_message)
        rules = [f"type='signal',sender='{PORTAL}',interface='{each}'" for each in interfaces]
        for rule in (*rules, f"type='signal',sender='{bus}',member='NameOwnerChanged',arg0='{PORTAL}'"):
            await self._call(bus, "/org/freedesktop/DBus", bus, "AddMatch", "s", [rule])
        self._streams += [send, receive]
        return self._read(receive)

    async def _read(
        self, received: MemoryObjectReceiveStream[tuple[str, list[Any]]]
    ) -> AsyncGenerator[tuple[str, list[Any]], None]:
        while self._bus.connected:
            signal = None
            with anyio.move_on_after(ALIVE_SECONDS):
                signal = await received.receive()
            if signal is not None and signal[0] == "NameOwnerChanged":
                break
            if signal is not None:
                yield signal
        raise DeviceError("portal-gone", "The desktop has ended its service for programs.", REMEDY)

    async def _listen(self) -> None:
        if self._listens:
            return
        from dbus_fast import Message, MessageType

        def on_message(message: Message) -> None:
            if message.message_type is MessageType.SIGNAL and (message.interface, message.member) == (
                REQUEST,
                "Response",
            ):
                self._answers[str(message.path)] = list(message.body)
                self._news.set()
                self._news = anyio.Event()

        self._bus.add_message_handler(on_message)
        rule = f"type='signal',sender='{PORTAL}',interface='{REQUEST}',member='Response'"
        bus = "org.freedesktop.DBus"
        await self._call(bus, "/org/freedesktop/DBus", bus, "AddMatch", "s", [rule])
        self._listens = True

    async def _call(
        self, destination: str, path: str, interface: str, member: str, signature: str, body: list[Any]
    ) -> list[Any]:
        from dbus_fast import Message, MessageType

        message = Message(
            destination=destination, path=path, interface=interface, member=member, signature=signature, body=body
        )
        try:
            with anyio.fail_after(CALL_SECONDS):
                reply = await self._bus.call(message)
        except (TimeoutError, EOFError, OSError) as error:
            raise DeviceError("portal-silent", "The desktop does not answer.", REMEDY) from error
        what = (body[0] if member == "Get" else interface).rpartition(".")[2]
        if reply is not None and (reply.error_name or "").rpartition(".")[2] in REFUSALS:
            why = ": ".join(map(str, reply.body))
            raise DeviceError("portal-refused", f"The desktop refuses {what}.", f"It says: {why}.")
        if reply is None or reply.message_type is MessageType.ERROR:
            raise DeviceError("portal-without", f"The desktop offers no {what}.", REMEDY)
        return list(reply.body)
