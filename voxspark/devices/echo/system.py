"""Does the sound server cancel the echo already?"""

from __future__ import annotations

import re
from functools import partial

import anyio
import anyio.to_thread

CONNECT_SECONDS = 1.0

_NAMED = re.compile(r"echo[ ._-]?cancel", re.IGNORECASE)
"""How PulseAudio's `module-echo-cancel` and PipeWire's `libpipewire-module-echo-cancel` call what they make."""

_SERVER = re.compile(r"(?:default|pulse|pipewire|sysdefault)\b", re.IGNORECASE)
"""PortAudio's names of what the sound server chooses."""


async def system_canceller(microphone: str) -> str | None:
    """The name of the source without echo that this microphone of PortAudio's is; None when it is another."""
    if _NAMED.search(microphone):
        return microphone
    if not _SERVER.match(microphone):
        return None
    with anyio.move_on_after(2 * CONNECT_SECONDS):
        return await anyio.to_thread.run_sync(partial(_default_source), abandon_on_cancel=True)
    return None


def _default_source() -> str | None:
    """The server's default source where it is such a one; None also where nobody can be asked."""
    try:
        import pulsectl
    except ImportError:
        return None
    try:
        with pulsectl.Pulse("voxspark", connect=False) as pulse:
            pulse.connect(timeout=CONNECT_SECONDS)
            name = pulse.server_info().default_source_name
            source = pulse.get_source_by_name(name)
            known = f"{source.name} {source.description} {source.driver}"
            return str(source.description or name) if _NAMED.search(known) else None
    except pulsectl.PulseError:
        return None
