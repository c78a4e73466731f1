"""Settings: pydantic models, filled from defaults, a TOML file, and `VOXSPARK_…` variables, in that order.

The file is `$XDG_CONFIG_HOME/voxspark/config.toml`. A variable names its key with two underscores between tables:
`VOXSPARK_LISTENING__MODE=wake`. An unknown key is an error that names the nearest known one.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, Field, ValidationError, field_validator, model_validator

from voxspark.config_control import ControlSettings
from voxspark.config_listening import (
    BargeInSettings,
    DeviceSettings,
    EchoSettings,
    HotkeySettings,
    ListeningSettings,
    PatienceSettings,
)
from voxspark.config_source import from_environment, merge, read_toml
from voxspark.config_speech import TranscriberSettings, VoiceSettings
from voxspark.config_tools import (
    SECRETS,
    CalendarSettings,
    CodeSettings,
    CommandName,
    CommandSettings,
    DesktopSettings,
    EyesSettings,
    ImageSettings,
    McpServer,
    MemorySettings,
    Settings,
    WebSettings,
)
from voxspark.config_watching import MetricsSettings, RecordingSettings
from voxspark.errors import ConfigError
from voxspark.files import config_folder, xdg_directory
from voxspark.language import Language


class ChatSettings(Settings):
    """The language model."""

    engine: str = "llama_cpp"
    """A registered engine of kind `chat`."""
    model: str = "bundled:smollm2"
    """`bundled:smollm2`, a GGUF path (llama_cpp), or an Ollama tag."""
    host: str = "http://127.0.0.1:11434"
    """Ollama's address, or that of an OpenAI-compatible server with `engine = "openai"`."""
    api_key: str = ""
    """For an OpenAI-compatible server that wants one."""
    context_tokens: int = Field(2048, ge=512)
    """`num_ctx`; always sent, because a change reloads the model."""
    max_tokens: int = Field(60, ge=1)
    """Longest answer; a sentence it cuts is not begun to be said."""
    temperature: float = Field(0.1, ge=0)
    """Sampling temperature."""
    top_p: float = Field(0.9, gt=0, le=1)
    """Nucleus sampling."""
    top_k: int = Field(40, ge=0)
    """Top-k sampling."""
    keep_alive: str = "-1"
    """How long Ollama keeps the model loaded: a duration or -1 for ever."""
    threads: int = Field(0, ge=0, le=64)
    """CPU threads of llama_cpp; 0 is the number of cores, at most 4."""
    system_prompt: str = ""
    """Replaces the built-in prompt for speech."""
    tell_time: bool = False
    """Put the date and time before the newest question; small models are better without it."""


class PlanSettings(Settings):
    """The memory plan."""

    context_tokens: int = Field(0, ge=0, le=1 << 20)
    """Context of every model that has no other in its profile, from 512; 0 is the profile's."""
    floor_gib: float | None = Field(None, ge=0)
    """Memory that models never get; unset it is a sixth of the machine's, at least 1.5 GiB (or a quarter) and at
    most 16."""
    evict_foreign: bool = False
    """Whether models that other programs have loaded into Ollama may be unloaded; otherwise they are only counted."""
    swarm_host: str = ""
    """Address of a second Ollama for questions in the background, so that they never wait before your own. On this
    machine, what it holds is measured but not planned."""
    ollama_host: str = ""
    """Address of Ollama, where `chat.host` is that of another server."""
    proc: str = "/proc"
    """Where the kernel's files about memory are."""

    @field_validator("context_tokens")
    @classmethod
    def _enough(cls, value: int) -> int:
        if 0 < value < 512:
            raise ValueError("a conversation needs at least 512")
        return value


class LogSettings(Settings):
    """Logging, to standard error (the journal, as a service)."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    """Transcripts appear at `debug` only."""


class Config(Settings):
    """Everything."""

    profile: str = "embedded"
    """The team of models: `embedded`, `ollama`, `laptop-8gb`, `workstation-24gb`, `everyday`, `full-power`, `swarm`, a
    file of your own in `profiles/` beside this one, or `auto`, which takes the largest that fits and is pulled."""
    language: Language = "en"
    """What you speak with it: `en`, `de`, `es` or `fr`. Commands are understood and answered in it, and it is listened
    for; with `transcriber.language = "auto"` what is heard decides, and this is for what you type."""
    devices: DeviceSettings = DeviceSettings()
    """[devices]"""
    listening: ListeningSettings = ListeningSettings()
    """[listening]"""
    patience: PatienceSettings = PatienceSettings()
    """[patience]"""
    barge_in: BargeInSettings = BargeInSettings()
    """[barge_in]"""
    echo: EchoSettings = EchoSettings()
    """[echo]"""
    hotkey: HotkeySettings = HotkeySettings()
    """[hotkey]"""
    transcriber: TranscriberSettings = TranscriberSettings()
    """[transcriber]"""
    chat: ChatSettings = ChatSettings()
    """[chat]"""
    voice: VoiceSettings = VoiceSettings()
    """[voice]"""
    web: WebSettings = WebSettings()
    """[web]"""
    calendar: CalendarSettings = CalendarSettings()
    """[calendar]"""
    desktop: DesktopSettings = DesktopSettings()
    """[desktop]"""
    code: CodeSettings = CodeSettings()
    """[code]"""
    eyes: EyesSettings = EyesSettings()
    """[eyes]"""
    memory: MemorySettings = MemorySettings()
    """[memory]"""
    image: ImageSettings = ImageSettings()
    """[image]"""
    mcp: dict[str, McpServer] = Field(default_factory=dict)
    """[mcp.NAME]: programs whose tools it may use."""
    commands: dict[CommandName, CommandSettings] = Field(default_factory=dict)
    """[commands.NAME]: programs that it may run when it is told to, each after asking."""
    plan: PlanSettings = PlanSettings()
    """[plan]"""
    control: ControlSettings = ControlSettings()
    """[control]"""
    log: LogSettings = LogSettings()
    """[log]"""
    metrics: MetricsSettings = MetricsSettings()
    """[metrics]"""
    recording: RecordingSettings = RecordingSettings()
    """[recording]"""

    @model_validator(mode="before")
    @classmethod
    def _listens_for_it(cls, data: Any) -> Any:
        if not isinstance(data, Mapping) or data.get("language", "en") == "en":
            return data
        ears = data.get("transcriber", {})
        return {**data, "transcriber": {"language": data["language"], **ears}} if isinstance(ears, Mapping) else data

    @property
    def ollama_host(self) -> str:
        """Ollama's address."""
        default = str(ChatSettings.model_fields["host"].default)
        return self.plan.ollama_host or (default if self.chat.engine == "openai" else self.chat.host)


