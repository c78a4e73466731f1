"""Sounds of fixed sentences on disk, so that a daemon that has just started has them at once.

Only the sentences of the program itself are ever written: never what somebody asked, or a model said.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import logging
import os
from collections.abc import Callable, Collection
from functools import cache
from pathlib import Path
from tempfile import mkstemp

import numpy as np

from voxspark import audio
from voxspark.config_speech import VoiceSettings
from voxspark.engines.registry import EngineSpec
from voxspark.language import Language, current
from voxspark.types import Pcm
from voxspark.voices import shelf

log = logging.getLogger(__name__)

LIMIT_BYTES = 64 << 20
"""About 23 minutes."""

RATE_HZ = 24_000

SUFFIX = ".pcm"

_DIGEST_BYTES = 32


class Stored:
    """Files of 16-bit samples behind their checksum; who was used longest ago goes. Daemons may share a folder.

    A disk that is full or broken is as good as none.
    """

    def __init__(
        self, folder: Path, fixed: Callable[[Language], Collection[str]], limit_bytes: int = LIMIT_BYTES
    ) -> None:
        """`fixed` tells what may be kept of a language, as voices are given it; asked when it is first needed."""
        self._folder = folder
        self._fixed = cache(fixed)
        self._limit_bytes = limit_bytes

    def texts(self) -> list[str]:
        """The fixed sentences of this turn's language."""
        return sorted(self._fixed(current()))

    def keeps(self, text: str) -> bool:
        """It is one of the fixed sentences of this turn's language."""
        return text in self._fixed(current())

    def get(self, voice: str, text: str) -> Pcm | None:
        """The sound at 24 kHz; what is damaged is removed. `voice` is whatever the sound depends on, in words."""
        if not self.keeps(text):
            return None
        path = self._path(voice, text)
        try:
            data = path.read_bytes()
            if not _is_whole(data):
                path.unlink(missing_ok=True)
                return None
            os.utime(path)
        except OSError:
            return None
        return audio.to_float(np.frombuffer(data, "<i2", offset=_DIGEST_BYTES))

    def put(self, voice: str, text: str, samples: Pcm, sample_rate_hz: int) -> None:
        """Keep the sound, if the sentence is a fixed one."""
        if not self.keeps(text) or not len(samples):
            return
        sound = audio.to_pcm16(audio.resample(samples, sample_rate_hz, RATE_HZ)).astype("<i2").tobytes()
        try:
            self._write(self._path(voice, text), hashlib.sha256(sound).digest() + sound)
            self._make_room()
        except OSError as error:
            log.debug("a sound is not kept: %r", error)

    def _path(self, voice: str, text: str) -> Path:
        key = "\0".join((voice, current(), text)).encode()
        return self._folder / f"{hashlib.sha256(key).hexdigest()}{SUFFIX}"

    def _write(self, path: Path, data: bytes) -> None:
        """Whole or not at all. The file is for its owner only: `mkstemp` makes it so."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        file, part = mkstemp(SUFFIX, dir=self._folder)
        try:
            with os.fdopen(file, "wb") as opened:
                opened.write(data)
            Path(part).replace(path)
        except OSError:
            Path(part).unlink(missing_ok=True)
            raise

    def _make_room(self) -> None:
        ages: list[tuple[float, int, Path]] = []
        for path in self._folder.glob(f"*{SUFFIX}"):  # a link may lead to a folder with more in it
            try:
                status = path.stat()
            except FileNotFoundError:  # another daemon was quicker
                continue
            ages.append((status.st_mtime, status.st_size, path))
        total = sum(size for _, size, _ in ages)
        for _, size, path in sorted(ages):
            if total <= self._limit_bytes:
                return
            path.unlink(missing_ok=True)
            total -= size


def sound_of(spec: EngineSpec, settings: VoiceSettings) -> str:
    """What the sound of a voice depends on: its settings, and how old its files are. Empty for a server's."""
    if settings.host:
        return ""
    chosen = shelf().choose(spec.name, settings.voice).voice
    found = [importlib.util.find_spec(name) for name in spec.packages]
    paths = [Path(each.origin) for each in found if each and each.origin]
    if settings.model:
        paths += [Path(settings.model), *Path(settings.model).glob("*")]
    if chosen:
        paths += chosen.folder.glob("*")
    ages = sorted((str(path), path.stat().st_mtime_ns) for path in paths if path.exists())
    own = settings.model_dump(exclude={"fallback", "languages", "device"})
    return json.dumps([spec.name, own, ages], sort_keys=True)


def _is_whole(data: bytes) -> bool:
    return (
        len(data) > _DIGEST_BYTES
        and len(data) % 2 == 0
        and hashlib.sha256(data[_DIGEST_BYTES:]).digest() == data[:_DIGEST_BYTES]
    )
