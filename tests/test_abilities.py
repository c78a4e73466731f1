"""What an Ollama model outside the catalogue can do: asked once, remembered, and what the team makes of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.daemon_process import running_daemon
from tests.ollama_clients import answering, client_of
from tests.ollama_machine import OllamaMachine, ollama_machine
from tests.ollama_server import Reply, Served, ollama_server
from voxspark.config import Config
from voxspark.roster import named_roster
from voxspark.runners.abilities import abilities_of

TAG = "mine:7b"


@pytest.mark.anyio
async def test_what_ollama_says_is_remembered_until_it_says_something_else(tmp_path: Path) -> None:
    path = tmp_path / "state" / "abilities.json"
    async with ollama_server() as server:
        server.models = {TAG: Served(("completion", "tools", "vision")), "plain": Served(("completion",))}
        async with client_of(server) as client:
            assert await abilities_of(TAG, client, path) == ["completion", "tools", "vision"]
            assert await abilities_of("plain", client, path) == ["completion"]
        await server.stop()
        async with client_of(server) as client:
            assert await abilities_of(TAG, client, path) == ["completion", "tools", "vision"]
            assert await abilities_of("another", client, path) == ()
        await server.start()
        server.models[TAG] = Served(("completion",))
        async with client_of(server) as client:
            assert await abilities_of(TAG, client, path) == ["completion"]


@pytest.mark.parametrize("body", [b"", b"[]", b'{"models": 3}', b'{"capabilities": null}'])
@pytest.mark.parametrize("kept", ["", "[", "[1]", '{"mine:7b": 3}', '{"mine:7b": ["tools"]}'])
@pytest.mark.anyio
async def test_without_sense_nothing_is_known_and_nothing_breaks(tmp_path: Path, body: bytes, kept: str) -> None:
    path = tmp_path / "abilities.json"
    path.write_text(kept)
    async with answering(body) as host, client_of(host) as client:
        assert set(await abilities_of(TAG, client, path)) <= {"tools"}


@pytest.mark.anyio
async def test_a_folder_that_cannot_be_written_costs_only_the_memory(tmp_path: Path) -> None:
    (tmp_path / "state").touch()
    async with ollama_server() as server:
        server.models = {TAG: Served()}
        async with client_of(server) as client:
            assert "tools" in await abilities_of(TAG, client, tmp_path / "state" / "abilities.json")


@pytest.mark.parametrize(
    ("chat", "tag"),
    [
        ({"model": TAG}, TAG),
        ({"model": "qwen3:14b"}, ""),
        ({"model": "bundled:smollm2"}, ""),
        ({"engine": "openai", "model": TAG}, ""),
        ({}, ""),
    ],
)
def test_only_what_the_catalogue_does_not_know_is_asked_for(chat: dict[str, str], tag: str) -> None:
    assert named_roster(Config.model_validate({"profile": "ollama", "chat": chat})).unknown_tag == tag


def test_the_team_takes_what_it_knows_of() -> None:
    roster = named_roster(Config.model_validate({"profile": "ollama", "chat": {"model": TAG}}))
    assert roster.model_of("worker").capabilities == ()
    able = roster.with_abilities(["completion", "insert", "thinking", "tools"]).model_of("worker")
    assert set(able.capabilities) == {"tools", "thinking"}
    assert able.id == TAG


@pytest.mark.real
def test_a_model_of_the_users_own_is_offered_tools_after_a_start_without_ollama_too(tmp_path: Path) -> None:
    with ollama_machine(tmp_path) as machine:
        machine.server.models[TAG] = Served(("completion", "tools"))
        machine.server.respond = lambda _request: Reply(("Yes.",))
        machine.env["VOXSPARK_CHAT__MODEL"] = TAG
        for start in ("with Ollama", "without"):
            if start == "without":
                machine.call(machine.server.stop)
            with running_daemon(machine.env, "--profile", "ollama") as daemon:
                if start == "without":
                    machine.call(machine.server.start)
                    machine.until(lambda: TAG in machine.held, "load")
                assert daemon.call("ask", "Are you there, my friend?").strip() == "Yes."
            assert _last_tools(machine), start


def _last_tools(machine: OllamaMachine) -> list[str]:
    """What the last question was asked with."""
    asked = [chat for chat in machine.server.chats if chat["messages"] and chat["messages"][-1]["role"] == "user"]
    return [tool["function"]["name"] for tool in asked[-1].get("tools", [])]
