"""What is said to Ollama and told by it, as values."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from voxspark.engines.sendable import encodable
from voxspark.types import Message, ToolCall

RELOADING = frozenset(
    {"num_ctx", "num_batch", "num_gpu", "main_gpu", "use_mmap", "num_thread", "draft_num_predict", "shift"}
)
"""Options of which any change loads the model again (spark.md 3.5)."""

GPT_OSS = frozenset({"gptoss", "gpt-oss"})
"""Families that think always, and only take `low`, `medium` or `high`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelOptions:
    """How one model is run. Every caller uses the same value, or they make each other reload it (spark.md 3.5)."""

    model: str
    """Its tag."""
    context_tokens: int
    """`num_ctx` of one slot."""
    keep_alive: str = "-1"
    """`-1` for ever, seconds, or a duration like `5m`; the newest request's wins, so it is sent with each."""
    cpu: bool = False
    """Put no layer on the GPU."""
    sampling: Mapping[str, float | int] = field(default_factory=dict)
    """`temperature`, `top_p`, `top_k`, `num_predict` and the like, which never reload."""

    def __post_init__(self) -> None:
        if wrong := RELOADING & self.sampling.keys():
            raise ValueError(f"{sorted(wrong)} would reload the model")

    def runner(self) -> dict[str, Any]:
        """The options that a load is made with."""
        return {"num_ctx": self.context_tokens, **({"num_gpu": 0} if self.cpu else {})}

    def keep_alive_value(self) -> int | str:
        """For chats: the string `-1` is an error there (spark.md 3.2)."""
        try:
            return int(self.keep_alive)
        except ValueError:
            return self.keep_alive

    def keep_alive_duration(self) -> str:
        """For embeddings, where the contract wants a duration."""
        value = self.keep_alive_value()
        return f"{value}s" if isinstance(value, int) else value


@dataclass(frozen=True, slots=True)
class ChatPart:
    """A piece of an answer. Tool calls come whole, in any piece, the last one too."""

    text: str = ""
    thinking: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    done: bool = False
    done_reason: str = ""
    """Of the last piece: `stop`, `length`, `load` or `unload`."""
    prompt_tokens: int = 0
    """Of the last piece, like what follows."""
    reply_tokens: int = 0
    load_seconds: float = 0.0
    logprobs: tuple[float, ...] = ()
    """Of the tokens in this piece, where they were asked for."""


@dataclass(frozen=True, slots=True)
class Running:
    """A model in Ollama's memory."""

    name: str
    bytes: int
    gpu_bytes: int
    """Less than `bytes` when part of it is on the CPU."""
    context_tokens: int
    """Of one slot, as it was loaded; 0 where not told."""


@dataclass(frozen=True, slots=True)
class Pulled:
    """A model on Ollama's disk."""

    name: str
    bytes: int


@dataclass(frozen=True, slots=True)
class Shown:
    """What a model is; 0 or empty where Ollama does not tell."""

    capabilities: frozenset[str] = frozenset()
    """Of `completion`, `tools`, `insert`, `vision`, `embedding`, `thinking`, `image`, `audio`."""
    context_tokens: int = 0
    """The most it can read."""
    layers: int = 0
    kv_heads: int = 0
    """The most of any layer."""
    head_dim: int = 0
    quantisation: str = ""
    family: str = ""

    @property
    def embeds_only(self) -> bool:
        return "embedding" in self.capabilities and "completion" not in self.capabilities


def full_name(model: str) -> str:
    """As `/api/ps` and `/api/tags` call it: a name without a tag is its `latest`."""
    return model if ":" in model.rpartition("/")[2] else f"{model}:latest"


def wire_messages(messages: Sequence[Message]) -> list[dict[str, Any]]:
    """As `/api/chat` wants them. A message with calls goes without its text: Qwen3's template shows only one of the
    two, and it would be the wrong one (agent.md 1.1)."""
    wire: list[dict[str, Any]] = []
    for message in messages:
        row: dict[str, Any] = {
            "role": message.role,
            "content": "" if message.tool_calls else encodable(message.content),
        }
        if message.tool_calls:
            row["tool_calls"] = [
                {"function": {"name": call.name, "arguments": dict(call.arguments)}} for call in message.tool_calls
            ]
        if message.tool:
            row["tool_name"] = message.tool
        if message.call_id:
            row["tool_call_id"] = message.call_id
        if message.images:
            row["images"] = [base64.b64encode(image).decode() for image in message.images]
        wire.append(row)
    return wire


def part_of(**frame: Any) -> ChatPart:
    """From one frame of `/api/chat`. Raises ValueError for what is none."""
    from ollama import ChatResponse

    told = ChatResponse(**frame)
    message = told.message
    ids = [call.get("id") or "" for call in frame["message"].get("tool_calls") or ()]  # `ollama` drops them
    calls = [(call.function.name, call.function.arguments) for call in message.tool_calls or ()]
    return ChatPart(
        text=message.content or "",
        thinking=message.thinking or "",
        tool_calls=tuple(ToolCall(*call, id) for call, id in zip(calls, ids, strict=True)),
        done=bool(told.done),
        done_reason=told.done_reason or "",
        prompt_tokens=told.prompt_eval_count or 0,
        reply_tokens=told.eval_count or 0,
        load_seconds=(told.load_duration or 0) / 1e9,
        logprobs=tuple(float(each["logprob"]) for each in frame.get("logprobs") or ()),
    )


def shown_of(**answer: Any) -> Shown:
    """From an answer of `/api/show`."""
    info: Mapping[str, Any] = answer.get("model_info") or {}
    details: Mapping[str, Any] = answer.get("details") or {}
    architecture = info.get("general.architecture") or details.get("family") or ""

    def number(key: str) -> int:
        value = info.get(f"{architecture}.{key}")
        numbers = [each for each in (value if isinstance(value, list) else [value]) if isinstance(each, int)]
        return max(numbers, default=0)

    heads = number("attention.head_count")
    return Shown(
        capabilities=frozenset(map(str, answer.get("capabilities") or ())),
        context_tokens=number("context_length"),
        layers=number("block_count"),
        kv_heads=number("attention.head_count_kv") or heads,
        head_dim=number("attention.key_length") or (number("embedding_length") // heads if heads else 0),
        quantisation=str(details.get("quantization_level") or ""),
        family=str(architecture),
    )
