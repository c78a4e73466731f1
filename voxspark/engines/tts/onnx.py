"""A voice on the CPU through ONNX Runtime, in a thread of its own."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import aclosing
from pathlib import Path
from typing import Any

import numpy as np

from voxspark.audio import trim_silence
from voxspark.engines.thread import EngineThread
from voxspark.errors import EngineError, SynthesizerError
from voxspark.types import Pcm

EDGE_SECONDS = 0.1
"""Silence kept around a piece; these models add 0.3 s before it and 0.5 s after it."""


class Reply:
    """The runs of one reply, which another thread may break off."""

    def __init__(self) -> None:
        self._options: Any = None
        self._over = False

    def run(self, session: Any, inputs: Mapping[str, Any]) -> Pcm:
        """The samples the model makes of its inputs. Raises whatever ONNX Runtime does, also when it is broken off."""
        import onnxruntime

        self._options = onnxruntime.RunOptions()
        self._options.terminate = self._over
        (samples, *_) = session.run(None, inputs, self._options)
        return np.asarray(samples, np.float32).reshape(-1)

    def break_off(self) -> None:
        """End the run that is under way, between two of its operators, and every later one."""
        self._over = True
        if self._options is not None:
            self._options.terminate = True


class OnnxSynthesizer(ABC):
    """What such voices share."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._thread = EngineThread(name)

    async def synthesize(self, text: str) -> AsyncGenerator[tuple[Pcm, int], None]:
        """A piece per sentence or clause. Raises SynthesizerError, `nothing-to-say` for text it has no sounds for."""
        reply, said = Reply(), False
        try:
            async with aclosing(self._thread.each(lambda: self._whole(text, reply))) as pieces:
                async for samples, rate in pieces:
                    if len(heard := trim_silence(samples, rate, keep_seconds=EDGE_SECONDS)):
                        said = True
                        yield heard, rate
        finally:
            reply.break_off()
        if not said:
            raise SynthesizerError("nothing-to-say", "This voice cannot say that.")

    async def warm(self) -> None:
        """Load model and pronunciation, and run them once."""
        await self._thread.call(lambda: list(self._whole("Hello.", Reply())))

    def close(self) -> None:
        """Let its thread end."""
        self._thread.close()

    @abstractmethod
    def _pieces(self, text: str, reply: Reply) -> Iterator[tuple[Pcm, int]]:
        """In the engine's thread: samples and their rate, piece by piece."""

    def _whole(self, text: str, reply: Reply) -> Iterator[tuple[Pcm, int]]:
        try:
            yield from self._pieces(text, reply)
        except EngineError:
            raise
        except Exception as error:  # weights, dictionaries and ONNX Runtime each fail in their own way
            raise SynthesizerError(
                "voice-failed", "My voice failed.", f"Reinstall it, or set voice.engine ({self._name}: {error})."
            ) from error


def open_session(path: Path, threads: int) -> Any:
    """The model, ready to run on that many threads of the CPU."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
