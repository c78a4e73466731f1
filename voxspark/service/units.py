"""The units that come with VoxSpark, and where they go."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from voxspark.errors import VoxSparkError
from voxspark.files import config_folder

SERVICE, SOCKET = "voxspark.service", "voxspark.socket"

PLACEHOLDER = "ExecStart=/usr/bin/voxspark "
"""In the shipped units."""

BACK_OFF_VERSION = 254
"""First systemd that waits longer after each failure."""

PRIVATE = (Path("/home"), Path("/root"), Path("/run/user"), Path("/tmp"), Path("/var/tmp"))
"""What the system unit does not see."""


@dataclass(frozen=True, slots=True)
class Scope:
    """A user's units, or those of the machine."""

    system: bool
    root: Path = Path("/")
    """Other than `/` in tests."""

    @property
    def folder(self) -> Path:
        """Where the administrator's (or the user's own) units are."""
        return self.root / "etc/systemd/system" if self.system else config_folder().parent / "systemd/user"

    @property
    def systemctl(self) -> tuple[str, ...]:
        """The command, for this scope."""
        return ("systemctl",) if self.system else ("systemctl", "--user")

    @property
    def journalctl(self) -> tuple[str, ...]:
        """The command, for this scope and our unit."""
        return ("journalctl", f"--{'' if self.system else 'user-'}unit={SERVICE}")

    def files(self, systemd_version: int) -> dict[Path, str]:
        """What is to be written: path to text."""
        shipped = shipped_units()
        own = shipped / ("system" if self.system else "user")
        found = {self.folder / SOCKET: (own / SOCKET).read_text("utf-8")}
        found[self.folder / SERVICE] = with_program((own / SERVICE).read_text("utf-8"))
        if systemd_version >= BACK_OFF_VERSION:
            found[self.back_off] = (shipped / "back-off.conf").read_text("utf-8")
        if self.system:
            found[self.sysusers] = (own / "voxspark.sysusers.conf").read_text("utf-8")
        return found

    @property
    def back_off(self) -> Path:
        """The drop-in for newer systemd."""
        return self.folder / f"{SERVICE}.d" / "back-off.conf"

    @property
    def sysusers(self) -> Path:
        """Where the system unit's user is declared."""
        return self.root / "etc/sysusers.d/voxspark.conf"

    @property
    def data(self) -> str:
        """Where what it has learned stays."""
        if self.system:
            return "/etc/voxspark, /var/lib/voxspark and /var/cache/voxspark"
        return "~/.config/voxspark, ~/.local/share/voxspark, ~/.local/state/voxspark and ~/.cache/voxspark"


def shipped_units() -> Path:
    """Their folder: inside an installed package; in a checkout beside it."""
    package = Path(__file__).parent.parent
    installed = package / "shipped_units"
    return installed if installed.is_dir() else package.parent / "systemd"


def program() -> tuple[str, ...]:
    """This VoxSpark, whatever stands in the working directory or in `$PATH`."""
    return (sys.executable, "-P", "-m", "voxspark")


def with_program(unit: str) -> str:
    """The unit with this VoxSpark in ExecStart."""
    assert PLACEHOLDER in unit
    return unit.replace(PLACEHOLDER, f"ExecStart={' '.join(map(quoted, program()))} ")


def quoted(word: str) -> str:
    """One word of a command line in a unit (systemd.service(5))."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{escaped}"' if any(character in escaped for character in " '\"\\;\t") else escaped


def must_be_visible(places: Iterable[Path] = (Path(sys.prefix), Path(sys.base_prefix), Path(__file__))) -> None:
    """Raises VoxSparkError where the system unit would not see this program, or a user could change it."""
    hidden = next((place for place in places if any(place.resolve().is_relative_to(each) for each in PRIVATE)), None)
    if hidden is not None:
        raise VoxSparkError(
            "service-place",
            f"A system service does not see {hidden}.",
            "Install VoxSpark elsewhere, such as with: sudo python3 -m venv /opt/voxspark",
        )
