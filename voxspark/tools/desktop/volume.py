"""Volume, mute and output device, through PulseAudio's protocol (which PipeWire speaks too)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Annotated, Any, Literal

from voxspark.errors import ToolError
from voxspark.tools.clean import clean
from voxspark.tools.folding import fold
from voxspark.tools.phrases import join, say
from voxspark.tools.registry import Tool, tool, tools_of

STEP_PERCENT = 10


class Volume:
    """Sets the volume of the default output; `server` is PulseAudio's address, None for the session's."""

    def __init__(self, server: str | None = None) -> None:
        self._server = server

    @property
    def tools(self) -> tuple[Tool, ...]:
        """change_volume, get_volume, list_outputs, set_mute, set_output, set_volume."""
        return tools_of(self)

    @tool(permission="read", fate="turn")
    async def get_volume(self) -> str:
        """Tell the volume."""
        async with sound_server(self._server) as pulse:
            sink = await _default(pulse)
            told = (
                "The volume is at {percent} percent, and muted." if sink.mute else "The volume is at {percent} percent."
            )
            return say(told, percent=_percent(sink))

    @tool(permission="act", fate="owner")
    async def set_volume(self, percent: Annotated[int, "0 is silent, 100 is full."]) -> str:
        """Set the volume of the speakers."""
        if not 0 <= percent <= 100:
            raise ToolError("volume-bounds", say("The volume goes from 0 to 100 percent."))
        async with sound_server(self._server) as pulse:
            return await _set(pulse, await _default(pulse), percent)

    @tool(permission="act", fate="owner")
    async def change_volume(
        self,
        direction: Literal["up", "down"],
        percent: Annotated[int, "How much, 1 to 100."] = STEP_PERCENT,
    ) -> str:
        """Turn the volume up or down."""
        if not 1 <= percent <= 100:
            raise ToolError("volume-bounds", say("The volume goes from 0 to 100 percent."))
        async with sound_server(self._server) as pulse:
            sink = await _default(pulse)
            now = _percent(sink)
            if direction == "up" and now >= 100:
                return say("The volume is already at its highest.")
            wanted = now + (percent if direction == "up" else -percent)
            return await _set(pulse, sink, min(max(wanted, 0), 100))

    @tool(permission="act", fate="owner")
    async def set_mute(self, muted: Annotated[bool, "False makes it audible again."] = True) -> str:
        """Mute or unmute the speakers."""
        async with sound_server(self._server) as pulse:
            await pulse.mute(await _default(pulse), muted)
            return say("Muted.") if muted else say("Unmuted.")

    @tool(permission="read", fate="turn")
    async def list_outputs(self) -> str:
        """Tell which speakers and headphones there are."""
        async with sound_server(self._server) as pulse:
            default = (await _default(pulse)).name
            sinks = await pulse.sink_list()
        others = [_name(each) for each in sinks if each.name != default]
        current = next(_name(each) for each in sinks if each.name == default)
        return f"Sound comes from {current}.{f' There is also {join(others)}.' if others else ''}"

    @tool(permission="act", fate="owner")
    async def set_output(self, device: Annotated[str, "Part of its name, such as headphones."]) -> str:
        """Play sound through other speakers or headphones."""
        async with sound_server(self._server) as pulse:
            from pulsectl import PulseOperationFailed

            sink = _choose(await pulse.sink_list(), device)
            await pulse.sink_default_set(sink)
            for stream in await pulse.sink_input_list():
                with suppress(PulseOperationFailed):  # it may have ended, or must not be moved
                    await pulse.sink_input_move(stream.index, sink.index)
            return f"Sound now comes from {_name(sink)}."


@asynccontextmanager
async def sound_server(address: str | None = None) -> AsyncIterator[Any]:
    """A connection to the sound server. Raises ToolError for whatever goes wrong on it."""
    try:
        from pulsectl import PulseError
        from pulsectl_asyncio import PulseAsync
    except (ImportError, OSError) as error:
        remedy = "Install voxspark[desktop] and the package libpulse0."
        raise ToolError("volume-missing", say("Volume control is not installed."), remedy) from error
    try:
        with PulseAsync("voxspark", server=address) as pulse:  # `async with` does not close what fails to connect
            await pulse.connect()
            yield pulse
    except PulseError as error:
        raise ToolError("volume-server", say("I can't reach the sound server."), "Check that PipeWire runs.") from error


async def _default(pulse: Any) -> Any:
    """The default output. Raises ToolError when there is none."""
    name = (await pulse.server_info()).default_sink_name
    found = next((sink for sink in await pulse.sink_list() if sink.name == name), None)
    if found is None:
        raise ToolError("volume-no-output", say("There is nothing to play sound through."))
    return found


async def _set(pulse: Any, sink: Any, percent: int) -> str:
    """Asking for more than nothing also ends a mute."""
    await pulse.volume_set_all_chans(sink, percent / 100)
    if percent and sink.mute:
        await pulse.mute(sink, False)
    return say("Volume {percent} percent.", percent=percent)


def _percent(sink: Any) -> int:
    return round(float(sink.volume.value_flat) * 100)


def _name(sink: Any) -> str:
    return clean(sink.description or sink.name, 60)


def _choose(sinks: list[Any], device: str) -> Any:
    """The only output whose name has all the words, or has the very name. Raises ToolError."""
    words = [word for word in fold(device).split() if word not in ("the", "my")]
    names = {sink.name: fold(f"{_name(sink)} {sink.name}") for sink in sinks}
    exact = [sink for sink in sinks if fold(_name(sink)) == " ".join(words)]
    found = exact or [sink for sink in sinks if words and all(word in names[sink.name] for word in words)]
    if len(found) == 1:
        return found[0]
    if found:
        raise ToolError("volume-output-ambiguous", f"Which one: {join([_name(each) for each in found], 'or')}?")
    known = join([_name(each) for each in sinks])
    raise ToolError("volume-output-unknown", f"I can't find {clean(device, 40) or 'that'}; there is {known}.")
