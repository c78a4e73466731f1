"""What a test says to the Ollama for tests, and what it reads of it: models, replies, downloads, exchanges."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import anyio

LOAD_OOM = (
    "llama-server process has terminated: exit status 1: "
    "ggml_backend_cuda_buffer_type_alloc_buffer: allocating 19456.00 MiB on device 0: cudaMalloc failed: out of memory"
)
"""What a load says that does not fit (ollama@fb30760996 llm/llama_server.go, waitUntilRunning)."""

RUN_OOM = "an error was encountered while running the model: CUDA error: out of memory"
"""What a generation says that runs out of memory: Ollama then drops every model it holds, pinned ones too."""

DIED = "llama runner process has terminated"

ONE_SLOT_FAMILIES = frozenset(
    ("mllama", "qwen3vl", "qwen3vlmoe", "qwen35", "qwen35moe", "qwen3next", "lfm2", "lfm2moe", "nemotron_h")
)
"""Whatever OLLAMA_NUM_PARALLEL says (ollama@fb30760996 server/sched.go, load)."""


@dataclass(frozen=True)
class Served:
    """One model on the disk of the server; the figures of qwen3:8b where nothing is said."""

    capabilities: tuple[str, ...] = ("completion", "tools", "thinking")
    weights_bytes: int = 5_225_388_164
    kv_bytes_per_token: int = 147_456
    family: str = "qwen3"
    context_length: int = 40_960
    """Tokens it was trained on: `num_ctx` is cut to it."""
    parameter_size: str = "8.2B"
    quantization: str = "Q4_K_M"
    embedding_length: int = 768
    load_seconds: float = 0.0
    load_hold: anyio.Event | None = None
    """A load waits for it: slow loads, without a clock."""

    @property
    def is_gpt_oss(self) -> bool:
        """Cannot stop thinking, and takes levels instead of yes and no."""
        return self.family == "gptoss"

    def slots(self, parallel: int) -> int:
        """How many requests one runner of it serves at once."""
        return parallel if "completion" in self.capabilities and self.family not in ONE_SLOT_FAMILIES else 1

    def size_bytes(self, context_tokens: int, slots: int) -> int:
        """Memory of a loaded copy."""
        return self.weights_bytes + self.kv_bytes_per_token * context_tokens * slots


@dataclass(frozen=True)
class Call:
    """One tool call of the model."""

    name: str
    arguments: dict[str, Any] = field(default_factory=dict)
    id: str = "call_a1b2c3d4"


Ending = Literal["done", "error", "cut_line", "clean_death", "reset"]
"""How a stream ends: as it should; with an error object; inside a line; without a last frame; with the connection."""


@dataclass
class Reply:
    """A scripted answer: thoughts, then text, then tool calls."""

    deltas: tuple[str, ...] = ("Hello", " there.")
    thinking: tuple[str, ...] = ()
    """Sent whatever the request says of `think`: some models do it anyway (ollama#12917)."""
    calls: tuple[Call, ...] = ()
    calls_in: Literal["one", "each", "done"] = "one"
    """All in one frame, one frame each, or in the last frame."""
    index_stuck: bool = False
    """Every call says index 0 (ollama#16212)."""
    logprobs: tuple[float, ...] = (-0.25,)
    """Of its tokens, in turn, again and again; told where the request asks for them."""
    done_reason: str = "stop"
    ending: Ending = "done"
    error: str = DIED
    """Of the ending `error`. With "out of memory" in it every model is dropped."""
    hold: anyio.Event | None = None
    """The stream waits for it after its first delta: slow tokens, without a clock."""
    silent: bool = False
    """Nothing is sent before `hold` is set, not even the head."""


@dataclass
class Refusal:
    """An HTTP error, after the model was loaded."""

    status: int
    error: str


@dataclass
class Pull:
    """How the download of one tag goes."""

    layers: tuple[int, ...] = (5_225_388_164, 1_482, 18_445)
    """Bytes of each."""
    cut_after: int | None = None
    """The connection breaks, once, when so many bytes of all layers are there; the next pull goes on from them."""
    error: str | None = None
    """Sent in place of the layers, under HTTP 200."""
    hold: anyio.Event | None = None
    """The download waits for it after its first piece."""
    served: Served = field(default_factory=Served)
    """The model that is there afterwards."""
    done_bytes: int = 0
    """What has been downloaded so far."""


@dataclass
class Exchange:
    """One request and what was answered."""

    method: str
    path: str
    request: dict[str, Any]
    headers: dict[str, str] = field(default_factory=dict)
    """Of the request, by their names in small letters."""
    status: int = 0
    streamed: bool = False
    frames: list[dict[str, Any]] = field(default_factory=list)
    prompt: list[dict[str, Any]] = field(default_factory=list)
    """The messages that the model saw: without those that Ollama left out."""
    prompt_tokens: int = 0
    finished: bool = False
    """The client was told that the answer is whole."""


@dataclass(frozen=True)
class Loading:
    """One load of a model."""

    model: str
    causes: tuple[str, ...]
    """The options that differ from those it was loaded with; empty when it was not in memory."""
    context_tokens: int


class ApiError(Exception):
    """Ollama answers with an HTTP error."""

    def __init__(self, status: int, error: str) -> None:
        super().__init__(error)
        self.status = status
        self.error = error
