"""Files that tools write: always new ones, in a folder of the assistant's, and nothing that could be run by mistake."""

from __future__ import annotations

import os
import re
from pathlib import Path

from voxspark.errors import ToolError
from voxspark.tools.folding import fold

LONGEST_NAME = 60
"""Characters: in UTF-8 with a number still below the 255 bytes of Linux file systems."""

MOST_ALIKE = 1_000

_PLAIN = re.compile(r"\w(?:[\w .+-]*[\w+-])?")
_SMALL_WORDS = {
    *("a", "an", "and", "code", "for", "function", "in", "make", "me", "of", "please", "program", "script", "small"),
    *("that", "the", "to", "which", "with", "write"),
}


def plain_name(name: str) -> str:
    """A file name without folders and leading dots. Raises ToolError."""
    name = name.strip()
    if not _PLAIN.fullmatch(name) or len(name) > LONGEST_NAME:
        raise ToolError("file-name", "I need a short, plain file name, without slashes or a dot in front of it.")
    return name


def name_for(subject: str, otherwise: str) -> str:
    """The first words that say something, ready for a file name: `sort_photos`."""
    words = [word for word in re.findall(r"[a-z0-9]+", fold(subject.casefold())) if word not in _SMALL_WORDS]
    return "_".join(words[:4])[: LONGEST_NAME // 2] or otherwise


def write_new(folder: Path, name: str, content: bytes) -> Path:
    """Where it was written: under this name or, where that is taken, with a number. Blocks. Raises ToolError."""
    stem, dot, suffix = name.partition(".")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for number in range(1, MOST_ALIKE):
            place = folder / (name if number == 1 else f"{stem}-{number}{dot}{suffix}")
            try:
                descriptor = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
            except FileExistsError:
                continue
            _fill(descriptor, place, content)
            return place
    except OSError as error:
        reason = error.strerror or "it does not work"
        raise ToolError("file-unwritable", f"I cannot write to the folder {folder.name}: {reason}.") from error
    raise ToolError("file-name-taken", f"There are too many files called {name} already.", "Choose another name.")


def _fill(descriptor: int, place: Path, content: bytes) -> None:
    """All of it or nothing."""
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
    except OSError:
        place.unlink(missing_ok=True)
        raise
