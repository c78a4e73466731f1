"""Ollama's models: loaded by our plan, with one set of options each, and read back."""

from __future__ import annotations

import logging
from contextlib import suppress
from dataclasses import replace

import anyio

from voxspark.config import Config
from voxspark.engines.ollama.chat import OllamaChat, OllamaEmbedder
from voxspark.engines.ollama.client import ModelOptions, OllamaClient, Running, full_name
from voxspark.errors import EngineError
from voxspark.roster import Roster
from voxspark.runners.priming import Priming
from voxspark.runners.settings import chat_settings
from voxspark.runners.turnstile import Turnstile
from voxspark.vram.catalogue import Model
from voxspark.vram.runner import CUDA_CONTEXT_BYTES, Loaded, Look, Lost, Seen
from voxspark.vram.state import Foreign
from voxspark.vram.team import Rung

log = logging.getLogger(__name__)

LOOK_SECONDS = 5.0
"""For the answer of `/api/ps`; an Ollama that is too busy for it has lost nothing."""

GOODBYE_SECONDS = 2.0
"""How long the end of the daemon waits for Ollama to hear of it."""

UNDO_SECONDS = 5.0
"""How long a load that was given up waits for its model to be gone again."""

AFTERWARDS = "5m"
"""How long Ollama keeps a model when the daemon has gone: long enough for a restart, not for ever."""


async def found_in(client: OllamaClient) -> tuple[list[Running], list[str]]:
    """Models in Ollama's memory and on its disk; none when it does not answer."""
    try:
        return await client.running(), [each.name for each in await client.pulled()]
    except EngineError:
        return [], []


class OllamaRunner:
    """See `vram.runner.Runner`."""

    def __init__(
        self,
        client: OllamaClient,
        config: Config,
        roster: Roster,
        priming: Priming,
        *,
        gpu: bool,
        look_seconds: float = LOOK_SECONDS,
    ) -> None:
        """`gpu`: there is one, so nothing may fall off it."""
        self._client = client
        self._config = config
        self._roster = roster
        self._priming = priming
        self._gpu = gpu
        self._look_seconds = look_seconds
        self._options: dict[str, ModelOptions] = {}
        self._loading = Turnstile()
        """Ollama loads one model at a time; one that waits there would only run into its own time limit."""

    async def load(self, rung: Rung) -> Loaded:
        """Preload, read back, and refuse what fell to the CPU or came with another context."""
        model = self._roster.catalogue.models[rung.model]
        options = options_for(self._config, self._roster, rung)
        async with self._loading.passing(rung.load_seconds):
            await self._check(model)
            self._options[model.key] = options
            try:
                await self._client.preload(options)
                row = self._accepted(model, rung, await self._row(model.id))
                if "embedding" in model.capabilities:
                    return Loaded(OllamaEmbedder(self._client, options), self._taken(row))
                chat = OllamaChat(self._client, options)
                await self._priming.warm(chat, model, rung)
            except BaseException:
                self._options.pop(model.key, None)
                with anyio.move_on_after(UNDO_SECONDS, shield=True), suppress(EngineError):
                    await self._client.unload(model.id)
                raise
        return Loaded(chat, self._taken(row))

    async def unload(self, model: str) -> None:
        """A model of ours by key, or anybody's by tag. A server that is not there holds nothing."""
        known = self._roster.catalogue.models.get(model)
        try:
            await self._client.unload(known.id if known else model)
        except EngineError as error:
            if error.code != "ollama-unreachable":
                raise
        self._options.pop(model, None)

    async def look(self) -> Look | None:
        """What `/api/ps` says, when it says it soon."""
        rows: list[Running] | None = None
        try:
            with anyio.move_on_after(self._look_seconds):
                rows = await self._client.running()
        except EngineError as error:
            return Look(away=True) if error.code == "ollama-unreachable" else None
        if rows is None:
            return None
        ours = {full_name(self._roster.catalogue.models[key].id): key for key in self._team()}
        present = {
            ours[full_name(row.name)]: Seen(self._taken(row), row.context_tokens)
            for row in rows
            if full_name(row.name) in ours
        }
        strangers = [row for row in rows if full_name(row.name) not in ours]
        return Look(present, tuple(Foreign(row.name, self._taken(row)) for row in strangers))

    def on_lost(self, lost: Lost) -> None:
        """Ollama does not tell; `look` notices."""

    async def leave(self) -> None:
        """The daemon goes: what it loaded for ever goes by itself in a while."""
        with anyio.move_on_after(GOODBYE_SECONDS, shield=True):
            for options in self._options.values():
                with suppress(EngineError):
                    if any(full_name(row.name) == full_name(options.model) for row in await self._client.running()):
                        await self._client.preload(replace(options, keep_alive=AFTERWARDS))
            await self._client.aclose()

    def _team(self) -> set[str]:
        posts = self._roster.profile.roles.values()
        keys = {key for post in posts for key in (post.model, *post.alternatives)} | self._options.keys()
        return {key for key in keys if self._roster.catalogue.models[key].runner == "ollama"}

    async def _check(self, model: Model) -> None:
        """Whether it is there and can do what the catalogue says. Raises EngineError."""
        shown = await self._client.show(model.id)
        wanted = {"vision", "tools", "embedding"} & set(model.capabilities)
        if missing := sorted(wanted - shown.capabilities):
            raise EngineError(
                "model-cannot",
                f"The installed {model.name} cannot do {' and '.join(missing)}.",
                f"Run: ollama pull {model.id}",
            )

    async def _row(self, tag: str) -> Running | None:
        return next((row for row in await self._client.running() if full_name(row.name) == full_name(tag)), None)

    def _accepted(self, model: Model, rung: Rung, row: Running | None) -> Running:
        if row is None:
            raise EngineError(
                "model-gone",
                f"Ollama unloaded {model.name} as soon as it was loaded.",
                "Set OLLAMA_MAX_LOADED_MODELS=8 for the Ollama service, and look at: journalctl -u ollama",
            )
        if self._gpu and rung.device == "gpu" and row.gpu_bytes < row.bytes:
            raise EngineError(
                "model-on-cpu",
                f"Ollama put {1 - row.gpu_bytes / max(row.bytes, 1):.0%} of {model.name} on the processor.",
                "It would be too slow. Free memory, or choose a smaller context: voxspark plan",
            )
        # more than asked for is right: some families have a least context
        if row.context_tokens and row.context_tokens < rung.context_tokens:
            raise EngineError(
                "model-context-differs",
                f"Ollama loaded {model.name} with {row.context_tokens:,} tokens of context"
                f" instead of {rung.context_tokens:,}.",
                "Choose a smaller context, or look for another program that uses the same model.",
            )
        return row

    def _taken(self, row: Running) -> int:
        return row.bytes + CUDA_CONTEXT_BYTES * (self._gpu and row.gpu_bytes > 0)


def options_for(config: Config, roster: Roster, rung: Rung) -> ModelOptions:
    """The one set of options of a model, whoever uses it: another set would load it anew."""
    model = roster.catalogue.models[rung.model]
    settings = chat_settings(config, roster, rung)
    chosen = settings.model_dump(include={"temperature", "top_p", "top_k"}, exclude_unset=True)
    return ModelOptions(
        model=model.id,
        context_tokens=rung.context_tokens,
        keep_alive=settings.keep_alive,
        cpu=rung.device == "cpu",
        sampling={**chosen, "num_predict": settings.max_tokens},
    )