def config_path() -> Path:
    """`$VOXSPARK_CONFIG`, or the XDG place."""
    if chosen := os.environ.get("VOXSPARK_CONFIG"):
        return Path(chosen).expanduser()
    return config_folder() / "config.toml"


def socket_path(config: Config) -> Path:
    """Where the daemon listens: the setting, or below `$XDG_RUNTIME_DIR`, or a private folder in /tmp."""
    if config.control.socket:
        return Path(config.control.socket).expanduser()
    runtime = xdg_directory("XDG_RUNTIME_DIR", Path(f"/tmp/voxspark-{os.getuid()}"))
    return runtime / "voxspark" / "voxspark.sock"


SYSTEM_SOCKET = Path("/run/voxspark/voxspark.sock")
"""Of the system unit."""


def daemon_socket(config: Config, system: Path = SYSTEM_SOCKET) -> Path:
    """Where a daemon is to be reached: one's own place, or that of the system unit where only that is there."""
    own = socket_path(config)
    return system if not config.control.socket and not own.exists() and system.exists() else own


def load_config(
    path: Path | None = None,
    environ: Mapping[str, str] | None = None,
    overrides: Mapping[str, Any] | None = None,
) -> Config:
    """The configuration in force.

    `path` (or `$VOXSPARK_CONFIG`) must exist when given; the default path need not. `overrides` are nested tables from
    the command line and win over all. Raises ConfigError, which names the key and where it was set.
    """
    place = path or config_path()
    chosen = path is not None or bool(os.environ.get("VOXSPARK_CONFIG"))
    layers: list[tuple[str, Mapping[str, Any]]] = [
        (str(place), read_toml(place, must_exist=chosen)),
        ("the environment", from_environment(os.environ if environ is None else environ)),
        ("the command line", overrides or {}),
    ]
    for origin, layer in layers:
        _check_keys(Config, layer, origin)
    merged: dict[str, Any] = {}
    for _, layer in layers:
        merged = merge(merged, layer)
    try:
        return Config.model_validate(merged)
    except ValidationError as error:
        first = error.errors()[0]
        key, shown = ".".join(str(part) for part in first["loc"]), _shown(first["loc"], first["input"])
        reason = first["msg"].removeprefix("Value error, ")
        origin = next((origin for origin, layer in reversed(layers) if _sets(layer, first["loc"])), str(place))
        raise ConfigError(
            "config-value", f"{key}{shown} cannot be used: {reason}.", f"Correct it in {origin}."
        ) from error


def _shown(key: Sequence[int | str], value: object) -> str:
    """What was set, unless a key or a password may be in it: errors are logged, and sent to others for help."""
    private = isinstance(value, Mapping) or SECRETS & {*map(str, key)} or "@" in str(value)
    return "" if private else f" = {value!r}"


def _sets(layer: Mapping[str, Any], key: Sequence[int | str]) -> bool:
    """Whether a layer gives the key a value (or, where the key goes on into a list, the list)."""
    value: Any = layer
    for part in key:
        if not isinstance(value, Mapping):
            break
        if part not in value:
            return False
        value = value[part]
    return True


def _check_keys(model: type[BaseModel], table: Mapping[str, Any], origin: str, prefix: str = "") -> None:
    for key, value in table.items():
        known = model.model_fields
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
            hint = f"Did you mean {prefix}{near[0]}?" if near else f"Known here: {', '.join(sorted(known))}."
            raise ConfigError("config-unknown-key", f"{origin} sets {prefix}{key}, which does not exist.", hint)
        annotation = known[key].annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            if not isinstance(value, Mapping):
                raise ConfigError(
                    "config-value", f"{origin}: {prefix}{key} must be a table.", f"Write [{prefix}{key}]."
                )
            _check_keys(annotation, value, origin, f"{prefix}{key}.")
