"""A desktop portal with GlobalShortcuts on a private D-Bus, as xdg-desktop-portal's interface files describe it."""

from __future__ import annotations

from typing import Any

from dbus_fast import Message, MessageType, Variant

from tests.desktop_portal import PATH, OnTheBus, request_path

SHORTCUTS = "org.freedesktop.portal.GlobalShortcuts"
SESSION = "org.freedesktop.portal.Session"
REGISTRY = "org.freedesktop.host.portal.Registry"


class FakeShortcuts(OnTheBus):
    """`responses` are the answers to CreateSession and BindShortcuts: 0 done, 1 refused, 2 failed; None never comes.

    `version` 0: it has no such interface. `registry`: it asks programs who they are, and gives nothing to others.
    `lists`: the answer to BindShortcuts does not tell what is bound, so that one has to ask.
    """

    def __init__(
        self, *responses: int | None, version: int = 1, registry: bool = True, lists: bool = False, gives: int = 9
    ) -> None:
        self.responses = [*responses, 0, 0][:2]
        self.version = version
        self.registry = registry
        self.lists = lists
        self.trigger = "Press something"
        self.gives = gives
        """How many of the shortcuts the user allows."""
        self.registered: str | None = None
        self.bound: list[tuple[str, dict[str, Any]]] = []
        self.sessions: list[str] = []
        self.caller = ""
        """Who has asked for the last session."""

    def activate(self, action: str, session: str | None = None) -> None:
        """The key goes down."""
        self._signal("Activated", action, session)

    def deactivate(self, action: str) -> None:
        """The key comes up."""
        self._signal("Deactivated", action, None)

    def close_session(self) -> None:
        """The user takes the shortcuts away."""
        self._bus.send(Message.new_signal(self.sessions[-1], SESSION, "Closed", "a{sv}", [{}]))

    def _signal(self, member: str, action: str, session: str | None) -> None:
        body = [session or self.sessions[-1], action, 12345, {}]
        self._bus.send(Message.new_signal(PATH, SHORTCUTS, member, "osta{sv}", body))

    def _answer(self, message: Message) -> Message | bool | None:
        if message.message_type is not MessageType.METHOD_CALL:
            return None
        match message.interface, message.member, message.body:
            case "org.freedesktop.DBus.Properties", "Get", [interface, "version"]:
                if interface == SHORTCUTS and self.version:
                    return Message.new_method_return(message, "v", [Variant("u", self.version)])
                return Message.new_error(message, "org.freedesktop.DBus.Error.InvalidArgs", "No such interface")
            case interface, "Register", [app_id, {}] if interface == REGISTRY and self.registry:
                self.registered = app_id
                return Message.new_method_return(message)
            case interface, member, body if interface == SHORTCUTS:
                return self._shortcuts(message, str(member), body)
        return Message.new_error(message, "org.freedesktop.DBus.Error.UnknownMethod", "no")

    def _shortcuts(self, message: Message, member: str, body: list[Any]) -> Message | bool:
        match member, message.signature, body:
            case "CreateSession", "a{sv}", [options]:
                if self.registry and not self.registered:
                    return Message.new_error(
                        message, "org.freedesktop.portal.Error.NotAllowed", "An app id is required"
                    )
                self.caller = message.sender or ""
                self.sessions.append(f"{PATH}/session/{options['session_handle_token'].value}")
                return self._respond(message, options, 0, {"session_handle": Variant("s", self.sessions[-1])})
            case "BindShortcuts", "oa(sa{sv})sa{sv}", [session, wanted, "", options] if session == self.sessions[-1]:
                self.bound = [(name, {key: each.value for key, each in about.items()}) for name, about in wanted]
                return self._respond(message, options, 1, {} if self.lists else self._given(wanted))
            case "ListShortcuts", "oa{sv}", [session, options] if self.lists and session == self.sessions[-1]:
                return self._respond(message, options, 1, self._given([[name, {}] for name, _ in self.bound]))
        raise AssertionError((member, body))

    def _given(self, wanted: list[Any]) -> dict[str, Variant]:
        about = {"trigger_description": Variant("s", self.trigger)}
        return {"shortcuts": Variant("a(sa{sv})", [[name, about] for name, _ in wanted[: self.gives]])}

    def _respond(self, message: Message, options: dict[str, Any], step: int, results: dict[str, Variant]) -> bool:
        path = request_path(message, options["handle_token"].value)
        self._bus.send(Message.new_method_return(message, "o", [path]))
        if (response := self.responses[step]) is not None:
            signal = Message.new_signal(
                path, "org.freedesktop.portal.Request", "Response", "ua{sv}", [response, results]
            )
            self._bus.send(signal)
        return True
