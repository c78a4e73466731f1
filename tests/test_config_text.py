"""`voxspark config show`: what is in force, and which of it the user has set."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxspark.checks import values_in_force
from voxspark.config import Config, load_config
from voxspark.config_text import HIDDEN, OF_PROFILE, as_json, as_toml
from voxspark.config_tools import CommandSettings, McpServer
from voxspark.errors import ConfigError
from voxspark.vram import probes
from voxspark.vram.probes import Unknown

PROC = "MemTotal: 127600748 kB\nMemAvailable: 118566368 kB\nSwapFree: 16777212 kB\n"


class NoGpus:
    """A machine without any, whatever the one is that this runs on."""

    def read(self) -> Unknown:
        """See `GpuReader.read`."""
        return Unknown("There is none.")


@pytest.fixture(autouse=True)
def spark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The memory of a Spark, and no files of the user's; its folder of kernel files."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "nothing"))
    monkeypatch.setattr(probes, "Nvml", NoGpus)
    (tmp_path / "meminfo").write_text(PROC)
    return str(tmp_path)


def config(proc: str, **tables: Any) -> Config:
    return Config.model_validate({**tables, "plan": {"proc": proc, **tables.get("plan", {})}})


def shown(made: Config) -> str:
    return as_toml(made, values_in_force(made, []))


def table(text: str, name: str) -> list[str]:
    """The lines of a table that set something, behind a # or not."""
    lines = text.partition(f"[{name}]\n")[2].partition("\n\n")[0].splitlines()
    return [line for line in lines if " = " in line or line.endswith("is not set")]


def test_a_table_in_a_table_is_shown_behind_it_and_loads(spark: str, tmp_path: Path) -> None:
    made = config(spark, profile="everyday", voice={"seed": 3, "csm": {"temperature": 0.5}})
    text = shown(made)
    assert not any("temperature" in line for line in table(text, "voice"))
    assert {"temperature = 0.5", "# top_k = 50"} <= set(table(text, "voice.csm"))
    (tmp_path / "shown.toml").write_text(text)
    assert load_config(tmp_path / "shown.toml", {}).voice == made.voice
    assert "# [voice.csm]\n" in shown(config(spark, profile="everyday", voice={"seed": 3}))


def test_what_follows_from_the_profile_is_behind_a_mark_and_shows_its_value(spark: str) -> None:
    chat = table(shown(config(spark, profile="everyday")), "chat")
    assert '# model = "qwen3:8b"' in chat
    assert '# engine = "ollama"' in chat
    assert "# context_tokens = 8192" in chat
    assert "# temperature = 0.7" in chat  # the model's own, not the default of the table
    assert all(line.startswith("# ") for line in chat)


def test_what_the_user_has_set_is_not_behind_a_mark(spark: str) -> None:
    text = shown(config(spark, profile="ollama", chat={"temperature": 0.25}, voice={"speed": 1.5}))
    assert [line for line in table(text, "chat") if not line.startswith("#")] == ["temperature = 0.25"]
    assert [line for line in table(text, "voice") if not line.startswith("#")] == ["speed = 1.5"]
    assert [line for line in table(text, "transcriber") if not line.startswith("#")] == []
    assert tomllib.loads(text)["profile"] == "ollama"


def test_other_tables_do_not_follow_from_the_profile(spark: str) -> None:
    text = shown(config(spark))
    assert "hangover_seconds = 2.0" in table(text, "listening")
    assert set(tomllib.loads(text)["patience"]) == set(type(Config().patience).model_fields)


def test_nothing_is_a_remark_and_something_a_value(spark: str) -> None:
    assert "# floor_gib is not set" in table(shown(config(spark)), "plan")
    assert "floor_gib = 4.0" in table(shown(config(spark, plan={"floor_gib": 4})), "plan")


@pytest.mark.parametrize(
    "tables",
    [
        {"profile": "everyday", "chat": {"context_tokens": 1_000_000}},  # more than the model takes
        {"profile": "embedded", "transcriber": {"model": "tiny.en"}},  # found among the bundled ones
        {"profile": "embedded", "plan": {"context_tokens": 512}},
        {"profile": "embedded", "chat": {"engine": "ollama", "model": "größe:8b"}},
        {"profile": "auto"},
        {"profile": "nonsense", "chat": {"temperature": 0.5}},
        {"profile": "everyday", "plan": {"floor_gib": 100_000}},  # does not fit
        {"profile": "embedded", "voice": {"engine": "nonsense"}},
    ],
)
def test_what_is_shown_loads_to_the_same(spark: str, tmp_path: Path, tables: dict[str, Any]) -> None:
    made, file = config(spark, **tables), tmp_path / "config.toml"
    file.write_text(shown(made), "utf-8")
    loaded = load_config(file, {})
    assert loaded == made
    for name in OF_PROFILE:
        assert getattr(loaded, name).model_fields_set == getattr(made, name).model_fields_set


