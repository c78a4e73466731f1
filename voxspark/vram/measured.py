"""What models really took, kept on disk: the next plan begins with it instead of the estimate."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from pathlib import Path

from voxspark.files import state_folder, write_json
from voxspark.vram.catalogue import KvType

log = logging.getLogger(__name__)

Key = tuple[str, int, int, KvType]
"""Model, context, slots, kv type."""

NEWEST_SHARE = 0.5
"""Of a new figure in the average: drivers and Ollama versions change what a model takes."""


class MeasuredSizes(Mapping[Key, int]):
    """Bytes by model and context; every new figure is written at once.

    A file that cannot be read or written costs the corrections, not the daemon.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path or state_folder() / "measured.json"
        self._sizes = _read(self._path)

    def __getitem__(self, key: Key) -> int:
        return self._sizes[key]

    def __iter__(self) -> Iterator[Key]:
        return iter(self._sizes)

    def __len__(self) -> int:
        return len(self._sizes)

    def learn(self, key: Key, size_bytes: int) -> None:
        """One more figure, averaged with what was known."""
        known = self._sizes.get(key, size_bytes)
        self._sizes[key] = round(known + NEWEST_SHARE * (size_bytes - known))
        rows = [[*each, size] for each, size in sorted(self._sizes.items())]
        try:
            write_json(self._path, {"model, context, slots, kv type, bytes": rows})
        except OSError as error:
            log.warning("%s cannot be written: %s", self._path, error.strerror)


def _read(path: Path) -> dict[Key, int]:
    try:
        (rows,) = json.loads(path.read_text()).values()
        return {(str(m), int(c), int(s), _kv(kv)): int(size) for m, c, s, kv, size in rows if int(size) > 0}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError, AttributeError) as error:
        log.warning("%s cannot be used, so models are estimated anew: %s", path, error)
        return {}


def _kv(word: str) -> KvType:
    match word:
        case "f16" | "q8_0" | "q4_0":
            return word
        case _:
            raise ValueError(word)
