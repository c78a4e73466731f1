"""When a device's samples are captured or heard, from dates that its driver gives with each block."""

from __future__ import annotations

from collections import deque
from statistics import median

STEP_SECONDS = 0.008
"""Blocks that keep being dated this far from where their count puts them follow a gap (or the first dates were wrong).
Between two such steps the dates of PulseAudio are true to 1 ms (measured)."""

WINDOW_SECONDS = 0.2
"""For so long they must say the same: the first dates after a gap are wrong themselves."""


class Steps:
    """Finds where a count of samples and their dates part for good."""

    def __init__(self) -> None:
        self._errors: deque[tuple[float, float]] = deque()

    def find(self, at: float, error: float) -> float:
        """The seconds by which the count must be corrected now, mostly 0; a block is dated `error` late at `at`."""
        self._errors.append((at, error))
        while self._errors[-1][0] - self._errors[0][0] > 1.5 * WINDOW_SECONDS:
            self._errors.popleft()
        errors = [each for _, each in self._errors]
        middle = median(errors)
        if at - self._errors[0][0] < WINDOW_SECONDS or abs(middle) <= max(STEP_SECONDS, max(errors) - min(errors)):
            return 0.0
        self._errors.clear()
        return middle

    @property
    def pending(self) -> bool:
        """The latest blocks are dated as after a gap."""
        latest = list(self._errors)[-3:]
        return len(latest) == 3 and min(abs(error) for _, error in latest) > STEP_SECONDS

    def clear(self) -> None:
        """Start again."""
        self._errors.clear()
