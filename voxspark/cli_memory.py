"""`voxspark memory`: what is remembered, without the daemon."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from voxspark.cli_plan.session import json_option, run_async
from voxspark.errors import ToolError, VoxSparkError
from voxspark.plain import plain

if TYPE_CHECKING:
    from voxspark.memory.facts import Fact, Facts

T = TypeVar("T")

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group()
def memory() -> None:
    """What you told, and your documents."""


@memory.command()
@click.argument("files", nargs=-1, required=True, type=FILE)
def add(files: tuple[Path, ...]) -> None:
    """Remember documents: text, Markdown, HTML, PDF. One that is known already is read again."""
    failed: list[VoxSparkError] = []
    for file in files:
        try:
            click.echo(f"{file.name}: {_passages(_add(file))}")
        except VoxSparkError as error:
            failed.append(error)
            if len(files) > 1:
                click.echo(f"{file.name}: {error}", err=True)
    if failed:
        raise failed[0] if len(files) == 1 else _some(len(failed), len(files))


def _passages(number: int) -> str:
    return f"{number} passage{'s' * (number != 1)}"


def _some(failed: int, files: int) -> ToolError:
    return ToolError("documents-failed", f"{failed} of {files} documents could not be read.")


def _add(file: Path) -> int:
    import time

    from voxspark.memory.documents import read_document

    with click.progressbar(length=1, label=file.name) as bar:

        def progress(done: int, total: int) -> None:
            bar.length = total
            bar.update(done - bar.pos)

        passages = read_document(file, progress)
    return _with_facts(lambda facts: facts.put_document(_source(file), passages, time.time()))


def _source(file: Path) -> str:
    """The whole path, as text that can be stored whatever bytes are in it."""
    return bytes(file.resolve()).decode("utf-8", errors="replace")


@memory.command()
@click.argument("words", nargs=-1, required=True)
@click.option("--limit", type=click.IntRange(1, 100), default=5, show_default=True, help="How many.")
@json_option
def search(words: tuple[str, ...], limit: int, as_json: bool) -> None:
    """Find facts and passages by their words."""
    query = " ".join(words)

    async def work(facts: Facts) -> list[Fact]:
        from voxspark.memory.recall import Recall

        recall = Recall(facts)
        return [*await recall.about(query, limit), *await recall.passages(query, limit)]

    _show(_with_facts(work), as_json)


@memory.command("list")
@click.option("--limit", type=click.IntRange(1, 10_000), default=20, show_default=True, help="How many facts.")
@json_option
def list_(limit: int, as_json: bool) -> None:
    """The newest facts, and the documents."""
    found, documents = _with_facts(lambda facts: facts.newest(limit)), _with_facts(lambda facts: facts.documents())
    if not (found or documents or as_json):
        click.echo("Nothing is remembered yet.")
    _show(found, as_json)
    for document in documents:
        click.echo(json.dumps(asdict(document)) if as_json else f"{document.source}  ({_passages(document.passages)})")


@memory.command()
@click.argument("what", nargs=-1, required=True)
@click.option("--yes", is_flag=True, help="Do not ask.")
def forget(what: tuple[str, ...], yes: bool) -> None:
    """Forget a number from the list, a file, or facts by words."""
    text = " ".join(what)
    source = _source(Path(text))
    documents = {document.source: document for document in _with_facts(lambda facts: facts.documents())}
    if source in documents:
        if yes or click.confirm(f"Forget {source} ({_passages(documents[source].passages)})?"):
            _with_facts(lambda facts: facts.remove_document(source))
        return
    found = _with_facts(
        lambda facts: (
            facts.get([int(text)]) if text.isdecimal() and len(text) < 19 else facts.with_every_word(text, 100)
        )
    )
    if not found:
        raise ToolError("fact-unknown", "Nothing like that is remembered.", "See: voxspark memory list")
    _show(found, as_json=False)
    if yes or click.confirm(f"Forget {'this' if len(found) == 1 else f'these {len(found)}'}?"):
        _with_facts(lambda facts: facts.remove([fact.number for fact in found]))


@memory.command()
def export() -> None:
    """Everything that is remembered, one JSON object per line."""
    _show(_with_facts(lambda facts: facts.all()), as_json=True)


def _show(found: list[Fact], as_json: bool) -> None:
    for fact in found:
        if as_json:
            click.echo(json.dumps(asdict(fact), ensure_ascii=False))
        else:
            where = f"{fact.source}, {fact.position}: " if fact.source else ""
            click.echo(plain(f"{fact.number:>6}  {where}{fact.text}"))


def _with_facts(work: Callable[[Facts], Awaitable[T]]) -> T:
    """What `work` makes of the database. Raises ToolError, also when its file cannot be used."""
    from voxspark.kit import database_path
    from voxspark.memory.database import open_database
    from voxspark.memory.facts import Facts
    from voxspark.memory.schema import MIGRATIONS

    database = open_database(database_path(), MIGRATIONS)
    try:
        if not database.is_open and database.failure is not None:
            raise database.failure
        return run_async(lambda: work(Facts(database)))
    finally:
        database.close()
