"""The team: its engines are installed, and Ollama has and shows what it needs."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncGenerator, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from functools import partial
from typing import Any, Literal

import anyio.to_thread

from voxspark.checks import check_engines
from voxspark.config import Config
from voxspark.doctor.check import Check, Finding
from voxspark.doctor.ollama_service import settings_check
from voxspark.doctor.running import ANSWER_SECONDS, Daemon
from voxspark.doctor.speech import incomplete, place
from voxspark.engines.ollama.client import OllamaClient, full_name
from voxspark.errors import EngineError, VoxSparkError
from voxspark.roster import AUTO, NEEDED, Roster, named_roster
from voxspark.runners.ollama import AFTERWARDS, options_for
from voxspark.types import Message
from voxspark.vram.catalogue import Model
from voxspark.vram.team import Team

PROBE_NAME, PROBE_ARGUMENT = "look_at_tools", "which_tools"

PROBE = {
    "type": "function",
    "function": {
        "name": PROBE_NAME,
        "description": "Say which tools are seen.",
        "parameters": {
            "type": "object",
            "properties": {PROBE_ARGUMENT: {"type": "string", "description": "All or one."}},
            "required": [PROBE_ARGUMENT],
        },
    },
}
"""A tool that no model calls: it is looked for in the prompt."""

AGAIN = "It is tested again every few minutes. Who stands in is told by: voxspark status"

JINJA = "Set OLLAMA_GO_TEMPLATE=0 for Ollama's service and restart it (ollama issue 14601)."


class TeamChecks:
    """The checks of one configuration; each looks anew."""

    def __init__(self, config: Config, daemon: Daemon) -> None:
        self._config = config
        self._status = daemon.status

    @property
    def checks(self) -> list[Check]:
        """In the order in which they matter."""
        checks = [
            Check("engines", self._engines),
            Check("ears", partial(self._speech, "ears", "ears")),
            Check("voice", partial(self._speech, "voice", "voices")),
        ]
        if self._wants_ollama():
            checks += [
                Check("ollama", self._ollama),
                settings_check(partial(check_engines, self._config, [])),
                Check("models", self._pulled),
                Check("tools", self._tools),
            ]
        return checks

    def _wants_ollama(self) -> bool:
        try:
            return self._config.profile == AUTO or named_roster(self._config).uses("ollama")
        except VoxSparkError:  # a finding about the engines
            return False

    async def _engines(self) -> Finding:
        roster = await self._roster()
        stand_ins = [reason for reason in roster.why if "takes the place of" in reason]
        if stand_ins:
            return Finding("problem", f"profile {roster.profile.key}: {stand_ins[0]}")
        return Finding("ok", f"profile {roster.profile.key}")

    async def _speech(self, role: Literal["ears", "voice"], line: str) -> Finding:
        """Who hears or speaks, why, what would be better, and what the daemon finds wrong (`line` of its status)."""
        try:
            roster = await self._roster()
        except VoxSparkError:  # a finding about the engines
            return Finding("ok", "cannot be told until the engines are right")
        model = roster.model_of(role)
        told = f"{model.name} ({model.engine}, licence: {model.licence})"
        if role in roster.passed_over:
            return Finding("problem", told, f"Better would be {' Or '.join(roster.passed_over[role])}")
        if trouble := _trouble(await self._status() or {}, line, model.key):
            return Finding("problem", f"{told} is not used now: {trouble}", AGAIN)
        if missing := await anyio.to_thread.run_sync(incomplete, self._config, roster, role):
            return missing
        own = "as configured" if role in roster.own else f"the choice of the profile {roster.profile.key}"
        where = place(self._config, roster, role)
        return Finding("ok", f"{told}, {own}{where and f'; {where}'}")

    async def _roster(self) -> Roster:
        """Raises VoxSparkError for what is not installed, or does not fit."""
        tags, resident = await self._held_by_ollama() if self._wants_ollama() else ([], 0)
        if (status := await self._status()) is not None:
            resident = (status["memory"] or {}).get("used_bytes", resident)
        return await anyio.to_thread.run_sync(partial(check_engines, self._config, tags, resident_bytes=resident))

    # ── Ollama ──────────────────────────────────────────────────────────────────────────────────

    @asynccontextmanager
    async def _client(self) -> AsyncGenerator[OllamaClient, None]:
        client = OllamaClient(self._config.ollama_host, read_seconds=ANSWER_SECONDS)
        try:
            yield client
        finally:
            await client.aclose()

    async def _held_by_ollama(self) -> tuple[list[str], int]:
        """Tags on its disk, and bytes in its memory; none when it does not answer, which is a finding of its own."""
        try:
            async with self._client() as client:
                tags = [each.name for each in await client.pulled()]
                return tags, sum(each.bytes for each in await client.running())
        except EngineError:
            return [], 0

    async def _ollama(self) -> Finding:
        host = self._config.ollama_host
        try:
            async with self._client() as client:
                return Finding("ok", f"version {await client.version()} at {host}")
        except EngineError as error:
            if self._config.profile == AUTO:
                return Finding("ok", f"nobody at {host}; the automatic profile does without")
            return Finding("broken", error.message, error.remedy)

    async def _pulled(self) -> Finding:
        roster = await self._roster() if self._config.profile == AUTO else named_roster(self._config)
        wanted = {role: roster.model_of(role) for role in roster.profile.roles}
        wanted = {role: model for role, model in wanted.items() if model.runner == "ollama"}
        if not wanted:
            return Finding("ok", f"{roster.profile.key} needs none of Ollama's")
        try:
            async with self._client() as client:
                tags = {each.name for each in await client.pulled()}
        except EngineError as error:
            return Finding("ok", f"cannot be told: {error.message}")
        missing = {role: model for role, model in wanted.items() if full_name(model.id) not in tags}
        if not missing:
            return Finding("ok", _tags(wanted.values()))
        remedy = f"Run: voxspark models pull --profile {roster.profile.key}"
        broken = not missing.keys().isdisjoint(NEEDED)
        return Finding("broken" if broken else "problem", f"not pulled: {_tags(missing.values())}", remedy)

    async def _tools(self) -> Finding:
        """Whether the worker's model is shown tools as they are (agent.md 1.1). Loads it where no daemon runs."""
        try:
            roster = await self._roster()
        except VoxSparkError as error:
            return Finding("ok", f"cannot be told: {error.message}")
        model = roster.model_of("worker")
        if model.runner != "ollama" or "tools" not in model.capabilities:
            return Finding("ok", f"Ollama has no say in them: {model.name} answers")
        options = options_for(self._config, roster, Team(roster.profile, roster.catalogue).best_for("worker"))
        if await self._status() is None:
            options = replace(options, keep_alive=AFTERWARDS)
        try:
            async with self._client() as client:
                if options.keep_alive != AFTERWARDS and full_name(model.id) not in await _resident(client):
                    return Finding("ok", f"cannot be told now: {model.name} is not in memory")
                return judged(await client.rendered(options, [Message("user", "Hello.")], [PROBE]), model.name)
        except EngineError as error:
            return Finding("ok", f"cannot be told: {error.message}")