CHOICES = st.fixed_dictionaries(
    {},
    optional={
        "model": st.text(),
        "host": st.text(),
        "temperature": st.floats(0, 1e300),
        "context_tokens": st.integers(512, 1 << 40),
        "system_prompt": st.text(),
        "tell_time": st.booleans(),
    },
)


@given(CHOICES)
def test_whatever_is_set_survives(tmp_path_factory: pytest.TempPathFactory, chat: dict[str, Any]) -> None:
    made = Config.model_validate({"chat": chat})
    file = tmp_path_factory.getbasetemp() / "config.toml"
    file.write_text(as_toml(made, {"chat": Config().chat}), "utf-8", newline="")
    loaded = load_config(file, {})
    assert loaded == made
    assert loaded.chat.model_fields_set == made.chat.model_fields_set


def test_keys_and_passwords_are_not_shown(spark: str) -> None:
    home = {"url": "http://home.example/mcp", "headers": {"Authorization": "Bearer sesame"}}
    local = {"command": "server", "env": {"TOKEN": "sesame"}}
    calendar = {"url": "https://cloud.example/dav", "username": "ada", "password": "sesame"}
    made = config(spark, chat={"api_key": "sesame"}, mcp={"home": home, "local": local}, calendar=calendar)
    text = shown(made)
    assert "sesame" not in text
    assert "sesame" not in as_json(made)
    assert json.loads(as_json(made))["mcp"]["home"]["headers"] == {"Authorization": HIDDEN}
    assert json.loads(as_json(made))["calendar"]["username"] == "ada"
    assert "# api_key is set, and not shown" in text
    assert "# api_key is not set" in shown(config(spark))
    assert tomllib.loads(text)["mcp"]["home"]["headers"] == {"Authorization": HIDDEN}


def test_every_table_says_what_it_is_and_every_key_is_there(spark: str) -> None:
    text = shown(config(spark))
    assert "\n\n# Programs that it writes.\n[code]\n" in text
    for name, kind in (("mcp", McpServer), ("commands", CommandSettings)):
        template = text.partition(f"# [{name}.NAME]\n")[2].partition("\n\n")[0]
        assert all(f"\n# {key} " in f"\n{template}" for key in kind.model_fields)
        assert all(line.startswith("# ") for line in template.splitlines())
    assert "# run must be set" in text


def test_a_template_can_be_filled_in(spark: str, tmp_path: Path) -> None:
    text = shown(config(spark)).replace("# [commands.NAME]", "[commands.backup]")
    text = text.replace("# run must be set", 'run = ["/bin/true"]').replace(
        "# description must be set", 'description = "B."'
    )
    file = tmp_path / "config.toml"
    file.write_text(text)
    assert load_config(file, {}).commands["backup"].run == ("/bin/true",)


def test_tables_with_names_of_their_own_load_to_the_same(spark: str, tmp_path: Path) -> None:
    command = {"run": ["/bin/echo", "{what}"], "description": "Say “it”.", "arguments": {"what": ["a", "b c"]}}
    made = config(spark, commands={"say-it": command}, mcp={"größe": {"command": "server", "args": ["-v"]}})
    file = tmp_path / "config.toml"
    file.write_text(shown(made), "utf-8")
    assert load_config(file, {}) == made


@pytest.mark.parametrize(
    "table",
    [
        {"mcp": {"home": {"url": "http://x", "command": "y", "headers": {"Authorization": "sesame"}}}},
        {"mcp": {"home": {"url": "http://x", "headers": {"Authorization": ["sesame"]}}}},
        {"calendar": {"url": "https://ada:sesame@cloud.example"}},
        {"chat": {"api_key": ["sesame"]}},
    ],
)
def test_neither_are_they_in_errors(table: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="cannot be used") as raised:
        load_config(None, {}, table)
    assert "sesame" not in str(raised.value)
