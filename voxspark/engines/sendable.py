"""Text that a server takes."""

from __future__ import annotations


def encodable(text: str) -> str:
    """Lone surrogates (from JSON escapes) are no UTF-8, and are rejected everywhere."""
    return text.encode(errors="replace").decode()
