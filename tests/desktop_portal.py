"""A desktop portal on a private D-Bus: it answers a request for a screenshot as it is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dbus_fast import Message, MessageType, Variant
from dbus_fast.aio import MessageBus

PATH = "/org/freedesktop/portal/desktop"


class FakePortal:
    """`response` is 0 done, 1 refused, 2 failed; None never comes. `early`: it comes before the request's own reply."""

    def __init__(
        self, uri: str | int = "", response: int | None = 0, *, early: bool = False, old: bool = False
    ) -> None:
        self.results = {"uri": Variant("s", uri) if isinstance(uri, str) else Variant("i", uri)} if uri else {}
        self.response = response
        self.early = early
        self.old = old
        """Its requests have paths of its own choice, as before version 0.9."""
        self.asked: list[dict[str, Any]] = []
        self._bus: Any = None

    async def start(self, address: str) -> FakePortal:
        """Appear on the bus."""
        self._bus = await MessageBus(bus_address=address).connect()
        self._bus.add_message_handler(self._answer)
        await self._bus.request_name("org.freedesktop.portal.Desktop")
        return self

    def stop(self) -> None:
        """Leave the bus."""
        self._bus.disconnect()

    def _answer(self, message: Message) -> Message | bool | None:
        if message.message_type is not MessageType.METHOD_CALL or message.member != "Screenshot":
            return None
        assert message.path == PATH
        assert message.signature == "sa{sv}"
        assert message.sender
        options = message.body[1]
        self.asked.append({key: option.value for key, option in options.items()})
        sender = message.sender.removeprefix(":").replace(".", "_")
        token = "another" if self.old else options["handle_token"].value
        path = f"{PATH}/request/{sender}/{token}"
        reply = Message.new_method_return(message, "o", [path])
        signals = [] if self.response is None else [self._signal(f"{path}x", 1), self._signal(path, self.response)]
        for each in [*signals, reply] if self.early else [reply, *signals]:
            self._bus.send(each)
        return True

    def _signal(self, path: str, response: int) -> Message:
        interface = "org.freedesktop.portal.Request"
        return Message.new_signal(path, interface, "Response", "ua{sv}", [response, self.results])


def screenshot_file(folder: Path) -> Path:
    """Where a portal leaves one, with a name as desktops give them."""
    return folder / "Bildschirmfoto vom 12. März.png"
