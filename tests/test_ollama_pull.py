"""Downloads through Ollama: progress, cuts, and when to give up."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ollama import ProgressResponse

from tests.ollama_clients import answering, client_of
from tests.ollama_server import OllamaServer, Pull, ollama_server
from voxspark.engines.ollama.client import (
    OllamaClient,
    PullProgress,
)
from voxspark.engines.ollama.pull import FRUITLESS_ATTEMPTS, Layers
from voxspark.errors import EngineError


@pytest.fixture
async def server(anyio_backend: str) -> AsyncIterator[OllamaServer]:
    """On leaving, everything said to and by it is checked against the contract."""
    async with ollama_server() as running:
        yield running


@pytest.fixture
async def client(server: OllamaServer) -> AsyncIterator[OllamaClient]:
    async with client_of(server) as made:
        yield made


async def progress(client: OllamaClient, model: str) -> list[PullProgress]:
    async with aclosing(client.pull(model)) as reports:
        return [report async for report in reports]


@pytest.mark.anyio
async def test_a_download_is_told_over_all_layers(server: OllamaServer, client: OllamaClient) -> None:
    server.pulls["qwen3:14b"] = Pull(layers=(1000, 10, 200))
    reports = await progress(client, "qwen3:14b")
    assert reports[0] == PullProgress("pulling manifest", 0, 0)
    assert reports[-1] == PullProgress("success", 1210, 1210)
    assert any(report.status.startswith("pulling ") and report.total_bytes == 1000 for report in reports)
    assert "qwen3:14b" in [model.name for model in await client.pulled()]


@pytest.mark.anyio
@pytest.mark.parametrize("cut_after", [0, 500, 1005])
async def test_a_cut_download_goes_on(server: OllamaServer, client: OllamaClient, cut_after: int) -> None:
    server.pulls["qwen3:14b"] = Pull(layers=(1000, 10, 200), cut_after=cut_after)
    reports = await progress(client, "qwen3:14b")
    assert reports[-1] == PullProgress("success", 1210, 1210)
    done = [report.completed_bytes for report in reports]
    assert done == sorted(done)
    assert server.paths() == ["/api/pull", "/api/pull"]


class FrayedPull(Pull):
    """Breaks every 100 bytes, up to 900."""

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "cut_after" and value is None and self.done_bytes < 900:
            value = self.done_bytes + 100
        super().__setattr__(name, value)


@pytest.mark.anyio
async def test_a_download_that_gets_on_is_never_given_up(server: OllamaServer, client: OllamaClient) -> None:
    server.pulls["qwen3:14b"] = FrayedPull(layers=(1000,), cut_after=100)
    assert (await progress(client, "qwen3:14b"))[-1] == PullProgress("success", 1000, 1000)
    assert server.paths().count("/api/pull") == 10 > FRUITLESS_ATTEMPTS


@pytest.mark.anyio
async def test_a_download_that_ends_without_success_has_failed(anyio_backend: str) -> None:
    async with answering(b'{"status":"pulling manifest"}\n') as host, client_of(host) as client:
        with pytest.raises(EngineError) as caught:
            await progress(client, "qwen3:14b")
    assert caught.value.code == "pull-failed"


@pytest.mark.anyio
async def test_a_download_outlives_ollama(server: OllamaServer, client: OllamaClient) -> None:
    server.pulls["qwen3:14b"] = Pull(layers=(1000,), hold=anyio.Event())
    async with aclosing(client.pull("qwen3:14b")) as reports:
        while (await anext(reports)).completed_bytes == 0:
            pass
        await server.stop()
        server.pulls["qwen3:14b"].hold = None
        await server.start()
        assert [report async for report in reports][-1] == PullProgress("success", 1000, 1000)


@pytest.mark.anyio
async def test_a_download_that_gets_nowhere_is_given_up(server: OllamaServer, client: OllamaClient) -> None:
    server.pulls["qwen3:14b"] = Pull(error="max retries exceeded: dial tcp: no such host")
    with pytest.raises(EngineError) as caught:
        await progress(client, "qwen3:14b")
    assert caught.value.code == "pull-failed"
    assert "no such host" in caught.value.remedy
    assert server.paths() == ["/api/pull"] * FRUITLESS_ATTEMPTS


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("reason", "code"),
    [
        ("pull model manifest: file does not exist", "model-unknown"),
        ("write /root/.ollama/blob: no space left on device", "disk-full"),
        ("pull model manifest: 412: requires a newer version of Ollama", "ollama-too-old"),
    ],
)
async def test_what_asking_again_does_not_cure(
    server: OllamaServer, client: OllamaClient, reason: str, code: str
) -> None:
    server.pulls["qwen3:14b"] = Pull(error=reason)
    with pytest.raises(EngineError) as caught:
        await progress(client, "qwen3:14b")
    assert caught.value.code == code
    assert server.paths() == ["/api/pull"]


@pytest.mark.anyio
async def test_nobody_to_download_is_said_at_once(server: OllamaServer) -> None:
    await server.stop()
    async with client_of(server, backoff_seconds=3600) as client:
        with pytest.raises(EngineError) as caught, anyio.fail_after(5):
            await progress(client, "qwen3:14b")
    assert caught.value.code == "ollama-unreachable"


@pytest.mark.anyio
async def test_closing_a_download_stops_it(server: OllamaServer, client: OllamaClient) -> None:
    server.pulls["qwen3:14b"] = Pull(layers=(1000,), hold=anyio.Event())
    async with aclosing(client.pull("qwen3:14b")) as reports:
        await anext(reports)
    with anyio.fail_after(5):
        await server.left_early.wait()


LINES = st.builds(
    ProgressResponse,
    status=st.none() | st.just("pulling"),
    digest=st.none() | st.sampled_from(["a", "b", "c"]),
    total=st.none() | st.integers(0, 1000),
    completed=st.none() | st.integers(0, 2000),
)


@given(lines=st.lists(LINES, max_size=30))
def test_progress_never_goes_back_nor_beyond_the_whole(lines: list[ProgressResponse]) -> None:
    layers = Layers()
    before = PullProgress("", 0, 0)
    for line in lines:
        now = layers.heard(line)
        assert before.completed_bytes <= now.completed_bytes <= now.total_bytes
        assert before.total_bytes <= now.total_bytes
        before = now
