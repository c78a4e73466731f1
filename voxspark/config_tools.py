"""Settings of what the assistant can do, table by table, and the base of every table."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    StringConstraints,
    ValidationInfo,
    field_validator,
    model_validator,
)

SECRETS = frozenset({"api_key", "password", "headers", "env"})
"""Keys whose value, or the values of whose table, are nobody else's business. Where a worker is given one as plain
text it is no `SecretStr`."""


class Settings(BaseModel):
    """Base of every table."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class WebSettings(Settings):
    """Tools that ask other machines, each only when somebody asks for it."""

    enabled: bool = True
    """Off: there are no tools for the web."""
    home: str = ""
    """The place whose weather is meant when none is named."""
    units: Literal["metric", "imperial"] = "metric"
    """In which the weather is told."""
    searxng_url: str = ""
    """Address of a SearXNG that answers in JSON; the first choice for a search."""
    duckduckgo: bool = True
    """Whether DuckDuckGo is asked where there is no SearXNG."""
    wikipedia_url: str = "https://en.wikipedia.org"
    """Address of the Wikipedia that is asked: of another language, or one of your own."""
    weather_url: str = "https://api.open-meteo.com"
    """Address of an Open-Meteo; it can be one of your own."""
    places_url: str = "https://geocoding-api.open-meteo.com"
    """Address of the Open-Meteo that knows where places are."""
    feeds: dict[str, str] = {}
    """News by name: `{ bbc = "https://…" }`."""


class CalendarSettings(Settings):
    """The user's calendar, on a CalDAV server."""

    url: str = ""
    """Address of a calendar, of a user's folder of them, or of the server. Empty: there are no tools for it."""
    username: str = ""
    """Who logs in; empty for nobody."""
    password: SecretStr = SecretStr("")
    """Better: a file, or the variable VOXSPARK_CALENDAR__PASSWORD."""
    password_file: str = ""
    """File that holds the password."""
    calendars: tuple[str, ...] = ()
    """Names of those that are read, the first one is added to; empty is all there are."""
    writable: bool = False
    """Whether appointments may be added, each after a confirmation aloud."""

    @field_validator("url")
    @classmethod
    def _is_address(cls, url: str) -> str:
        parts = urlsplit(url)
        if url and not (parts.scheme in ("http", "https") and parts.hostname):
            raise ValueError("it must begin with http:// or https://, and name a host")
        if "@" in parts.netloc:
            raise ValueError("username and password have keys of their own")
        return url

    @field_validator("password_file")
    @classmethod
    def _only_password(cls, file: str, info: ValidationInfo) -> str:
        if file and info.data.get("password", SecretStr("")).get_secret_value():
            raise ValueError("there is a password already")
        return file


class DesktopSettings(Settings):
    """Tools for the desktop of whoever is logged in."""

    enabled: bool = True
    """Off: there are no tools for the desktop."""
    applications: tuple[str, ...] = ()
    """Which applications may be opened; empty is every one in the menu."""
    typing: Literal["auto", "x11", "wtype", "portal", "none"] = "auto"
    """How dictated text is typed into the focused window; `none`: never."""
    notifications: bool = True
    """Whether timers, alarms and reminders that ring also show on the desktop."""
    duck_media: bool = True
    """Whether what other programs play goes down while somebody speaks with the assistant."""
    media_gain: float = Field(0.4, ge=0, le=1)
    """What is left of their volume meanwhile."""


class CodeSettings(Settings):
    """Programs that it writes."""

    folder: str = ""
    """Where programs are put; empty is `VoxSpark` in your documents folder, or in your home."""


Trust = Literal["none", "read", "act"]


