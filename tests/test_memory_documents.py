"""Documents: what a person would read of them, each passage with its place; and `voxspark memory`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from voxspark.cli_memory import memory
from voxspark.errors import ToolError
from voxspark.memory.documents import LARGEST_BYTES, PASSAGE_CHARACTERS, Passage, pieces, read_document

PAGE = b"""<html><head><title>T</title><style>p {}</style></head><body><script>alert("no")</script>
<p>Cats sleep &amp; dream.</p><p>Dogs <b>bark</b>.</p></body></html>"""


def read(folder: Path, name: str, raw: bytes) -> list[Passage]:
    (folder / name).write_bytes(raw)
    return read_document(folder / name)


def pdf(*pages: str) -> bytes:
    """A PDF by hand, a line on each page."""
    kids = " ".join(f"{3 + 2 * at} 0 R" for at in range(len(pages)))
    objects = ["<< /Type /Catalog /Pages 2 0 R >>", f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>"]
    font = "<< /Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >>"
    for at, text in enumerate(pages):
        box = "/MediaBox [0 0 200 200]"
        objects.append(f"<< /Type /Page /Parent 2 0 R {box} /Contents {4 + 2 * at} 0 R /Resources {font} >>")
        stream = f"BT /F1 12 Tf 10 100 Td ({text}) Tj ET"
        objects.append(f"<< /Length {len(stream)} >>\nstream\n{stream}\nendstream")
    body, places = b"%PDF-1.4\n", list[int]()
    for number, each in enumerate(objects, 1):
        places.append(len(body))
        body += f"{number} 0 obj\n{each}\nendobj\n".encode()
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    head = f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}"
    return body + f"{head}trailer << /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{len(body)}\n%%EOF".encode()


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"plain", "plain"),
        ("\ufeffZoë".encode(), "Zoë"),
        ("Zoë".encode("cp1252"), "Zoë"),
        ("Zoë".encode("utf-16"), "Zoë"),
        (b"one\r\ntwo\r\n\r\nthree", "one two three"),
    ],
)
def test_text(tmp_path: Path, raw: bytes, text: str) -> None:
    assert read(tmp_path, "a.txt", raw) == [("part 1", text)]


def test_markdown_has_headings(tmp_path: Path) -> None:
    raw = b"before\n\n# One #\nfirst\n```\n# a comment\n```\n## Two\n\nsecond\n### Empty\n"
    assert read(tmp_path, "a.md", raw) == [
        ("part 1", "before"),
        ("One", "first ``` # a comment ```"),
        ("Two", "second"),
    ]


def test_html_without_its_scripts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "trafilatura", None)
    assert read(tmp_path, "a.html", PAGE) == [("part 1", "Cats sleep & dream. Dogs bark.")]


def test_pdf_has_pages(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    (tmp_path / "a.pdf").write_bytes(pdf("First page.", "Second page."))
    passages = read_document(tmp_path / "a.pdf", lambda done, total: seen.append((done, total)))
    assert passages == [("page 1", "First page."), ("page 2", "Second page.")]
    assert seen == [(1, 2), (2, 2)]


@pytest.mark.parametrize(
    ("name", "raw", "code"),
    [
        ("a.txt", b"", "document-empty"),
        ("a.md", b" \n \n", "document-empty"),
        ("a.html", b"<html><script>x</script>", "document-empty"),
        ("a.bin", b"\x7fELF\0\0", "document-binary"),
    ],
)
def test_what_has_no_text_is_refused(tmp_path: Path, name: str, raw: bytes, code: str) -> None:
    with pytest.raises(ToolError) as caught:
        read(tmp_path, name, raw)
    assert caught.value.code == code


def test_without_a_pdf_reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pypdf", None)
    with pytest.raises(ToolError, match="pip install"):
        read(tmp_path, "a.pdf", pdf("text"))


def test_too_large_or_gone(tmp_path: Path) -> None:
    with (tmp_path / "a.txt").open("wb") as file:
        file.truncate(LARGEST_BYTES + 1)
    with pytest.raises(ToolError, match="too large"):
        read_document(tmp_path / "a.txt")
    with pytest.raises(ToolError, match="cannot read"):
        read_document(tmp_path / "b.txt")


@given(st.text(alphabet="ab .!?\n", max_size=400), st.integers(1, 60))
def test_pieces_lose_nothing_and_are_short(text: str, most: int) -> None:
    found = list(pieces(text, most))
    assert all(0 < len(piece) <= most for piece in found)
    assert "".join("".join(found).split()) == "".join(text.split())


def test_pieces_are_whole_sentences() -> None:
    text = "This is a sentence. " * 200
    found = list(pieces(text))
    assert all(piece.endswith("sentence.") and len(piece) > PASSAGE_CHARACTERS / 2 for piece in found[:-1])


# ── the command ─────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return CliRunner()


def output(run: CliRunner, *arguments: str, given: str | None = None) -> str:
    result = run.invoke(memory, arguments, input=given, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_add_search_list_export_forget(run: CliRunner, tmp_path: Path) -> None:
    file = tmp_path / "plan.md"
    file.write_text("# Budget\nThe budget is 5 euros.\n# Team\nAnna leads.\n")
    assert "plan.md: 2 passages" in output(run, "add", str(file))
    assert "plan.md: 2 passages" in output(run, "add", str(file))
    assert f"{file}, Budget: The budget is 5 euros." in output(run, "search", "budget")
    assert f"{file}  (2 passages)" in output(run, "list")
    exported = [json.loads(line) for line in output(run, "export").splitlines()]
    assert [(each["position"], each["trust"]) for each in exported] == [("Budget", "stranger"), ("Team", "stranger")]
    number = str(exported[1]["number"])
    assert "Anna leads." in output(run, "forget", number, given="n\n")
    output(run, "forget", number, "--yes")
    assert len(output(run, "export").splitlines()) == 1
    output(run, "forget", str(file), given="y\n")
    assert output(run, "export") == ""


def test_a_damaged_file_is_told_once(run: CliRunner, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "bad.pdf").write_bytes(b"%PDF-" + bytes(2_000))
    (tmp_path / "one.txt").write_text("One.")
    result = run.invoke(memory, ["add", str(tmp_path / "bad.pdf")])
    assert isinstance(result.exception, ToolError)
    assert ("cannot read" in result.output, caplog.records) == (False, [])
    assert "one.txt: 1 passage\n" in output(run, "add", str(tmp_path / "one.txt"))


def test_a_bad_file_does_not_keep_the_others_out(run: CliRunner, tmp_path: Path) -> None:
    (tmp_path / "good.txt").write_text("good")
    (tmp_path / "bad.txt").write_bytes(b"\0")
    result = run.invoke(memory, ["add", str(tmp_path / "bad.txt"), str(tmp_path / "good.txt")])
    assert isinstance(result.exception, ToolError)
    assert result.exception.message == "1 of 2 documents could not be read."
    assert "good" in output(run, "search", "good")


@pytest.mark.parametrize("what", ["7", "9" * 30, "zebra", "/no/such/file"])
def test_forgetting_what_is_not_there(run: CliRunner, what: str) -> None:
    result = run.invoke(memory, ["forget", what])
    assert isinstance(result.exception, ToolError)


def test_a_file_that_cannot_be_used_is_an_error(run: CliRunner, tmp_path: Path) -> None:
    (tmp_path / "data").write_text("no folder")
    assert isinstance(run.invoke(memory, ["list"]).exception, ToolError)


def test_an_empty_memory_says_so(run: CliRunner) -> None:
    assert output(run, "list") == "Nothing is remembered yet.\n"
    assert output(run, "list", "--json") == ""
