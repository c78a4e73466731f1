"""What models outside the catalogue can do: asked of Ollama, and kept for a start without it."""

from __future__ import annotations

import json
import logging
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

import anyio

from voxspark.engines.ollama.client import OllamaClient
from voxspark.errors import EngineError
from voxspark.files import state_folder, write_json

log = logging.getLogger(__name__)

ANSWER_SECONDS = 5.0
"""How long the start waits for it."""


async def abilities_of(tag: str, client: OllamaClient, path: Path | None = None) -> Collection[str]:
    """Ollama's words, `tools` among them; the last known ones when it does not answer, none when nothing is known."""
    place = path or state_folder() / "abilities.json"
    known = _read(place)
    with anyio.move_on_after(ANSWER_SECONDS), suppress(EngineError):
        known[tag] = sorted((await client.show(tag)).capabilities)
        _write(place, known)
    return known.get(tag, ())


def _read(path: Path) -> dict[str, list[str]]:
    try:
        return {str(tag): list(map(str, words)) for tag, words in json.loads(path.read_text()).items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError, AttributeError) as error:
        log.warning("%s cannot be used: %s", path, error)
        return {}


def _write(path: Path, known: dict[str, list[str]]) -> None:
    try:
        write_json(path, known)
    except OSError as error:
        log.warning("%s cannot be written: %s", path, error.strerror)
