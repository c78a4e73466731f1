"""The JSON that Ollama sends, field by field (docs/openapi.yaml, api/types.go of ollama@fb30760996)."""

from __future__ import annotations

import hashlib
from typing import Any

from tests.ollama_memory import Runner
from tests.ollama_values import Call, Served

CREATED_AT = "2026-11-24T09:30:00.123456Z"


def digest_of(name: str) -> str:
    """A sha256 in hex: always the same for a name."""
    return hashlib.sha256(name.encode()).hexdigest()


def chat_frame(model: str, message: dict[str, Any]) -> dict[str, Any]:
    """One event of /api/chat."""
    message = {"role": "assistant", "content": "", **message}
    return {"model": model, "created_at": CREATED_AT, "message": message, "done": False}


def rendered(model: str, prompt: str) -> dict[str, Any]:
    """The whole answer to `_debug_render_only`: nothing is generated."""
    return {**chat_frame(model, {}), "_debug_info": {"rendered_template": prompt}}


def generate_frame(model: str, message: dict[str, Any]) -> dict[str, Any]:
    """One event of /api/generate."""
    thinking = {"thinking": message["thinking"]} if "thinking" in message else {}
    return {"model": model, "created_at": CREATED_AT, "response": message.get("content", ""), **thinking, "done": False}


def ended(frame: dict[str, Any], reason: str) -> dict[str, Any]:
    """A frame as the last one: after a load or an unload it says no more than this."""
    return {**frame, "done": True, "done_reason": reason}


def measured(prompt_tokens: int, tokens: int) -> dict[str, Any]:
    """What the last frame of a generation adds; durations in nanoseconds. Zeros are left out, as in Go."""
    figures = {
        "total_duration": 174_560_334,
        "load_duration": 101_397_084,
        "prompt_eval_count": prompt_tokens,
        "prompt_eval_duration": 13_074_791,
        "eval_count": tokens,
        "eval_duration": 52_479_709,
    }
    return {name: value for name, value in figures.items() if value}


def logprob(token: str, value: float) -> dict[str, Any]:
    """Of one token."""
    return {"token": token, "logprob": value, "bytes": list(token.encode(errors="replace"))}


def tool_call(call: Call, index: int) -> dict[str, Any]:
    """`arguments` is an object, never text."""
    return {"id": call.id, "function": {"index": index, "name": call.name, "arguments": call.arguments}}


def details(served: Served) -> dict[str, Any]:
    """Of /api/show and /api/ps."""
    return {
        "parent_model": "",
        "format": "gguf",
        "family": served.family,
        "families": [served.family],
        "parameter_size": served.parameter_size,
        "quantization_level": served.quantization,
    }


def summary(name: str, served: Served) -> dict[str, Any]:
    """A row of /api/tags."""
    return {
        "name": name,
        "model": name,
        "modified_at": CREATED_AT,
        "size": served.weights_bytes,
        "digest": digest_of(name),
        "details": details(served),
    }


def running(runner: Runner) -> dict[str, Any]:
    """A row of /api/ps."""
    return {
        "name": runner.model,
        "model": runner.model,
        "size": runner.size_bytes,
        "digest": digest_of(runner.model),
        "details": details(runner.wish.served),
        "expires_at": runner.expires_at(),
        "size_vram": runner.size_vram_bytes,
        "context_length": runner.context_tokens,
    }


def shown(served: Served) -> dict[str, Any]:
    """Of /api/show. The geometry in `model_info` gives `kv_bytes_per_token` at 16 bits."""
    layers, head_dim = 36, 128
    return {
        "parameters": "temperature 0.6\ntop_p 0.95",
        "license": "Apache-2.0",
        "modified_at": CREATED_AT,
        "details": details(served),
        "template": "{{ .Prompt }}",
        "capabilities": list(served.capabilities),
        "model_info": {
            "general.architecture": served.family,
            f"{served.family}.block_count": layers,
            f"{served.family}.context_length": served.context_length,
            f"{served.family}.embedding_length": served.embedding_length,
            f"{served.family}.attention.head_count": 32,
            f"{served.family}.attention.head_count_kv": served.kv_bytes_per_token // (layers * head_dim * 4),
            f"{served.family}.attention.key_length": head_dim,
            f"{served.family}.attention.value_length": head_dim,
        },
    }


def embedding(text: str, length: int) -> list[float]:
    """The same unit vector for the same text."""
    numbers: list[float] = []
    while len(numbers) < length:
        block = hashlib.sha256(f"{len(numbers)} {text}".encode(errors="replace")).digest()
        numbers += [byte / 127.5 - 1 for byte in block]
    return normalized(numbers[:length])


def normalized(vector: list[float]) -> list[float]:
    """Of length 1."""
    length = max(sum(number * number for number in vector) ** 0.5, 1e-12)
    return [number / length for number in vector]
