"""Calls that change the world: they outlive the turn that made them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import anyio
from anyio.abc import TaskGroup

from voxspark.errors import VoxSparkError
from voxspark.types import Action


class Acts:
    """Runs actions in the owner's scope.

    `on_begin` hears of each action before it begins, `on_orphan` of each that happened when its turn had died by then.
    """

    def __init__(self, on_begin: Callable[[], None], on_orphan: Callable[[Action], None]) -> None:
        self._on_begin = on_begin
        self._on_orphan = on_orphan
        self.scope: TaskGroup | None = None
        """The owner's task group; set while the owner runs."""

    async def run(self, call: Callable[[], Awaitable[Action]]) -> Action:
        """The call's action; it runs to its end even when the caller is cancelled. Raises its VoxSparkError."""
        if self.scope is None:
            raise VoxSparkError("not-running", "The assistant is not running.")
        done = anyio.Event()
        outcome: list[Action | VoxSparkError] = []
        abandoned = False

        async def work() -> None:
            try:
                outcome.append(await call())
            except VoxSparkError as error:
                outcome.append(error)
            except Exception as error:  # the boundary of a tool call
                broken = VoxSparkError("tool-broke", "That did not work.", str(error))
                broken.__cause__ = error
                outcome.append(broken)
            done.set()
            if abandoned and isinstance(outcome[0], Action):
                self._on_orphan(outcome[0])

        self._on_begin()
        self.scope.start_soon(work)
        try:
            await done.wait()
        except BaseException:
            abandoned = not done.is_set()
            if not abandoned and isinstance(outcome[0], Action):
                self._on_orphan(outcome[0])
            raise
        if isinstance(outcome[0], VoxSparkError):
            raise outcome[0]
        return outcome[0]
