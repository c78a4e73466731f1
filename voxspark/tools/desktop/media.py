"""Controls what plays music and films, by MPRIS 2 (specifications.freedesktop.org/mpris) on the session's D-Bus."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from voxspark.errors import ToolError
from voxspark.tools.clean import clean
from voxspark.tools.desktop.session_bus import session_bus
from voxspark.tools.folding import fold
from voxspark.tools.phrases import join
from voxspark.tools.registry import Tool, tool, tools_of

PREFIX = "org.mpris.MediaPlayer2."
PATH = "/org/mpris/MediaPlayer2"
ROOT = "org.mpris.MediaPlayer2"
PLAYER = "org.mpris.MediaPlayer2.Player"
PROXIES = ("org.mpris.MediaPlayer2.playerctld",)
"""Stand for other players."""
MOST_PLAYERS = 20
REPLY_SECONDS = 2.0
"""For one message: a player that hangs must not hang us."""

Act = Literal["play", "pause", "next", "previous", "stop"]

METHODS = {"play": "Play", "pause": "Pause", "next": "Next", "previous": "Previous", "stop": "Stop"}
ABILITIES = {"play": "CanPlay", "pause": "CanPause", "next": "CanGoNext", "previous": "CanGoPrevious"}
SAID = {"play": "Playing.", "pause": "Paused.", "next": "Next.", "previous": "Back one.", "stop": "Stopped."}


@dataclass(frozen=True, slots=True)
class Player:
    """One player on the bus."""

    bus_name: str
    name: str
    """`Spotify`."""
    properties: dict[str, Any]
    """Of the interface Player."""

    @property
    def status(self) -> str:
        return str(self.properties.get("PlaybackStatus", "Stopped"))

    @property
    def playing(self) -> str:
        """`So What by Miles Davis`, or empty."""
        metadata = self.properties.get("Metadata")
        metadata = metadata if isinstance(metadata, dict) else {}
        title = clean(str(metadata.get("xesam:title", "")), 100)
        artists = metadata.get("xesam:artist", [])
        by = join([clean(str(each), 60) for each in artists[:3]]) if isinstance(artists, list) else ""
        return f"{title} by {by}" if title and by else title


class Media:
    """Controls media players; `bus_address` is D-Bus's, None for the session's."""

    def __init__(self, bus_address: str | None = None) -> None:
        self._bus_address = bus_address

    @property
    def tools(self) -> tuple[Tool, ...]:
        """control_media, get_playing."""
        return tools_of(self)

    @tool(permission="act", fate="owner")
    async def control_media(
        self,
        action: Act,
        player: Annotated[str, "Its name, such as Spotify; empty for the one that plays."] = "",
    ) -> str:
        """Play, pause or stop music or a film, or go to the next or previous track."""
        async with session_bus(self._bus_address) as bus:
            chosen = _choose(await _players(bus), player, "Paused" if action == "play" else "Playing")
            if not chosen.properties.get(ABILITIES.get(action, ""), True):
                raise ToolError("media-cannot", f"{chosen.name} can't do that now.")
            await _call(bus, chosen.bus_name, PLAYER, METHODS[action])
        return SAID[action]

    @tool(permission="read", fate="turn", untrusted=True)
    async def get_playing(self) -> str:
        """Tell which song or film is playing."""
        async with session_bus(self._bus_address) as bus:
            chosen = _choose(await _players(bus), "", "Playing")
        if chosen.status == "Stopped":
            return "Nothing is playing."
        paused = " It is paused." if chosen.status == "Paused" else ""
        return f"This is {chosen.playing or f'something on {chosen.name}'}.{paused}"


async def _players(bus: Any) -> list[Player]:
    """All that answer, by name."""
    names = (
        await _call(bus, "org.freedesktop.DBus", "org.freedesktop.DBus", "ListNames", path="/org/freedesktop/DBus")
    )[0]
    found = []
    for bus_name in sorted(name for name in names if name.startswith(PREFIX) and name not in PROXIES)[:MOST_PLAYERS]:
        try:
            properties = await _properties(bus, bus_name, PLAYER)
            identity = (await _properties(bus, bus_name, ROOT)).get("Identity") or bus_name.removeprefix(PREFIX)
        except ToolError:
            continue
        found.append(Player(bus_name, clean(str(identity), 60), properties))
    return found


def _choose(players: list[Player], name: str, preferred: str) -> Player:
    """The named player, or the one whose status is preferred, or one that is not stopped. Raises ToolError."""
    if not players:
        raise ToolError("media-none", "No media player is running.", "Start one first.")
    if wanted := fold(name.strip()):
        players = [each for each in players if wanted in fold(f"{each.name} {each.bus_name}")]
        if not players:
            raise ToolError("media-unknown", f"{clean(name, 40)} is not running.")
    ranks = {"Playing": 1, "Paused": 2, preferred: 0}
    return min(players, key=lambda each: ranks.get(each.status, 3))


async def _properties(bus: Any, bus_name: str, interface: str) -> dict[str, Any]:
    from dbus_fast.unpack import unpack_variants

    body = await _call(bus, bus_name, "org.freedesktop.DBus.Properties", "GetAll", "s", [interface])
    return dict(unpack_variants(body[0]))


async def _call(
    bus: Any,
    bus_name: str,
    interface: str,
    member: str,
    signature: str = "",
    body: list[Any] | None = None,
    path: str = PATH,
) -> list[Any]:
    """The answer's body. Raises ToolError when the player refuses or is silent."""
    import anyio
    from dbus_fast import Message, MessageType

    message = Message(
        destination=bus_name, path=path, interface=interface, member=member, signature=signature, body=body or []
    )
    try:
        with anyio.fail_after(REPLY_SECONDS):
            reply = await bus.call(message)
    except (TimeoutError, EOFError, OSError) as error:
        raise ToolError("media-silent", "The media player does not answer.") from error
    if reply is None or reply.message_type is MessageType.ERROR:
        raise ToolError("media-refused", "The media player refuses.", str(reply.error_name) if reply else "")
    return list(reply.body)
