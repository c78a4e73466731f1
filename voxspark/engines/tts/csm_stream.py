"""From the frames that Sesame CSM generates to samples, while it goes on generating: arithmetic, without torch."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Protocol, Self

import numpy as np

from voxspark.types import Pcm

SAMPLE_RATE_HZ = 24_000

FRAME_SAMPLES = 1_920
"""Samples in one frame of its codec, Mimi: 12.5 frames a second."""

FRAMES_PER_SECOND = SAMPLE_RATE_HZ / FRAME_SAMPLES

LEFT_CONTEXT_FRAMES = 25
"""Frames decoded again before new ones. Measured on Mimi at full size with random weights: with 4, its convolutions are
cut off, and 5 % of the signal is wrong; from 8 on, only its attention misses something: with 25, 0.01 % to 1 %."""

SECONDS_PER_CHARACTER = 0.15
"""Longest that a character of text may take. People say 10 to 18 of them a second."""

GRACE_SECONDS = 2.0
"""Added to that, for short texts and pauses."""

NOTHING: Pcm = np.zeros(0, np.float32)


class Frame(Protocol):
    """The code of each codebook, for 80 ms."""

    def __getitem__(self, index: slice, /) -> Self: ...
    def any(self) -> Any:
        """Whether one of them is not 0."""
        ...


def most_frames(text: str) -> int:
    """Where a sentence is cut whose end the model misses."""
    return math.ceil((GRACE_SECONDS + SECONDS_PER_CHARACTER * len(text)) * FRAMES_PER_SECOND)


class FrameStreamer:
    """The streamer of one sentence, for `generate` of transformers.

    Groups grow by a quarter, so that with a real-time factor up to 0.8 each one is ready before the last is played.
    """

    def __init__(
        self,
        decode: Callable[[Sequence[Frame]], Pcm],
        hand_over: Callable[[Pcm], None],
        *,
        first_frames: int,
        most_frames: int,
    ) -> None:
        """`decode` makes `FRAME_SAMPLES` samples of each frame. `hand_over` is called after every frame with what
        samples are ready, mostly none, and ends the work by raising."""
        self.frames: list[Frame] = []
        self.ended = False
        """The model has said itself that the sentence ends here."""
        self._decode = decode
        self._hand_over = hand_over
        self._group = first_frames
        self._most = most_frames
        self._done = 0
        self._prompted = False

    def put(self, value: Any) -> None:
        """First the prompt, then each frame, in a batch of one."""
        if not self._prompted:
            self._prompted = True
            return
        (frame,) = value
        if frame[:-1].any():  # `generate` does not look at the last codebook either
            self.frames.append(frame)
        else:
            self.ended = True
        self._hand_over(self._group_of_samples() if len(self.frames) - self._done >= self._group else NOTHING)

    def end(self) -> None:
        """Hand over what is left."""
        self._hand_over(self._group_of_samples())

    def _group_of_samples(self) -> Pcm:
        new = len(self.frames) - self._done
        if not new:
            return NOTHING
        window = self.frames[max(0, self._done - LEFT_CONTEXT_FRAMES) :]
        self._done = len(self.frames)
        self._group = min(max(self._group + 1, self._group * 5 // 4), self._most)
        return self._decode(window)[-new * FRAME_SAMPLES :]
