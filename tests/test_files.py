"""Where files are, and that small ones are written whole."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from voxspark import files
from voxspark.files import write_json


@pytest.mark.parametrize("kind", ["config", "data", "state", "cache"])
def test_folders_follow_the_specification(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    variable, folder = f"XDG_{kind.upper()}_HOME", getattr(files, f"{kind}_folder")
    monkeypatch.setenv(variable, str(tmp_path))
    assert folder() == tmp_path / "voxspark"
    monkeypatch.setenv(variable, "relative")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert folder().is_relative_to(tmp_path)


def test_what_cannot_be_written_leaves_the_old_file(tmp_path: Path) -> None:
    place = tmp_path / "new" / "sizes.json"
    write_json(place, {"size": 1})
    with pytest.raises(TypeError):
        write_json(place, {"size": object()})
    write_json(place.with_name("other.json"), [])
    assert json.loads(place.read_text()) == {"size": 1}
    assert sorted(each.name for each in place.parent.iterdir()) == ["other.json", "sizes.json"]


def test_a_full_disk_leaves_no_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "sizes.json"
    write_json(place, {"size": 1})

    def full(self: Path, text: str) -> int:
        self.touch()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(OSError, match="No space left"):
        write_json(place, {"size": 2})
    assert list(tmp_path.iterdir()) == [place]
    assert json.loads(place.read_text()) == {"size": 1}
