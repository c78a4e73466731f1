"""Settings of what the assistant can do: [web], [desktop], [code], [eyes] and [mcp], and the base of every table."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Settings(BaseModel):
    """Base of every table."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class WebSettings(Settings):
    """Tools that ask other machines, each only when somebody asks for it."""

    enabled: bool = True
    """Off: there are no such tools."""
    home: str = ""
    """The place whose weather is meant when none is named."""
    units: Literal["metric", "imperial"] = "metric"
    """Of the weather."""
    searxng_url: str = ""
    """Address of a SearXNG that answers in JSON; the first choice for a search."""
    duckduckgo: bool = True
    """Whether DuckDuckGo is asked where there is no SearXNG."""
    wikipedia_url: str = "https://en.wikipedia.org"
    """Which Wikipedia."""
    weather_url: str = "https://api.open-meteo.com"
    """Address of an Open-Meteo; it can be one of your own."""
    places_url: str = "https://geocoding-api.open-meteo.com"
    """Address of the Open-Meteo that knows where places are."""
    feeds: dict[str, str] = {}
    """News by name: `{ bbc = "https://…" }`."""


class DesktopSettings(Settings):
    """Tools for the desktop of whoever is logged in."""

    enabled: bool = True
    """Off: there are no such tools."""
    applications: tuple[str, ...] = ()
    """Which applications may be opened; empty is every one in the menu."""


class CodeSettings(Settings):
    """Programs that it writes."""

    folder: str = ""
    """Where they are put; empty is `VoxSpark` in your documents folder, or in your home."""


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
