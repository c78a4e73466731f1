"""What engines on torch have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal

from voxspark.engines.thread import Abandoned
from voxspark.errors import EngineError, SynthesizerError, VoxSparkError

Device = Literal["cpu", "cuda"]


def device_of(setting: Device | Literal["auto"], error: type[EngineError], table: str) -> Device:
    """Where an engine with the settings of this table runs. Raises an error of this class where torch has no GPU and
    must. Imports torch."""
    import torch

    if torch.cuda.is_available():
        return "cpu" if setting == "cpu" else "cuda"
    if setting == "cuda":
        raise error(
            "engine-no-gpu", "torch finds no graphics card.", f"Set {table}.device to auto, or install torch with CUDA."
        )
    return "cpu"


@contextmanager
def told(failed: Callable[[str], EngineError], out_of_memory: EngineError | None = None) -> Iterator[None]:
    """What goes wrong in torch, the packages above it and a hundred kinds of files, as EngineError.

    `failed` makes one of the name of the exception, never of its message, in which may stand what somebody has said.
    """
    try:
        yield
    except (VoxSparkError, Abandoned):
        raise
    except Exception as error:
        kind = type(error).__name__
        if out_of_memory and (isinstance(error, MemoryError) or kind == "OutOfMemoryError"):  # torch's own
            raise out_of_memory from error
        raise failed(kind) from error


@contextmanager
def told_of_voice(engine: str) -> Iterator[None]:
    """The same of a voice."""
    scarce = SynthesizerError(
        "voice-out-of-memory", "There was not enough memory for my voice.", "Choose another voice.engine."
    )

    def failed(kind: str) -> EngineError:
        remedy = f"{engine} met a {kind}; are its weights whole, and meant for it?"
        return SynthesizerError("voice-failed", "My voice failed.", remedy)

    with told(failed, scarce):
        yield
