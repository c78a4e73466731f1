"""A configuration as text: `voxspark config show`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, get_args

from pydantic import BaseModel, SecretStr

from voxspark.config import Config
from voxspark.config_tools import SECRETS

HIDDEN = "(not shown)"

OF_PROFILE = ("transcriber", "chat", "voice")
"""Tables whose values follow from the profile and its models, unless they are set."""


def as_toml(config: Config, in_force: Mapping[str, BaseModel] | None = None) -> str:
    """A configuration as a commented TOML file that loads to the same but for its secrets, which are not shown.

    `in_force`: tables as the profile makes them, to show what is not set.
    """
    lines = [
        "# VoxSpark's configuration. Every key is optional; these are the values in force. What follows from the",
        "# profile and its models, or is unset, is behind a #.",
        "",
    ]
    tables: list[str] = []
    for name, field in Config.model_fields.items():
        value = getattr(config, name)
        if isinstance(value, BaseModel):
            shown = (in_force or {}).get(name, value)
            tables += _table(name, shown, value if name in OF_PROFILE else None)
        elif isinstance(value, dict):
            for key, table in value.items():
                tables += _table(f"{name}.{json.dumps(key)}", table, None)
            tables += [] if value else [*_template(name, get_args(field.annotation)[1]), ""]
        else:
            lines += _toml_entry(name, value, field.description)
    return "\n".join([*lines, "", *tables])


def as_json(config: Config) -> str:
    """A configuration on one line; secrets are not shown."""
    return json.dumps(_hidden(config.model_dump(mode="json")), ensure_ascii=False)


def _hidden(value: Any) -> Any:
    """Without secrets, and without the values in tables of them."""
    if not isinstance(value, Mapping):
        return value
    return {key: _secret(each) if key in SECRETS else _hidden(each) for key, each in value.items()}


def _secret(value: Any) -> Any:
    return dict.fromkeys(value, HIDDEN) if isinstance(value, Mapping) else value and HIDDEN


def _header(name: str, table: BaseModel, is_set: bool) -> list[str]:
    return [*_comment(type(table).__doc__), f"{'' if is_set else '# '}[{name}]"]


def _table(name: str, table: BaseModel, chosen: BaseModel | None, is_set: bool = True) -> list[str]:
    """With the tables inside it. `chosen`: what the user has set of it; None when everything counts as set."""
    lines = [*_header(name, table, is_set), *_toml_lines(table, chosen), ""]
    for key, inner in table:
        if isinstance(inner, BaseModel):
            is_chosen = chosen is None or key in chosen.model_fields_set
            lines += _table(f"{name}.{key}", inner, chosen and getattr(chosen, key), is_chosen)
    return lines


def _template(name: str, kind: type[BaseModel]) -> list[str]:
    """The keys of a table that has a name of its own, behind a #."""
    lines = [*_comment(kind.__doc__), f"# [{name}.NAME]"]
    for key, field in kind.model_fields.items():
        if field.is_required():
            lines += [*_comment(field.description), f"# {key} must be set"]
        else:
            lines += _toml_entry(key, field.get_default(), field.description, is_set=False)
    return lines


def _toml_lines(table: BaseModel, chosen: BaseModel | None) -> list[str]:
    return [
        line
        for name, field in type(table).model_fields.items()
        if not isinstance(getattr(table, name), BaseModel)
        for is_set in (chosen is None or name in chosen.model_fields_set,)
        for line in _toml_entry(name, getattr(chosen if chosen and is_set else table, name), field.description, is_set)
    ]


def _toml_entry(name: str, value: Any, description: str | None, is_set: bool = True) -> list[str]:
    comment = _comment(description)
    if value is None:
        return [*comment, f"# {name} is not set"]
    if isinstance(value, SecretStr) or (name in SECRETS and not isinstance(value, Mapping)):
        secret = value.get_secret_value() if isinstance(value, SecretStr) else value
        return [*comment, f"# {name} is {'set, and not shown' if secret else 'not set'}"]
    shown = _secret(value) if name in SECRETS else value
    return [*comment, f"{'' if is_set else '# '}{name} = {_toml_value(shown)}"]


def _comment(text: str | None) -> list[str]:
    return [f"# {line.strip()}" for line in (text or "").splitlines()]


def _toml_value(value: Any) -> str:
    """TOML's strings are JSON's, but for the surrogate pairs and the one control character that JSON writes plainly."""
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, Mapping):
        if not value:
            return "{}"
        return f"{{ {', '.join(f'{json.dumps(key)} = {_toml_value(item)}' for key, item in value.items())} }}"
    text = json.dumps(list(value) if isinstance(value, tuple) else value, ensure_ascii=False)
    return text.replace("\x7f", "\\u007f")
