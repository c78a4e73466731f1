"""Mute: the microphone is closed because somebody wants it so, and stays closed over a restart."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from voxspark.events import Failed, MicrophoneMuted
from voxspark.protocols import Emit, LastingMicrophone, Microphone
from voxspark.tools.phrases import say
from voxspark.tools.registry import Tool, tool, tools_of
from voxspark.types import ListeningSignal, MuteRequested, Pressed, Toggled

CLOSED = "I am not listening any more. To have me back, press the mute key, or run voxspark unmute."


class Mute:
    """Whether the microphone is to be closed. Nothing that a model or a page can call opens it again."""

    def __init__(self, file: Path | None = None) -> None:
        """`file` is there as long as it is closed; without one that ends with the daemon."""
        self._file = file
        self.on = file is not None and file.exists()
        self._close: Callable[[bool], None] = lambda on: None
        self._post: Callable[[MuteRequested], None] = lambda signal: None

    @property
    def tools(self) -> tuple[Tool, ...]:
        """stop_listening."""
        return tools_of(self)

    def connect(self, microphone: Microphone, post: Callable[[MuteRequested], None]) -> None:
        """The device that it closes (one that is a file or a test's has nothing to close), and who decides."""
        if isinstance(microphone, LastingMicrophone):
            self._close = microphone.mute
        self._post = post
        if self.on:
            self._close(True)
            post(MuteRequested(True, "restart"))

    def swallows(self, signal: object, emit: Emit) -> bool:
        """Whether a signal means nothing while it is closed; push-to-talk is told so."""
        if self.on and isinstance(signal, Pressed | Toggled):
            emit(MicrophoneMuted(signal.at, True, "pressed"))
        return self.on and isinstance(signal, ListeningSignal | Pressed | Toggled)

    def obey(self, request: MuteRequested, emit: Emit, at: float) -> None:
        """Close the device, or let it open; remember it, and tell."""
        self.on = not self.on if request.on is None else request.on
        self._close(self.on)
        emit(MicrophoneMuted(at, self.on, request.reason))
        try:
            self._remember()
        except OSError as error:
            remedy = f"{self._file}: {error.strerror}."
            emit(Failed(at, "mute", "mute-not-kept", "After a restart I will not know whether I am muted.", remedy))

    def _remember(self) -> None:
        """Raises OSError."""
        if self._file is None:
            return
        if self.on:
            self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._file.touch(0o600)
        else:
            self._file.unlink(missing_ok=True)

    @tool(permission="act", fate="owner")
    async def stop_listening(self) -> str:
        """Close the microphone. Only the user can open it again, by hand."""
        self._post(MuteRequested(True, "asked"))
        return say(CLOSED)
