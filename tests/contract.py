"""Checks requests and answers against Ollama's OpenAPI document, and against what it leaves out.

The document names too little: fields that Ollama takes or sends and it does not know stand in `BEYOND`, each with its
source. Whatever is in neither is a violation: a field that is renamed, in a request of ours, in an answer of the server
for tests or in the document, is found.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from tests.ollama_values import Exchange

DOCUMENT = Path(__file__).parent / "contracts" / "ollama-openapi.yaml"

Schema = Mapping[str, Any]

TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "null": (type(None),),
}

STRING: Schema = {"type": "string"}
INTEGER: Schema = {"type": "integer"}
NUMBER: Schema = {"type": "number"}
BOOLEAN: Schema = {"type": "boolean"}
STRINGS: Schema = {"type": "array", "items": STRING}

LOGPROBS: Schema = {"type": "array", "items": {"$ref": "#/components/schemas/Logprob"}}

TYPES_GO = "api/types.go of ollama@fb30760996"
API_MD = "docs/api.md of ollama@fb30760996"
OPTIONS_GO = f"{TYPES_GO}, Options and Runner"
DETAILS: Schema = {
    "type": "object",
    "properties": {
        **dict.fromkeys(("parent_model", "format", "family", "parameter_size", "quantization_level"), STRING),
        **dict.fromkeys(("context_length", "embedding_length"), INTEGER),
        "families": STRINGS,
    },
}
DEBUG_INFO: Schema = {"type": "object", "properties": {"rendered_template": STRING, "image_count": INTEGER}}
NUMBERED = (
    "total_duration",
    "load_duration",
    "prompt_eval_count",
    "prompt_eval_duration",
    "eval_count",
    "eval_duration",
)

BEYOND: dict[str, dict[str, tuple[Schema, str]]] = {
    "ChatRequest": {
        "truncate": (BOOLEAN, f"{TYPES_GO}, ChatRequest"),
        "shift": (BOOLEAN, f"{TYPES_GO}, ChatRequest"),
        "_debug_render_only": (BOOLEAN, f"{TYPES_GO}, ChatRequest"),
    },
    "GenerateRequest": {
        "truncate": (BOOLEAN, f"{TYPES_GO}, GenerateRequest"),
        "shift": (BOOLEAN, f"{TYPES_GO}, GenerateRequest"),
        "template": (STRING, f"{TYPES_GO}, GenerateRequest"),
        "context": ({"type": "array", "items": INTEGER}, f"{TYPES_GO}, GenerateRequest"),
        "_debug_render_only": (BOOLEAN, f"{TYPES_GO}, GenerateRequest"),
    },
    "ChatResponse": {"_debug_info": (DEBUG_INFO, f"{TYPES_GO}, ChatResponse")},
    "EmbedRequest": {"keep_alive": ({"oneOf": [STRING, NUMBER]}, f"{TYPES_GO}, Duration.UnmarshalJSON")},
    "ChatMessage": {
        "thinking": (STRING, f"{TYPES_GO}, Message"),
        "tool_name": (STRING, f"{TYPES_GO}, Message"),
        "tool_call_id": (STRING, f"{TYPES_GO}, Message"),
    },
    "ToolCall": {"id": (STRING, f"{TYPES_GO}, ToolCall")},
    "ToolCall.function": {"index": (INTEGER, f"{TYPES_GO}, ToolCallFunction")},
    "ModelOptions": {
        **dict.fromkeys(("num_batch", "num_gpu", "main_gpu", "num_thread"), (INTEGER, OPTIONS_GO)),
        **dict.fromkeys(("num_keep", "repeat_last_n", "draft_num_predict"), (INTEGER, OPTIONS_GO)),
        **dict.fromkeys(("typical_p", "repeat_penalty", "presence_penalty"), (NUMBER, OPTIONS_GO)),
        "frequency_penalty": (NUMBER, OPTIONS_GO),
        "use_mmap": (BOOLEAN, OPTIONS_GO),
        "mirostat": (INTEGER, "docs/modelfile.mdx; taken and ignored"),
    },
    "GenerateStreamEvent": {"logprobs": (LOGPROBS, f"{TYPES_GO}, GenerateResponse")},
    "ChatStreamEvent": {
        "logprobs": (LOGPROBS, f"{TYPES_GO}, ChatResponse"),
        "done_reason": (STRING, f"{API_MD}, the last event of a stream"),
        **dict.fromkeys(NUMBERED, (INTEGER, f"{API_MD}, the last event of a stream")),
    },
    "PullRequest": {"name": (STRING, f"{TYPES_GO}, PullRequest")},
    "ShowResponse": {
        "details": (DETAILS, f"{TYPES_GO}, ModelDetails"),
        "modelfile": (STRING, f"{TYPES_GO}, ShowResponse"),
        **dict.fromkeys(("renderer", "parser", "requires"), (STRING, f"{TYPES_GO}, ShowResponse")),
    },
    "Ps": {"details": (DETAILS, f"{TYPES_GO}, ModelDetails")},
    "ModelSummary": {"capabilities": (STRINGS, f"{TYPES_GO}, ListModelResponse")},
    "ModelSummary.details": {
        "parent_model": (STRING, f"{TYPES_GO}, ModelDetails"),
        **dict.fromkeys(("context_length", "embedding_length"), (INTEGER, f"{TYPES_GO}, ModelDetails")),
    },
}
"""By schema, or by a property of one: what it knows as well. Where the document says less of a field, this holds."""

ALWAYS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("ChatResponse", "ChatStreamEvent"), ("model", "created_at", "message", "done")),
    **dict.fromkeys(("GenerateResponse", "GenerateStreamEvent"), ("model", "created_at", "response", "done")),
    "EmbedResponse": ("model", "embeddings"),
    "StatusEvent": ("status",),
    "Ps": ("name", "model", "size", "digest", "details", "expires_at", "size_vram", "context_length"),
    "PsResponse": ("models",),
    "ListResponse": ("models",),
    "ModelSummary": ("name", "model", "modified_at", "size", "digest", "details"),
    "ShowResponse": ("details", "model_info", "capabilities"),
    "VersionResponse": ("version",),
    "ErrorResponse": ("error",),
}
"""What Ollama never leaves out (no `omitempty` in api/types.go), and clients rely on; the document requires nothing."""


@cache
def document() -> Schema:
    """The whole contract."""
    loaded: dict[str, Any] = yaml.safe_load(DOCUMENT.read_text())
    return loaded


def differences(exchange: Exchange, contract: Schema | None = None) -> list[str]:
    """Where a request or its answers leave the contract."""
    return list(Checker(contract or document()).exchange(exchange))


def violations(schema_name: str, value: Any, contract: Schema | None = None) -> list[str]:
    """What is wrong with a value; a property that the schema does not name is wrong too."""
    return list(Checker(contract or document()).named(schema_name, value))


class Checker:
    """Knows the part of OpenAPI and JSON Schema that the document uses."""

    def __init__(self, contract: Schema) -> None:
        self._contract = contract

    def exchange(self, exchange: Exchange) -> Iterator[str]:
        """The schemas are those of the path."""
        place = f"{exchange.method} {exchange.path}"
        operation = self._contract["paths"].get(exchange.path, {}).get(exchange.method.lower())
        if operation is None:
            yield f"{place} is unknown"
            return
        if "requestBody" in operation:
            schema = operation["requestBody"]["content"]["application/json"]["schema"]
            yield from self.check(schema, exchange.request, _name_of(schema))
        elif exchange.request:
            yield f"{place} takes no body"
        kind = "application/x-ndjson" if exchange.streamed else "application/json"
        content = operation["responses"]["200"]["content"]
        for frame in exchange.frames:
            if "error" in frame:
                yield from self.named("ErrorResponse", frame)
            elif kind not in content:
                yield f"{place} does not stream"
            else:
                schema = content[kind]["schema"]
                yield from self.check(schema, frame, _name_of(schema))

    def named(self, name: str, value: Any) -> Iterator[str]:
        """A schema of the document."""
        return self.check({"$ref": f"#/components/schemas/{name}"}, value, name)

    def check(self, schema: Schema, value: Any, path: str, name: str = "") -> Iterator[str]:
        """`path` is for people; `name` is where `BEYOND` may say more."""
        if "$ref" in schema:
            name = _name_of(schema)
            yield from self.check(self._contract["components"]["schemas"][name], value, path, name)
            return
        if choices := schema.get("oneOf") or schema.get("anyOf"):
            if all(list(self.check(choice, value, path)) for choice in choices):
                yield f"{path}: {value!r} is none of the {len(choices)} choices"
            return
        expected = TYPES[schema["type"]] if "type" in schema else (object,)
        is_bool = isinstance(value, bool) and bool not in expected and object not in expected
        if not isinstance(value, expected) or is_bool:
            yield f"{path}: {value!r} is no {schema['type']}"
            return
        if "enum" in schema and value not in schema["enum"]:
            yield f"{path}: {value!r} is not in {schema['enum']}"
        if schema.get("format") == "date-time" and not _is_time(str(value)):
            yield f"{path}: {value!r} is no time"
        if isinstance(value, dict):
            yield from self._check_object(schema, value, path, name)
        if isinstance(value, list) and "items" in schema:
            for index, item in enumerate(value):
                yield from self.check(schema["items"], item, f"{path}[{index}]")

    def _check_object(self, schema: Schema, value: dict[str, Any], path: str, name: str) -> Iterator[str]:
        documented = schema.get("properties", {})
        beyond = {field: more for field, (more, _) in BEYOND.get(name, {}).items()}
        known = {**documented, **beyond}
        for field in {*schema.get("required", ()), *ALWAYS.get(name, ())} - value.keys():
            yield f"{path}.{field} is missing"
        for field, item in value.items():
            if field in known:
                yield from self.check(known[field], item, f"{path}.{field}", f"{name}.{field}")
            elif known:
                yield f"{path}.{field} is unknown"


def _name_of(schema: Schema) -> str:
    return str(schema["$ref"].removeprefix("#/components/schemas/"))


def _is_time(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False
