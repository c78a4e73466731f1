"""The sentences of local intents: the shipped files beside this one, and the user's own folder.

A file names its `language`, and under `intents` the sentences (hassil's template language) that call a tool. In a
user's file, `lists` and `expansion_rules` are its own: they cannot change a shipped sentence, but it may use the
shipped ones.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from voxspark.errors import ConfigError
from voxspark.files import config_folder
from voxspark.language import LANGUAGES, Language

Fold = Callable[[str], str]
"""A text as the normalised transcript would spell it."""

Known = tuple[set[str], set[str]]
"""Names of lists, and of rules."""

CODE = "intents-file"
STILL = "Correct it; every other sentence works meanwhile."


@dataclass(frozen=True, slots=True)
class Sentences:
    """One file, checked as far as that goes without the shipped one of its language."""

    language: Language
    intents: Mapping[str, Sequence[Mapping[str, Any]]]
    """Tool to its blocks of sentences."""
    lists: Mapping[str, Any]
    rules: Mapping[str, str]
    place: Path
    lines: Mapping[tuple[object, ...], int]
    """Path inside the file to the line, from 1."""

    def error(self, reason: str, *path: object) -> ConfigError:
        """What is wrong at a path, or at the nearest thing above it that has a line."""
        while path and path not in self.lines:
            path = path[:-1]
        return ConfigError(CODE, f"{self.place}, line {self.lines.get(path, 1)}: {reason}.", STILL)


def user_folder() -> Path:
    """`$XDG_CONFIG_HOME/voxspark/intents`."""
    return config_folder() / "intents"


def read_folder(folder: Path) -> tuple[list[Sentences], list[ConfigError]]:
    """(the files that can be used, why the others cannot), in the order of their names."""
    good: list[Sentences] = []
    bad: list[ConfigError] = []
    for place in sorted(folder.glob("*.y*ml")):
        try:
            found = _read(place)
            merged(found.language, [found])
            good.append(found)
        except ConfigError as error:
            bad.append(error)
    return good, bad


def merged(language: Language, own: Sequence[Sentences], fold: Fold = str) -> dict[str, Any]:
    """What hassil is given: the shipped sentences first, then one's own. Raises ConfigError for one that cannot be."""
    import yaml

    text = resources.files(__package__).joinpath(f"{language}.yaml").read_text(encoding="utf-8")
    shipped: dict[str, Any] = yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    for block in (block for intent in shipped["intents"].values() for block in intent["data"]):
        block["sentences"] = [fold(sentence) for sentence in block["sentences"]]
    shipped["lists"] = {name: _folded(one, fold) for name, one in shipped["lists"].items()}
    shipped["expansion_rules"] = {name: fold(rule) for name, rule in shipped["expansion_rules"].items()}
    known = {*shipped["lists"], *DYNAMIC}, set(shipped["expansion_rules"])
    for file in own:
        _check_templates(file, known)
        own_too = known[0] | set(file.lists), known[1] | set(file.rules)
        for tool, blocks in file.intents.items():
            checked = [_block(file, tool, at, block, own_too, fold) for at, block in enumerate(blocks)]
            shipped["intents"].setdefault(tool, {"data": []})["data"].extend(checked)
    return shipped


DYNAMIC = ("city", "from_unit", "to_unit")
"""Lists that come from the tables of the tools."""


def _folded(one: Mapping[str, Any], fold: Fold) -> Mapping[str, Any]:
    if "values" not in one:
        return one
    values = [value if isinstance(value, dict) else {"in": value, "out": value} for value in one["values"]]
    return {"values": [{**value, "in": fold(str(value["in"]))} for value in values]}


def _block(file: Sentences, tool: str, at: int, block: Mapping[str, Any], known: Known, fold: Fold) -> dict[str, Any]:
    """A block of a user's file with the file's own lists and rules in it. Raises ConfigError.

    Its metadata names the slots that are `free`: filled from the file's own lists, whatever tools mean by the name.
    """
    free: set[str] = set()
    for number, sentence in enumerate(block["sentences"]):
        path = ("intents", tool, "data", at, "sentences", number)
        if not re.search(r"[^\W_]|<", _NOT_SURE.sub("", sentence)):
            raise file.error(f"{sentence!r} would match anything", *path)
        free |= {slot for name, slot in _slots(file, sentence, known, *path) if name in file.lists}
    return {
        "sentences": [fold(sentence).replace(",", "") for sentence in block["sentences"]],
        "slots": block.get("slots", {}),
        "lists": {name: _folded(one, fold) for name, one in file.lists.items()},
        "expansion_rules": {name: fold(rule) for name, rule in file.rules.items()},
        "metadata": {"free": free},
    }


_NOT_SURE = re.compile(r"\[[^\]]*\]|\{[^}]*\}")
"""What a sentence may do without, or may be any word."""


