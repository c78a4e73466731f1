"""X11's symbols of characters."""

from __future__ import annotations


def keysym(character: str) -> int:
    """Latin-1 stands for itself, everything else lies above 0x01000000 (X Window System Protocol, appendix A)."""
    code = ord(character)
    return code if 0x20 <= code <= 0x7E or 0xA0 <= code <= 0xFF else 0x01000000 + code
