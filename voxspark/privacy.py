"""What is kept to this machine and this user, and what is set so that it is not."""

from __future__ import annotations

import ipaddress
import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from voxspark.config import Config
from voxspark.config_source import read_toml
from voxspark.config_tools import SECRETS
from voxspark.files import OTHERS, cache_folder, data_folder, make_private, state_folder

log = logging.getLogger(__name__)

NO_TELEMETRY = {
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_UPDATE_CHECK": "1",
    "DO_NOT_TRACK": "1",
    "ANONYMIZED_TELEMETRY": "False",
}
"""What libraries of others tell their makers when they are let. onnxruntime's is in `voxspark/__init__.py`."""


def keep_private() -> None:
    """At the start of a daemon: its folders are the user's alone, and makers of libraries are told nothing."""
    for name, value in NO_TELEMETRY.items():
        os.environ.setdefault(name, value)
    try:
        make_private(data_folder(), state_folder(), cache_folder())
    except OSError as error:
        log.warning("%s cannot be made private: %s", error.filename, error.strerror)


def readable_secrets(config_file: Path) -> str:
    """A sentence where other users can read passwords or keys in the file; otherwise empty."""
    if not config_file.exists() or not config_file.stat().st_mode & OTHERS:
        return ""
    tables = list(_tables(read_toml(config_file)))
    if not any(value for table in tables for name, value in table.items() if name in SECRETS):
        return ""
    return f"Other users can read the keys in {config_file}. Run: chmod 600 {config_file}"


def warn_of_readable_secrets(config_file: Path) -> None:
    """Say so in the log."""
    if warning := readable_secrets(config_file):
        log.warning("%s", warning)


def _tables(value: object) -> Iterator[dict[str, object]]:
    if isinstance(value, dict):
        yield value
        for each in value.values():
            yield from _tables(each)


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Something that is done on another machine."""

    what: str
    """`the language model`, `the weather`, …"""
    host: str
    """Where, or which program decides that."""
    asked: bool
    """Only when somebody asks for it; otherwise always when the daemon does its work."""


def elsewhere(config: Config) -> list[Elsewhere]:
    """What leaves this machine with these settings; empty is nothing at all."""
    web, plan = config.web, config.plan
    always = {
        "the language model": config.chat.host,
        "Ollama": "" if config.ollama_host == config.chat.host else config.ollama_host,
        "questions in the background": plan.swarm_host,
        "hearing": config.transcriber.host,
        "speaking": config.voice.host,
        **{f"speaking {language}": choice.host for language, choice in config.voice.languages.items()},
    }
    asked: dict[str, str] = {"the calendar": config.calendar.url}
    if web.enabled:
        search = web.searxng_url or ("duckduckgo.com" if web.duckduckgo else "")
        asked |= {"a search": search, "an encyclopedia": web.wikipedia_url, "reading a page": "the page's own"}
        asked |= {"the weather": web.weather_url, "places": web.places_url}
        asked |= {f"news of {name}": url for name, url in web.feeds.items()}
    for name, server in config.mcp.items():
        asked[f"tools of {name}"] = server.url or f"wherever {Path(server.command).name} connects"
    asked |= {f"the command {name}": "wherever it connects" for name, each in config.commands.items() if each.network}
    found = [Elsewhere(what, host, False) for what, host in always.items() if _leaves(host)]
    return found + [Elsewhere(what, host, True) for what, host in asked.items() if _leaves(host)]


def _leaves(address: str) -> bool:
    """Whether an address is that of another machine; what is not one is taken for it."""
    if not address:
        return False
    host = urlsplit(address if "://" in address else f"//{address}").hostname or address
    if host == "localhost":
        return False
    try:
        return not ipaddress.ip_address(host).is_loopback
    except ValueError:
        return True
