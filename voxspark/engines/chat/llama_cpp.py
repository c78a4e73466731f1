"""llama.cpp inside the process (`xllamacpp`): a small model answers where there is no Ollama.

Measured with the bundled SmolLM2 on a 2-core AMD EPYC: loads in 0.2 s, adds about 150 MB (98 of them the mapped file),
reads 300 and writes 90 tokens a second, and is free again within one token of being told to stop.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from voxspark.config import ChatSettings
from voxspark.engines.bundled import locate
from voxspark.engines.chat.openai_wire import Reading, body
from voxspark.engines.thread import EngineThread
from voxspark.errors import ChatError
from voxspark.protocols import Chat, Schema
from voxspark.types import Delta, Message

BUNDLED_PREFIX = "bundled:"

CPU_BATCH_TOKENS = 128
"""Tokens of a prompt read at once on a CPU: how soon a cancelled prompt stops (0.4 s), and 30 MB less than at 512."""

REPEAT_PENALTY = 1.05
"""Keeps small models from running in circles. Of 10 easy questions asked 3 times SmolLM2 answers 23 rightly with it, in
23 tokens each; 20 without, 2 of them in circles; and 23 with 1.1, but in 32 tokens."""

SPIN_COUNT = "1000"
"""How long OpenMP's threads spin at a barrier before they sleep. The default (300 000) makes a token take 1.2 s instead
of 26 ms when two other programs keep two cores busy, as the transcriber and the voice do."""


def create(settings: ChatSettings) -> Chat:
    """The registry's factory; the model is loaded by the first call."""
    return LlamaCppChat(settings)


class LlamaCppChat:
    """One GGUF model in its own thread, with the prompt cache of one conversation."""

    def __init__(self, settings: ChatSettings) -> None:
        self._settings = settings
        self._thread = EngineThread("llama")
        self._server: Any = None

    async def stream(self, messages: Sequence[Message], *, tools: Sequence[Schema] = ()) -> AsyncGenerator[Delta, None]:
        """See `protocols.Chat.stream`."""
        reading = Reading()
        request = self._request(messages, tools, self._settings.max_tokens)
        async with aclosing(self._thread.stream(partial(self._generate, request))) as chunks:
            async for chunk in chunks:
                for delta in reading.feed(chunk):
                    yield delta
        for delta in reading.end():
            yield delta

    async def warm(self, messages: Sequence[Message], *, tools: Sequence[Schema] = ()) -> None:
        """See `protocols.Chat.warm`."""
        request = self._request(messages, tools, 1)
        async with aclosing(self._thread.stream(partial(self._generate, request))) as chunks:
            async for _ in chunks:
                pass

    def close(self) -> None:
        """Give the memory back; the engine cannot be used any more."""
        self._thread.close()
        self._server = None

    def _request(self, messages: Sequence[Message], tools: Sequence[Schema], max_tokens: int) -> str:
        """An OpenAI chat request, with llama.cpp's additions."""
        sampling = {
            "return_progress": True,  # a call per batch of the prompt: a chance to notice that nobody listens
            "cache_prompt": True,
            "max_tokens": max_tokens,
            "temperature": self._settings.temperature,
            "top_p": self._settings.top_p,
            "top_k": self._settings.top_k,
            "repeat_penalty": REPEAT_PENALTY,
        }
        if not tools:  # llama.cpp: "logprobs is not supported with tools + stream"
            sampling |= {"logprobs": True, "top_logprobs": 1}
        return json.dumps(body(self._settings.model, messages, tools, sampling))

    def _generate(self, request: str, put: Callable[[dict[str, Any]], None]) -> None:
        """Run one request in the engine's thread. Raises ChatError, and whatever `put` raises."""
        if self._server is None:
            self._server = load(self._settings)
        failures: list[Exception] = []

        def take(chunk: str) -> bool:
            try:
                put(_checked(json.loads(chunk), self._settings))
            except Exception as error:  # llama.cpp would swallow it
                failures.append(error)
            return bool(failures)

        try:
            self._server.handle_chat_completions(request, take)
        except (RuntimeError, ValueError) as error:
            raise _failed(str(error)) from error
        if failures:
            raise failures.pop()