def _check_templates(file: Sentences, known: Known) -> None:
    """That the file's own rules and lists can be used. Raises ConfigError."""
    rules = known[1] - set(file.rules)
    for name, rule in file.rules.items():  # a rule may use those above it: so it never comes back to itself
        _slots(file, rule, (known[0] | set(file.lists), rules), "expansion_rules", name)
        rules.add(name)
    for name, one in file.lists.items():
        for value in one.get("values", []):
            template = str(value["in"] if isinstance(value, dict) else value)
            _slots(file, template, (set(), rules), "lists", name)


def _slots(file: Sentences, template: str, known: Known, *path: object) -> list[tuple[str, str]]:
    """(list, slot) of what a template of the file refers to. Raises ConfigError for what is not known."""
    from hassil.parse_expression import parse_sentence
    from hassil.parser import ParseError

    try:
        references = list(_references(parse_sentence(template).expression))
    except (ParseError, ValueError) as error:
        raise file.error(f"{template!r} is no sentence template", *path) from error
    for kind, name, _ in references:
        if name not in known[0 if kind == "list" else 1]:
            raise file.error(f"there is no {kind} called {name}", *path)
    return [(name, slot) for kind, name, slot in references if kind == "list"]


def _references(expression: Any) -> Iterator[tuple[str, str, str]]:
    """`("list", name, slot)` and `("rule", name, "")` of what a template refers to."""
    from hassil.expression import Group, ListReference, RuleReference

    if isinstance(expression, ListReference):
        yield "list", expression.list_name, expression.slot_name
    elif isinstance(expression, RuleReference):
        yield "rule", expression.rule_name, ""
    elif isinstance(expression, Group):
        for item in expression.items:
            yield from _references(item)


# ── reading a user's file ───────────────────────────────────────────────────────────────────────


def _read(place: Path) -> Sentences:
    """Raises ConfigError with the line."""
    import yaml

    try:
        text = place.read_text("utf-8")
        tree, data = yaml.compose(text, yaml.SafeLoader), yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ConfigError(CODE, f"{place}, line {line}: {error.problem or 'this is not YAML'}.", STILL) from error
    except (yaml.YAMLError, UnicodeDecodeError, OSError) as error:
        raise ConfigError(CODE, f"{place} cannot be read: {error}.", STILL) from error
    data = data if isinstance(data, dict) else {}
    file = Sentences(
        language=data.get("language", ""),
        intents={tool: one.get("data", one) if isinstance(one, dict) else one for tool, one in _dict(data, "intents")},
        lists=dict(_dict(data, "lists")),
        rules=dict(_dict(data, "expansion_rules")),
        place=place,
        lines=dict(_lines(tree)) if tree is not None else {},
    )
    _check(file, data)
    return file


def _dict(data: Mapping[str, Any], key: str) -> Iterator[tuple[str, Any]]:
    value = data.get(key)
    yield from ((str(name), one) for name, one in value.items()) if isinstance(value, dict) else ()


def _lines(node: Any, *path: object) -> Iterator[tuple[tuple[object, ...], int]]:
    import yaml

    yield path, node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield (*path, key.value), key.start_mark.line + 1
            yield from ((inner, line) for inner, line in _lines(value, *path, key.value) if len(inner) > len(path) + 1)
    elif isinstance(node, yaml.SequenceNode):
        for number, value in enumerate(node.value):
            yield from _lines(value, *path, number)


def _check(file: Sentences, data: Mapping[str, Any]) -> None:
    """The shape of a file. Raises ConfigError."""
    if file.language not in LANGUAGES:
        raise file.error(f"language must be one of {', '.join(LANGUAGES)}", "language")
    for key in data:
        if key not in ("language", "intents", "lists", "expansion_rules"):
            raise file.error(f"{key} means nothing here; known are language, intents, lists and expansion_rules", key)
    for tool, blocks in file.intents.items():
        if not isinstance(blocks, list):
            raise file.error(f"{tool} needs a list of blocks under data", "intents", tool)
        for at, block in enumerate(blocks):
            _check_block(file, block, "intents", tool, "data", at)
    for name, one in file.lists.items():
        if not isinstance(one, dict) or not (one.get("wildcard") is True or _are_values(one.get("values"))):
            raise file.error(f"the list {name} needs values or wildcard: true", "lists", name)
    for name, rule in file.rules.items():
        if not isinstance(rule, str):
            raise file.error(f"the rule {name} must be a text", "expansion_rules", name)


def _check_block(file: Sentences, block: object, *path: object) -> None:
    if not isinstance(block, dict) or not block.keys() <= {"sentences", "slots"}:
        raise file.error("a block has sentences and slots, nothing else", *path)
    sentences, slots = block.get("sentences"), block.get("slots", {})
    if not isinstance(sentences, list) or not sentences or not all(isinstance(each, str) for each in sentences):
        raise file.error("sentences must be a list of texts", *path, "sentences")
    if not isinstance(slots, dict):
        raise file.error("slots must be a table of arguments", *path, "slots")


def _are_values(values: object) -> bool:
    return isinstance(values, list) and all(
        isinstance(value, str) or (isinstance(value, dict) and "in" in value and "out" in value) for value in values
    )
