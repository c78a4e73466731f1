"""Who may connect to the socket, and as what: the owner's people do everything, guests a few things."""

from __future__ import annotations

import grp
import os
import pwd
from collections.abc import Iterable
from dataclasses import dataclass

from voxspark.config_control import ControlSettings
from voxspark.control.wire import Peer
from voxspark.errors import ControlError


@dataclass(frozen=True, slots=True)
class Access:
    """Users by number, as the kernel tells them."""

    owners: frozenset[int]
    """Users who may do everything."""
    guests: frozenset[int] = frozenset()
    """Users who may do what guests may."""
    group: int | None = None
    """Whose members are guests, too."""

    @classmethod
    def of(cls, settings: ControlSettings) -> Access:
        """What the settings say. The user of the daemon, and root, are owners. Raises ControlError for a name that
        this machine does not know."""
        owners = {os.geteuid(), 0, *_uids(settings.owners)}
        return cls(frozenset(owners), frozenset(_uids(settings.guests)), _gid(settings.group))

    def is_owner(self, peer: Peer) -> bool:
        """Whether everything is allowed."""
        return peer.uid in self.owners

    def is_guest(self, peer: Peer) -> bool:
        """Whether some things are allowed."""
        return peer.uid in self.guests or (self.group is not None and self.group in peer.gids)

    @property
    def socket_mode(self) -> int:
        """Who can open the socket at all: single users have no other way than everybody; the kernel's word for who
        they are then decides."""
        if self.guests or self.owners - {os.geteuid(), 0}:
            return 0o666
        return 0o600 if self.group is None else 0o660

    @property
    def directory_mode(self) -> int:
        """The same of a directory that is made for it."""
        return {0o666: 0o711, 0o660: 0o710, 0o600: 0o700}[self.socket_mode]


def _uids(names: Iterable[str]) -> Iterable[int]:
    for name in names:
        try:
            yield int(name) if name.isdecimal() else pwd.getpwnam(name).pw_uid
        except KeyError as error:
            raise ControlError(
                "control-unknown-user", f"There is no user {name} on this machine.", "Correct it in [control]."
            ) from error


def _gid(name: str) -> int | None:
    try:
        return grp.getgrnam(name).gr_gid if name else None
    except KeyError as error:
        raise ControlError(
            "control-unknown-group",
            f"There is no group {name} on this machine.",
            f"Run: sudo groupadd --system {name}, or correct control.group.",
        ) from error
