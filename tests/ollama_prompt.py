"""How much of a conversation reaches the model (server/prompt.go and llm/llama_server.go of ollama@fb30760996).

- The oldest messages are left out, without a word, until the rest fits; system messages and the last one always stay.
- What is still too long is cut in the middle to about half the context, or refused where `shift` is false.
- With `truncate: false` nothing is left out; llama-server refuses, and its own JSON is the text of the error.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Literal

from tests.ollama_values import ApiError

IMAGE_TOKENS = 768
"""Ollama's own guess."""

KEPT_TOKENS = 4
"""`num_keep`: of the front, when the middle is cut out."""

TOO_LONG = (
    "the prompt is longer than the context length currently available to the model; shorten the prompt, adjust the"
    " context length in settings, or use a model with a longer context length"
)

Messages = list[dict[str, Any]]

Renders = Literal["json", "go", "own", "nothing", "unknown"]
"""Tools in a prompt: as JSON (Jinja); as Go prints a struct (ollama#14601); in words of the model's own (GPT-OSS); not
at all. `unknown`: this Ollama is too old for the question, and generates."""


def count_tokens(messages: Sequence[dict[str, Any]], tools: Sequence[dict[str, Any]] = ()) -> int:
    """A simple measure: a token for four characters, four for each message, the tools as JSON."""
    said = sum(4 + len(message.get("content", "")) // 4 for message in messages)
    seen = sum(IMAGE_TOKENS * len(message.get("images", ())) for message in messages)
    return said + seen + sum(len(json.dumps(tool)) // 4 for tool in tools)


def fit(request: dict[str, Any], messages: Messages, context_tokens: int) -> tuple[Messages, int]:
    """The messages that stay, and the tokens of their prompt. Raises ApiError."""
    tools = request.get("tools") or []
    tokens = count_tokens(messages, tools)
    if tokens <= context_tokens:
        return messages, tokens
    if request.get("truncate") is False:
        raise ApiError(400, _refused_by_llama_server(tokens, context_tokens))
    kept = _without_the_oldest(messages, tools, context_tokens)
    if not any(message["role"] == "user" for message in kept) and any(m["role"] == "user" for m in messages):
        raise ApiError(500, "no user query found in messages")  # a template of Qwen's, ollama#18107
    tokens = count_tokens(kept, tools)
    if tokens <= context_tokens:
        return kept, tokens
    if request.get("shift") is False:
        raise ApiError(400, TOO_LONG)
    return kept, context_tokens - max((context_tokens - KEPT_TOKENS) // 2, 1)


def render(request: dict[str, Any], how: Renders) -> str:
    """The prompt of Qwen3's template."""
    tools = "\n".join(_shown(tool["function"], how) for tool in request.get("tools") or ())
    said = [f"<|im_start|>{each['role']}\n{each.get('content', '')}<|im_end|>\n" for each in request["messages"]]
    return (
        f"<|im_start|>system\n# Tools\n\n<tools>\n{tools}\n</tools><|im_end|>\n{''.join(said)}<|im_start|>assistant\n"
    )


def _shown(function: dict[str, Any], how: Renders) -> str:
    name, description, parameters = (function.get(key, "") for key in ("name", "description", "parameters"))
    match how:
        case "go":
            known = " ".join(f"{each} {{[{each}]}}" for each in parameters["properties"])
            dump = f"{{{name} {description} {{object [{' '.join(parameters['properties'])}] map[{known}]}}}}"
            return f'{{"type": "function", "function": {dump}}}'
        case "own":
            return f"// {description}\ntype {name} = (_: {{}}) => any;"
        case "nothing":
            return ""
    return json.dumps({"type": "function", "function": function})


def _without_the_oldest(messages: Messages, tools: Sequence[dict[str, Any]], context_tokens: int) -> Messages:
    kept = messages
    for first in range(len(messages)):
        kept = [message for message in messages[:first] if message["role"] == "system"] + messages[first:]
        if count_tokens(kept, tools) <= context_tokens:
            break
    return kept


def _refused_by_llama_server(tokens: int, context_tokens: int) -> str:
    message = (
        f"request ({tokens} tokens) exceeds the available context size ({context_tokens} tokens), try increasing it"
    )
    error = {
        "code": 400,
        "message": message,
        "type": "exceed_context_size_error",
        "n_prompt_tokens": tokens,
        "n_ctx": context_tokens,
    }
    return json.dumps({"error": error}, separators=(",", ":"))
