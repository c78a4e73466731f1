"""Settings of the socket: who may connect, what they may do, and how much of it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from voxspark.config_tools import Settings

GuestMethod = Literal[
    "ask", "say", "stop", "status", "listen.start", "listen.stop", "listen.toggle", "mute", "transcribe", "models.list"
]
"""What guests can be allowed to do. Nothing here reads or changes what is the owner's."""


class ControlSettings(Settings):
    """The Unix socket."""

    socket: str = ""
    """Path; empty is `$XDG_RUNTIME_DIR/voxspark/voxspark.sock`."""
    owners: tuple[str, ...] = ()
    """Users who may do everything, besides root and the user it runs as."""
    guests: tuple[str, ...] = ()
    """Users who may connect as guests. They need a `socket` that is not in a directory of one user's."""
    group: str = ""
    """Members of this group may connect as guests; the socket is then the group's."""
    guest_methods: tuple[GuestMethod, ...] = (
        "ask",
        "say",
        "stop",
        "status",
        "listen.start",
        "listen.stop",
        "listen.toggle",
    )
    """What guests may do. A guest's question sees nothing of the owner's and changes nothing."""
    max_clients: int = Field(256, ge=1)
    """Connections at once; one more is told so and closed. Guests have half of them."""
    max_line_bytes: int = Field(1_048_576, ge=1024)
    """Longest request."""
    requests_per_second: float = Field(50.0, gt=0)
    """Sustained rate per client; bursts of twice that are allowed."""
    user_requests_per_second: float = Field(500.0, gt=0)
    """The same for all clients of one user together."""