class McpServer(Settings):
    """A program whose tools the assistant may use: either `command` or `url`."""

    command: str = ""
    """What to start; it is spoken to over its standard input and output."""
    args: tuple[str, ...] = ()
    """Arguments of the command."""
    env: dict[str, str] = {}
    """Variables of the command, besides HOME, PATH, USER and the like; it sees no others."""
    url: str = ""
    """Address of a server that speaks streamable HTTP."""
    headers: dict[str, str] = {}
    """Sent to the address: `{ Authorization = "Bearer …" }`."""
    trust: Trust = "none"
    """`none`: only what it declares as read-only is done without asking. `read`: so is what it declares nothing about.
    `act`: so is everything that it does not declare as destructive."""
    timeout_seconds: float = Field(20.0, gt=0, le=300)
    """A call is cut then."""

    @model_validator(mode="after")
    def _one_way(self) -> McpServer:
        if bool(self.command) == bool(self.url):
            raise ValueError("give either command or url")
        if self.url and not self.url.startswith(("http://", "https://")):
            raise ValueError("url must begin with http:// or https://")
        return self


class MemorySettings(Settings):
    """What is kept of what is talked about."""

    conversation_days: float = Field(30.0, ge=0, le=3650)
    """How long the conversation is kept on disk; 0: it ends with the daemon."""


class EyesSettings(Settings):
    """What a model that can see is shown."""

    screen: Literal["auto", "grim", "x11", "portal", "none"] = "auto"
    """How screenshots are taken; `none`: never."""
    camera: str = "auto"
    """A file such as `/dev/video0`; `auto` is the first camera; `none`: never."""
    longest_side: int = Field(1280, ge=64, le=8192)
    """Pixels of what the model gets; more shows smaller text and takes longer."""


MOST_VARIANTS = 50
"""Of one command: what a model can still choose from, and a person still say."""

PLACEHOLDER = re.compile(r"\{(\w+)\}")

Plain = Annotated[str, StringConstraints(min_length=1, max_length=1_000, pattern=r"^[^\x00-\x1f\x7f]+$")]
"""Fit to be said: without control characters."""

Argument = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$")]
"""What a program can be given."""

CommandName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$")]


class CommandSettings(Settings):
    """A program that may be run when somebody says so, after asking. No shell reads its arguments."""

    run: tuple[Argument, ...] = Field(min_length=1)
    """The program, by its whole path, and its arguments; `{name}` stands for one of `arguments`."""
    description: Plain
    """What it does, in a sentence."""
    arguments: dict[str, tuple[Plain, ...]] = {}
    """What may stand for a name: `{ host = ["alpha", "beta"] }`. Nothing else is ever filled in."""
    sandbox: bool = True
    """Off: it may do whatever the daemon's user may."""
    network: bool = False
    """Whether it may use the network from its sandbox."""
    writable: tuple[Plain, ...] = ()
    """Folders that it may write to from its sandbox."""
    timeout_seconds: float = Field(60.0, gt=0, le=3600)
    """It is ended then, with everything it has started."""

    @model_validator(mode="after")
    def _fits_together(self) -> CommandSettings:
        if not self.run[0].startswith("/") or PLACEHOLDER.search(self.run[0]):
            raise ValueError("run must begin with the whole path of a program, such as /usr/bin/true")
        named = {name for part in self.run for name in PLACEHOLDER.findall(part)}
        if named != set(self.arguments):
            odd = ", ".join(sorted(named ^ set(self.arguments)))
            raise ValueError(f"run and arguments must name the same things, which {odd} is not")
        if not 1 <= math.prod(map(len, self.arguments.values())) <= MOST_VARIANTS:
            raise ValueError(f"arguments must allow for 1 to {MOST_VARIANTS} variants")
        if not all(Path(folder).expanduser().is_absolute() for folder in self.writable):
            raise ValueError("writable must be folders that begin with / or ~")
        return self


class ImageSettings(Settings):
    """Pictures that it makes, where the team has somebody for it."""

    engine: str = "diffusers"
    """A registered engine of kind `image`."""
    model: str = ""
    """A folder with a pipeline of diffusers, or the name of one that is downloaded (`hf download NAME`); empty is the
    profile's."""
    steps: int = Field(0, ge=0, le=200)
    """Denoising steps; 0 is what suits the model."""
    side: int = Field(1024, ge=64, le=2048, multiple_of=16)
    """Pixels of a square picture's side; the other shapes have the same area."""
    folder: str = ""
    """Where pictures are kept; empty is `VoxSpark` in your folder of pictures."""
    open: bool = False
    """Show each picture when it is ready."""