def _trouble(status: Mapping[str, Any], line: str, key: str) -> str:
    """Of one of those who hear or speak; empty where it serves."""
    return next((str(each["trouble"]) for each in status.get(line, []) if each["name"] == key), "")


async def _resident(client: OllamaClient) -> set[str]:
    return {each.name for each in await client.running()}


def _tags(models: Iterable[Model]) -> str:
    return ", ".join(dict.fromkeys(model.id for model in models))


def judged(prompt: str, model: str) -> Finding:
    """What a prompt with `PROBE` says of the template; an Ollama that shows none is no problem."""
    if not prompt:
        return Finding("ok", "cannot be told: this Ollama does not show its prompts")
    if any(found.get("name") == PROBE_NAME and PROBE_ARGUMENT in str(found) for found in _functions(prompt)):
        return Finding("ok", f"{model} sees tools as JSON")
    if re.search(rf"\{{\s*{PROBE_NAME} ", prompt):
        return Finding("problem", f"{model} sees tools garbled, as Go prints a struct", JINJA)
    if PROBE_NAME in prompt:
        return Finding("ok", f"{model} sees tools in its own way")
    return Finding("problem", f"{model} does not see tools at all", JINJA)


def _functions(prompt: str) -> Iterator[dict[str, Any]]:
    """Every JSON object of a prompt, those inside others too."""
    decoder = json.JSONDecoder()
    for brace in re.finditer(r"\{", prompt):
        with suppress(ValueError):
            yield decoder.raw_decode(prompt, brace.start())[0]
