"""A desktop portal on a private D-Bus: it answers requests for a screenshot, or for a keyboard, as it is told."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, Self

from dbus_fast import Message, MessageType, Variant
from dbus_fast.aio import MessageBus

PATH = "/org/freedesktop/portal/desktop"


class OnTheBus(ABC):
    """Something that answers under a name."""

    _bus: Any = None
    name = "org.freedesktop.portal.Desktop"

    async def start(self, address: str) -> Self:
        """Appear on the bus."""
        self._bus = await MessageBus(bus_address=address).connect()
        self._bus.add_message_handler(self._answer)
        await self._bus.request_name(self.name)
        return self

    def stop(self) -> None:
        """Leave the bus."""
        self._bus.disconnect()

    @abstractmethod
    def _answer(self, message: Message) -> Message | bool | None: ...


def request_path(message: Message, token: str) -> str:
    """Where the answer to a request is waited for."""
    assert message.sender
    return f"{PATH}/request/{message.sender.removeprefix(':').replace('.', '_')}/{token}"


class FakePortal(OnTheBus):
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

    def _answer(self, message: Message) -> Message | bool | None:
        if message.message_type is not MessageType.METHOD_CALL or message.member != "Screenshot":
            return None
        assert message.path == PATH
        assert message.signature == "sa{sv}"
        options = message.body[1]
        self.asked.append({key: option.value for key, option in options.items()})
        path = request_path(message, "another" if self.old else options["handle_token"].value)
        reply = Message.new_method_return(message, "o", [path])
        signals = [] if self.response is None else [self._signal(f"{path}x", 1), self._signal(path, self.response)]
        for each in [*signals, reply] if self.early else [reply, *signals]:
            self._bus.send(each)
        return True

    def _signal(self, path: str, response: int) -> Message:
        interface = "org.freedesktop.portal.Request"
        return Message.new_signal(path, interface, "Response", "ua{sv}", [response, self.results])


class FakeRemoteDesktop(OnTheBus):
    """A portal that lends a keyboard; `typed` is what was struck on it.

    `responses` are the answers to CreateSession, SelectDevices and Start; None never comes. `devices`: what is lent.
    """

    def __init__(self, *responses: int | None, devices: int = 1, broken: bool = False) -> None:
        self.responses = [*responses, 0, 0, 0][:3]
        self.devices = devices
        self.broken = broken
        """It refuses every key."""
        self.keys: list[tuple[int, int]] = []
        """(keysym, 1 pressed or 0 released)"""
        self.asked: list[dict[str, Any]] = []
        """Options of SelectDevices."""

    @property
    def typed(self) -> str:
        """The characters, each pressed and released."""
        assert [state for _, state in self.keys] == [1, 0] * (len(self.keys) // 2)
        assert self.keys[::2] == [(symbol, 1) for symbol, _ in self.keys[1::2]]
        return "".join(chr(symbol & 0xFFFFFF) for symbol, _ in self.keys[::2])

    def _answer(self, message: Message) -> Message | bool | None:
        if message.interface != "org.freedesktop.portal.RemoteDesktop":
            return None
        assert message.path == PATH
        session = f"{PATH}/session/one"
        match message.member, message.signature, message.body:
            case "CreateSession", "a{sv}", [options]:
                assert options["session_handle_token"].value
                return self._respond(message, options, 0, {"session_handle": Variant("s", session)})
            case "SelectDevices", "oa{sv}", [given, options] if given == session:
                self.asked.append({key: option.value for key, option in options.items()})
                return self._respond(message, options, 1, {})
            case "Start", "osa{sv}", [given, "", options] if given == session:
                results = {"devices": Variant("u", self.devices), "restore_token": Variant("s", "again")}
                return self._respond(message, options, 2, results)
            case "NotifyKeyboardKeysym", "oa{sv}iu", [given, {}, symbol, state] if given == session:
                if self.broken:
                    return Message.new_error(message, "org.freedesktop.DBus.Error.AccessDenied", "no")
                self.keys.append((symbol, state))
                return Message.new_method_return(message)
        raise AssertionError(message.member)

    def _respond(self, message: Message, options: dict[str, Any], step: int, results: dict[str, Variant]) -> bool:
        path = request_path(message, options["handle_token"].value)
        self._bus.send(Message.new_method_return(message, "o", [path]))
        if (response := self.responses[step]) is not None:
            body = [response, results]
            self._bus.send(Message.new_signal(path, "org.freedesktop.portal.Request", "Response", "ua{sv}", body))
        return True


class FakeManager(OnTheBus):
    """The user's service manager, with an environment block."""

    name = "org.freedesktop.systemd1"

    def __init__(self, *environment: str) -> None:
        self.environment = list(environment)

    def _answer(self, message: Message) -> Message | bool | None:
        if message.message_type is not MessageType.METHOD_CALL or message.path != "/org/freedesktop/systemd1":
            return None
        assert message.body == ["org.freedesktop.systemd1.Manager", "Environment"]
        return Message.new_method_return(message, "v", [Variant("as", self.environment)])


def screenshot_file(folder: Path) -> Path:
    """Where a portal leaves one, with a name as desktops give them."""
    return folder / "Bildschirmfoto vom 12. März.png"
