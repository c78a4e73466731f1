"""Text that others wrote, made fit for a terminal."""

from __future__ import annotations

_BIDI = (*range(0x202A, 0x202F), *range(0x2066, 0x206A))
"""Marks that turn the order of what follows around."""

_TABLE = dict.fromkeys({*range(0x20), *range(0x7F, 0xA0), *_BIDI} - set(b"\n\t"), "?")


def plain(text: str) -> str:
    """Without control characters but new lines and tabs: no escape sequence of a device's name, an engine's error or a
    stranger's text reaches the terminal."""
    return text.translate(_TABLE)
