"""Which machines a web page may send us to: only those of the public internet."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Awaitable, Callable
from contextlib import closing

import anyio

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

Resolve = Callable[[str, int], Awaitable[list[str]]]
"""The numeric addresses of a host and port, best first. Raises OSError."""

NAT64 = ipaddress.ip_network("64:ff9b::/96")
"""IPv6 addresses whose last four bytes are an IPv4 address (RFC 6052)."""


def is_public(address: str) -> bool:
    """Whether a numeric address is on the public internet, and not this machine."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    return all(one.is_global and not one.is_multicast for one in _meant(found)) and not _is_ours(found)


async def resolve(host: str, port: int) -> list[str]:
    """By the system's resolver; it reads odd spellings of numbers (`0x7f.1`) as numbers, as connecting does."""
    found = await anyio.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))


def _meant(address: Address) -> list[Address]:
    """The address, and the IPv4 address inside it."""
    if isinstance(address, ipaddress.IPv4Address):
        return [address]
    if address.ipv4_mapped:
        return [address.ipv4_mapped]
    inner = [address.sixtofour, *(address.teredo or ())]
    if address in NAT64:
        inner.append(ipaddress.IPv4Address(address.packed[-4:]))
    return [address, *(one for one in inner if one)]


def _is_ours(address: Address) -> bool:
    """A socket can be bound only to an address of this machine."""
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    try:
        with closing(socket.socket(family, socket.SOCK_DGRAM)) as probe:
            probe.bind((str(address), 0))
    except OSError:
        return False
    return True
