"""What is looked at: the picture that came with the question, the screen, or what the camera shows."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Literal

from voxspark.agent.mediator import Audit, TurnGuard
from voxspark.errors import DeviceError, VoxSparkError
from voxspark.protocols import TurnScope

Look = Callable[[], Awaitable[bytes]]
"""Takes one picture, ready for a model. Raises DeviceError."""

Place = Literal["screen", "camera"]

NO_EYES = "I have no model that can see. Choose a profile with eyes."

SOURCE = "the picture"
"""What taints a turn: anybody may have written what is in a picture."""

_SCREEN = re.compile(r"\b(?:screen|display|monitor|screenshot|window|desktop|web ?site|tab)\b", re.IGNORECASE)
_CAMERA = re.compile(
    r"\b(?:camera|webcam|holding|wearing|showing you|in (?:my|the) (?:hands?|room)|label|letter|sign"
    r"|(?:picture|photo) of (?:me|this|that|us)|see me|do i look|in front of)\b|^take a (?:picture|photo)\b",
    re.IGNORECASE,
)


def place(question: str) -> Place | None:
    """Where to look; None when the words do not tell ("read this")."""
    if _SCREEN.search(question):
        return "screen"
    return "camera" if _CAMERA.search(question) else None


class Eyes:
    """Looks where a question points; every look is told to the turn, and written down."""

    def __init__(self, places: Mapping[Place, Look], audit: Audit) -> None:
        """`places` are those that are switched on, in the order in which a question that names none tries them."""
        self._places = places
        self._audit = audit

    async def look(self, question: str, guard: TurnGuard, turn: TurnScope) -> bytes:
        """One picture, taken when the user has certainly finished. Raises DeviceError."""
        named = place(question)
        await turn.until_confirmed()
        wanted = [each for each in self._places if named in (None, each)]
        if not wanted:
            where = f"The {named} is" if named else "The screen and the camera are"
            raise DeviceError("look-disabled", f"{where} switched off for me.", "Switch it on in the configuration.")
        for each in wanted[:-1]:
            try:
                return await self._take(each, guard, turn)
            except DeviceError as error:
                if error.code == "screen-refused":  # who says no does not want the camera instead
                    raise
        return await self._take(wanted[-1], guard, turn)

    async def _take(self, where: Place, guard: TurnGuard, turn: TurnScope) -> bytes:
        verdict, result = "cut", ""
        try:
            picture = await self._places[where]()
            verdict = "read"
        except VoxSparkError as error:
            verdict, result = "failed", error.code
            raise
        finally:
            told = {"verdict": verdict, "result": result}
            self._audit.note(tool="look", arguments={"at": where}, utterance=guard.utterance, **told)
        turn.used("look", {"at": where}, "")
        return picture
