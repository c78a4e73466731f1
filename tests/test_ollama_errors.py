"""Everything that can go wrong between us and an Ollama has a code, a sentence and a remedy."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import httpx
import pytest
from ollama import ResponseError

from tests.ollama_clients import answering, client_of, parts
from tests.ollama_server import OllamaServer, ollama_server
from voxspark.engines.ollama.client import (
    ModelOptions,
    Shown,
)
from voxspark.engines.ollama.errors import Edge
from voxspark.errors import ChatError, EngineError


@pytest.fixture
async def server(anyio_backend: str) -> AsyncIterator[OllamaServer]:
    """On leaving, everything said to and by it is checked against the contract."""
    async with ollama_server() as running:
        yield running


def converted(error: Exception, model: str = "qwen3:8b") -> EngineError:
    """What an exception at the edge is for the rest of the program."""
    with pytest.raises(EngineError) as caught, Edge("http://spark:11434", ChatError).converting(model):
        raise error
    assert caught.value.__cause__ is error
    assert isinstance(caught.value, ChatError)
    assert caught.value.message.endswith(".")
    assert caught.value.remedy
    return caught.value


@pytest.mark.parametrize(
    ("status", "reason", "code"),
    [
        (400, '"m" does not support tools', "ollama-rejected"),
        (401, "unauthorized", "ollama-rejected"),
        (404, "model 'm' not found", "chat-model-missing"),
        (499, "request canceled", "ollama-interrupted"),
        (500, "llama runner process has terminated", "ollama-failed"),
        (502, "<html>Bad Gateway</html>", "ollama-failed"),
        (503, "server busy, please try again.  maximum pending requests exceeded", "ollama-busy"),
        (-1, "llama runner process has terminated", "ollama-failed"),
        (-1, "CUDA error: out of memory", "ollama-out-of-memory"),
        (500, "model requires more system memory (19.1 GiB) than is available (1.0 GiB)", "ollama-out-of-memory"),
        (500, "unable to load model: vk_error_out_of_device_memory", "ollama-out-of-memory"),
        (400, "the input length exceeds the context length", "chat-context-full"),
        (413, "the input length exceeds the context length", "chat-context-full"),
        (400, "request (9 tokens) exceeds the available context size (8 tokens)", "chat-context-full"),
        (400, "the prompt is longer than the context length currently available", "chat-context-full"),
        (500, "no user query found in messages", "chat-context-full"),
        (-1, "failed to parse JSON: unexpected end of JSON input", "chat-call-garbled"),
    ],
)
def test_every_refusal_has_a_code(status: int, reason: str, code: str) -> None:
    assert converted(ResponseError(reason, status)).code == code


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConnectionError("Failed to connect to Ollama."), "ollama-unreachable"),
        (httpx.ConnectError("refused"), "ollama-unreachable"),
        (httpx.ConnectTimeout("slow"), "ollama-unreachable"),
        (httpx.ReadTimeout("slow"), "chat-timeout"),
        (httpx.ReadError("reset"), "ollama-interrupted"),
        (httpx.RemoteProtocolError("closed"), "ollama-interrupted"),
        (json.JSONDecodeError("half a line", "{", 1), "ollama-garbled"),
        (TypeError("a list"), "ollama-garbled"),
        (AttributeError("a list has no get"), "ollama-garbled"),
    ],
)
def test_every_exception_has_a_code(error: Exception, code: str) -> None:
    assert converted(error).code == code


def test_a_long_reason_is_cut_and_put_in_one_line() -> None:
    remedy = converted(ResponseError("panic:\n" + "goroutine " * 500, 500)).remedy
    assert "\n" not in remedy
    assert len(remedy) < 400


@pytest.mark.anyio
async def test_our_own_errors_have_the_class_that_was_asked_for(server: OllamaServer) -> None:
    async with client_of(server, error=EngineError) as client:
        with pytest.raises(EngineError) as caught:
            await client.preload(ModelOptions(model="none", context_tokens=1))
    assert (type(caught.value), caught.value.code) == (EngineError, "chat-model-missing")


@pytest.mark.anyio
@pytest.mark.parametrize("body", [b"<html>", b"[]", b"null", b'{"models": 1}', b'{"error": {"message": "no"}}', b"{}"])
async def test_what_is_not_ollama(anyio_backend: str, body: bytes) -> None:
    """Some other server at the address: each answer is refused with an error of ours."""
    codes = []
    async with answering(body) as host, client_of(host) as client:
        client._shown["qwen3:8b"] = Shown()
        for call in (client.version, client.running, client.pulled, lambda: parts(client)):
            with pytest.raises(EngineError) as caught:
                await call()
            codes.append(caught.value.code)
    assert set(codes) == {"ollama-garbled"}
