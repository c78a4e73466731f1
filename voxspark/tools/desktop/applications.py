"""The applications of the desktop, as .desktop files describe them (specifications.freedesktop.org/desktop-entry)."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from voxspark.tools.clean import clean
from voxspark.tools.folding import fold

LARGEST_FILE_BYTES = 256_000
MOST_FILES = 2_000
SIMILAR = 0.8
"""`difflib` ratio from which a name is taken for a mishearing."""

FILLERS = {"the", "my", "app", "application", "program", "browser", "please"}


@dataclass(frozen=True, slots=True)
class Application:
    """One application."""

    id: str
    """`org.gnome.Calculator.desktop`."""
    name: str
    path: Path
    others: tuple[str, ...] = ()
    """Names in other languages, and what kind of program it is."""

    @property
    def spoken(self) -> tuple[str, ...]:
        """Folded names, to compare by."""
        return tuple(fold(each) for each in (self.name, *self.others))


def folders(environment: Mapping[str, str] = os.environ) -> list[Path]:
    """Where .desktop files are, the most important folder first."""
    home = environment.get("XDG_DATA_HOME") or f"{environment.get('HOME', '/root')}/.local/share"
    shared = environment.get("XDG_DATA_DIRS") or "/usr/local/share:/usr/share"
    return [Path(folder) / "applications" for folder in (home, *shared.split(":")) if folder.startswith("/")]


def installed(folders: Sequence[Path], allowed: Collection[str] | None = None) -> list[Application]:
    """What a menu would show, by name; only the allowed ids, when they are given."""
    seen: set[str] = set()
    found = []
    for folder in folders:
        for path in sorted(folder.rglob("*.desktop"))[:MOST_FILES]:
            id = "-".join(path.relative_to(folder).parts)
            if id in seen:
                continue
            seen.add(id)
            application = _read(path, id)
            if application is not None and (allowed is None or id in allowed or id.removesuffix(".desktop") in allowed):
                found.append(application)
    return sorted(found, key=lambda each: fold(each.name))


def matching(applications: Sequence[Application], wanted: str) -> list[Application]:
    """Those that are meant: by their name, by part of it, by another name, or by one that sounds alike."""
    words = re.findall(r"[\w.+-]+", fold(wanted))
    words = [word for word in words if word not in FILLERS] or words
    text = " ".join(words)
    if not text:
        return []
    steps = (
        [each for each in applications if text == each.spoken[0]],
        [each for each in applications if set(words) <= set(each.spoken[0].split())],
        [each for each in applications if any(set(words) <= set(name.split()) for name in each.spoken)],
        list(_alike(applications, text)),
    )
    return next((step for step in steps if step), [])


def _alike(applications: Sequence[Application], text: str) -> Iterator[Application]:
    names = {each.spoken[0]: each for each in applications}
    squeezed = text.replace(" ", "")
    for name, each in names.items():
        if difflib.SequenceMatcher(None, name.replace(" ", ""), squeezed).ratio() >= SIMILAR:
            yield each


def _read(path: Path, id: str) -> Application | None:
    """None for what a menu would not show."""
    try:
        with path.open("rb") as file:
            text = file.read(LARGEST_FILE_BYTES).decode("utf-8", "replace")
    except OSError:
        return None
    entry = dict(_entry(text))
    shown = entry.get("Type") == "Application" and "Exec" in entry and entry.get("Name")
    if not shown or "true" in (entry.get("NoDisplay"), entry.get("Hidden"), entry.get("Terminal")):
        return None
    others = {clean(value, 60) for key, value in entry.items() if key.partition("[")[0] in ("Name", "GenericName")}
    name = clean(entry["Name"], 60)
    return Application(id, name, path, tuple(sorted(others - {name})))


def _entry(text: str) -> Iterator[tuple[str, str]]:
    """Keys and values of the group [Desktop Entry]."""
    is_inside = False
    for line in map(str.strip, text.splitlines()):
        if line.startswith("["):
            is_inside = line == "[Desktop Entry]"
        elif is_inside and "=" in line and not line.startswith("#"):
            key, _, value = line.partition("=")
            yield key.strip(), value.strip()
