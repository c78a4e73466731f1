"""How Ollama is set up: its service's environment, where systemd knows it."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from collections.abc import Callable, Mapping
from functools import partial
from urllib.parse import urlsplit

import anyio.to_thread

from voxspark.doctor.check import Check, Finding
from voxspark.roster import Roster

ASK_SECONDS = 5.0

UNIT = "ollama.service"

EVERYWHERE = ("0.0.0.0", "[::]", "::", "*")
"""Hosts that listen to the whole network."""

EDIT = f"Run: sudo systemctl edit {UNIT}, write below [Service], and restart it:"

Environment = Mapping[str, str]


def service_environment() -> Environment | None:
    """Of Ollama's system service; None where there is none, or systemd does not tell. Blocks."""
    if shutil.which("systemctl") is None:
        return None
    command = ["systemctl", "show", UNIT, "--property=LoadState,Environment"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=ASK_SECONDS, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    told = dict(line.partition("=")[::2] for line in done.stdout.splitlines())
    if told.get("LoadState") != "loaded":
        return None
    return dict(each.partition("=")[::2] for each in shlex.split(told.get("Environment", "")))


def settings_check(roster: Callable[[], Roster], read: Callable[[], Environment | None] = service_environment) -> Check:
    """Of what a profile needs from the server. `roster` blocks, and raises VoxSparkError."""

    def look() -> Finding:
        environment = read()
        if environment is None:
            return Finding("ok", f"cannot be told: there is no {UNIT} here")
        return judged_settings(environment, roster())

    return Check("ollama settings", partial(anyio.to_thread.run_sync, look))


def judged_settings(environment: Environment, roster: Roster) -> Finding:
    """What is set against what the profile wants (spark.md 3.4, agent.md 2)."""
    profile = roster.profile
    posts = {role: post for role, post in profile.roles.items() if roster.model_of(role).runner == "ollama"}
    models = {roster.model_of(role).id for role in posts}
    slots = max((post.slots for post in posts.values()), default=1)
    wanted: dict[str, str] = {}
    if len(models) > _number(environment, "OLLAMA_MAX_LOADED_MODELS", 3):
        wanted["OLLAMA_MAX_LOADED_MODELS"] = "8"
    if slots > _number(environment, "OLLAMA_NUM_PARALLEL", 1):
        wanted["OLLAMA_NUM_PARALLEL"] = str(slots)
    if environment.get("OLLAMA_KV_CACHE_TYPE", "f16") != profile.kv_type:
        wanted["OLLAMA_KV_CACHE_TYPE"] = profile.kv_type
    if wanted:
        lines = [EDIT, *(f'Environment="{name}={value}"' for name, value in wanted.items())]
        return Finding("problem", f"{profile.key} wants {_told(wanted)}", "\n".join(lines))
    if _listens_to_everybody(environment.get("OLLAMA_HOST", "")):
        return Finding("problem", "the whole network can use it", f'{EDIT}\nEnvironment="OLLAMA_HOST=127.0.0.1"')
    return Finding("ok", _told(environment) or "as shipped")


def _number(environment: Environment, name: str, default: int) -> int:
    """0 says as many as the server likes, which is its default."""
    value = environment.get(name, "").strip()
    return int(value) if value.isdigit() and int(value) else default


def _listens_to_everybody(host: str) -> bool:
    return (urlsplit(host if "//" in host else f"//{host}").netloc.rpartition(":")[0] or host) in EVERYWHERE


def _told(settings: Environment) -> str:
    return ", ".join(f"{name}={value}" for name, value in settings.items() if name.startswith("OLLAMA_"))
