"""A desktop that shows notifications, on a private D-Bus."""

from __future__ import annotations

from typing import Any

from dbus_fast import Message, MessageType
from dbus_fast.aio import MessageBus

from voxspark.tools.desktop.notifications import SERVICE


class FakeDesktop:
    """Answers Notify and remembers what it was given."""

    def __init__(self) -> None:
        self.shown: list[dict[str, Any]] = []
        self.is_silent = False
        self._bus: Any = None

    async def start(self, address: str) -> FakeDesktop:
        """Appear on the bus."""
        self._bus = await MessageBus(bus_address=address).connect()
        self._bus.add_message_handler(self._answer)
        await self._bus.request_name(SERVICE)
        return self

    def stop(self) -> None:
        """Leave the bus."""
        self._bus.disconnect()

    def _answer(self, message: Message) -> Message | bool | None:
        if message.message_type is not MessageType.METHOD_CALL or message.member != "Notify":
            return None
        if self.is_silent:
            return True
        application, _, _, summary, body, _, hints, expires = message.body
        urgency = hints["urgency"].value
        self.shown.append({"from": application, "text": summary, "body": body, "urgency": urgency, "expires": expires})
        return Message.new_method_return(message, "u", [len(self.shown)])
