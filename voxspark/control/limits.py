"""How much clients may ask for: each by itself, those of one user together, and all guests together."""

from __future__ import annotations

from voxspark.config_control import ControlSettings

MOST_HELD_BYTES = 64 << 20
"""Of requests that are being received or served: the owner's."""

MOST_HELD_GUEST_BYTES = 16 << 20
"""The same, of all guests together."""


class TokenBucket:
    """Allows `rate` requests per second on average, and bursts of twice that."""

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._capacity = max(1.0, 2 * rate)
        self._tokens = self._capacity
        self._at = float("-inf")

    def take(self, now: float) -> bool:
        """Whether one more is allowed; `now` in seconds of any steady clock."""
        self._tokens = min(self._capacity, self._tokens + (now - self._at) * self._rate)
        self._at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


class Room:
    """Memory for requests, whoever sends them."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self.held_bytes = 0

    def take(self, size_bytes: int) -> bool:
        """Whether there is room for so much more; then it is held."""
        if self.held_bytes + size_bytes > self._most_bytes:
            return False
        self.held_bytes += size_bytes
        return True

    def give(self, size_bytes: int) -> None:
        """So much is not held any more."""
        self.held_bytes -= size_bytes


class Account:
    """One user, with all of his clients."""

    def __init__(self, settings: ControlSettings, room: Room, *, guest: bool) -> None:
        self.guest = guest
        self.room = room
        self.clients = 0
        self.bucket = TokenBucket(settings.user_requests_per_second)


class Accounts:
    """Everybody who has connected."""

    def __init__(self, settings: ControlSettings) -> None:
        self._settings = settings
        self._by_uid: dict[int, Account] = {}
        self._rooms = {False: Room(MOST_HELD_BYTES), True: Room(MOST_HELD_GUEST_BYTES)}

    def apply(self, settings: ControlSettings) -> None:
        """Other limits from now on; rates are those of when a user first came."""
        self._settings = settings

    @property
    def clients(self) -> int:
        """Connected now."""
        return sum(account.clients for account in self._by_uid.values())

    def of(self, uid: int, *, guest: bool) -> Account:
        """The account of a user; it stays, so that whoever connects anew has no more than before."""
        if uid not in self._by_uid:
            self._by_uid[uid] = Account(self._settings, self._rooms[guest], guest=guest)
        return self._by_uid[uid]

    def full_for(self, account: Account) -> bool:
        """Whether one more client of his is too much: guests leave half of the places to the owner, and one guest
        half of theirs to the others."""
        most = self._settings.max_clients
        if self.clients >= most:
            return True
        guests = sum(each.clients for each in self._by_uid.values() if each.guest)
        return account.guest and (guests >= max(1, most // 2) or account.clients >= max(1, most // 4))