def _checked(chunk: dict[str, Any], settings: ChatSettings) -> dict[str, Any]:
    """One `chat.completion.chunk`. Raises ChatError for an error object."""
    if (error := chunk.get("error")) is not None:
        if error.get("type") == "exceed_context_size_error":
            needed = error.get("n_prompt_tokens")
            raise ChatError(
                "chat-context-full",
                "This is too long for the language model.",
                f"Raise chat.context_tokens (now {settings.context_tokens}) above {needed}.",
            )
        raise _failed(str(error.get("message", error)))
    return chunk


def _failed(reason: str) -> ChatError:
    return ChatError("chat-failed", "The language model failed.", f"llama.cpp says: {reason}")


# ── loading ─────────────────────────────────────────────────────────────────────────────────────


def load(settings: ChatSettings) -> Any:
    """A loaded `xllamacpp.Server`, which nobody but its owner can reach. Raises ChatError, or EngineError of `locate`.

    It insists on listening. So it listens on a Unix socket in a private directory which is gone when this returns.
    """
    os.environ.setdefault("GOMP_SPINCOUNT", SPIN_COUNT)  # read when xllamacpp loads OpenMP
    try:
        import xllamacpp
    except ImportError as error:
        raise ChatError(
            "chat-load-failed", "llama.cpp could not be loaded.", f"Run: sudo apt-get install libgomp1 ({error})"
        ) from error
    params = _parameters(xllamacpp, settings)
    with TemporaryDirectory(prefix="voxspark-") as private:
        params.hostnames = [f"{private}/llama.sock"]
        try:
            return xllamacpp.Server(params)
        except RuntimeError as error:
            raise ChatError(
                "chat-load-failed",
                "The language model could not be loaded.",
                f"Is {params.model.path} a whole GGUF file, and is there memory for it? ({error})",
            ) from error


def _weights(model: str) -> Path:
    if model.startswith(BUNDLED_PREFIX):
        return locate(model.removeprefix(BUNDLED_PREFIX))
    path = Path(model).expanduser()
    if not path.is_file():
        raise ChatError(
            "chat-model-missing", f"There is no language model at {path}.", "Set chat.model to the path of a GGUF file."
        )
    return path


def _parameters(xllamacpp: Any, settings: ChatSettings) -> Any:
    """`CommonParams`: one slot, no listener of use to others, and no more memory than it takes."""
    params = xllamacpp.CommonParams()
    params.model.path = str(_weights(settings.model))
    params.n_ctx = settings.context_tokens
    params.n_parallel = 1
    params.cache_ram_mib = 0  # the default keeps up to 8 GiB of old prompts
    params.verbosity = -1
    params.ui = False
    params.endpoint_slots = False
    params.api_keys = [secrets.token_urlsafe()]
    params.n_threads_http = 1
    for cpu in (params.cpuparams, params.cpuparams_batch):
        cpu.n_threads = settings.threads or min(os.cpu_count() or 1, 4)
    if not _has_gpu(xllamacpp):
        params.n_gpu_layers = 0
        params.fit_params = False
        params.n_batch = params.n_ubatch = CPU_BATCH_TOKENS
    if settings.model.startswith(BUNDLED_PREFIX):  # saves 25 MB; not every other model has heads of the right size
        params.flash_attn_type = xllamacpp.llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_ENABLED
        params.cache_type_k = params.cache_type_v = xllamacpp.ggml_type.GGML_TYPE_Q8_0
    return params


def _has_gpu(xllamacpp: Any) -> bool:
    kinds = xllamacpp.ggml_backend_dev_type
    gpus = (kinds.GGML_BACKEND_DEVICE_TYPE_GPU, kinds.GGML_BACKEND_DEVICE_TYPE_IGPU)
    return any(device["type"] in gpus for device in xllamacpp.get_device_info())
