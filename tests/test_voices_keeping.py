"""A voice of one's own on the disk: whole or not at all, and only where it belongs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from voxspark.audio import read_wav
from voxspark.errors import ConfigError
from voxspark.voices import Reference, Voice, shelf
from voxspark.voices.keeping import RECORDING, agreement, keep, place_for, problems_of
from voxspark.voices.shelf import own_folder

SPEECH, RATE_HZ = read_wav(Path(__file__).parents[1] / "voices" / "dashwood" / "reference.wav")


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return tmp_path / "data"


def voice(name: str = "ada", folder: Path | None = None, **fields: object) -> Voice:
    given = {
        "title": "Ada",
        "engines": {"f5_tts": "", "csm": ""},
        "licence": "private",
        "source": "Herself",
        "reference": Reference(file=RECORDING, text="He was not an ill-disposed young man."),
    }
    return Voice.model_validate({"name": name, "folder": folder or own_folder() / name, **given, **fields})


def test_it_is_found_on_the_shelf() -> None:
    kept = keep(voice(folder=place_for("ada")), SPEECH, RATE_HZ)
    found = shelf().voices["ada"]
    assert found == kept == voice()
    assert found.recording is not None
    assert np.array_equal(read_wav(found.recording)[0], SPEECH)


def test_only_the_user_can_read_it(data: Path) -> None:
    keep(voice(), SPEECH, RATE_HZ)
    for folder in (data / "voxspark", own_folder(), own_folder() / "ada"):
        assert folder.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../ada", "a/b", "/etc", "Ada", "a b", "é", "-a", "a" * 41, "a\n", "a\0b"]
)
def test_a_name_is_a_folder_and_nothing_else(name: str) -> None:
    with pytest.raises(ConfigError) as caught:
        place_for(name, replace=True)
    assert caught.value.code == "voice-name"


@pytest.mark.parametrize("name", ["ada", "broken", "heart"])
def test_a_name_that_is_taken_is_refused(name: str) -> None:
    keep(voice(), SPEECH, RATE_HZ)
    (own_folder() / "broken").mkdir()
    with pytest.raises(ConfigError) as caught:
        place_for(name)
    assert caught.value.code == "voice-exists"
    assert place_for(name, replace=True) == own_folder() / name


def test_another_takes_its_place_whole() -> None:
    keep(voice(), SPEECH, RATE_HZ)
    (own_folder() / "ada" / "more.txt").write_text("of the old one")
    keep(voice(title="Ada the second"), SPEECH[:RATE_HZ], RATE_HZ)
    assert shelf().voices["ada"].title == "Ada the second"
    assert sorted(each.name for each in (own_folder() / "ada").iterdir()) == [RECORDING, "voice.toml"]
    assert [each.name for each in own_folder().parent.iterdir()] == ["voices"]


def test_the_old_one_stays_where_the_new_one_cannot_come(monkeypatch: pytest.MonkeyPatch) -> None:
    keep(voice(), SPEECH, RATE_HZ)
    rename = Path.rename

    def failing(self: Path, target: Path) -> Path:
        if self.name == "new":
            raise OSError(28, "No space left on device")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", failing)
    with pytest.raises(ConfigError) as caught:
        keep(voice(title="Ada the second"), SPEECH, RATE_HZ)
    assert caught.value.code == "voice-not-kept"
    assert "No space left" in caught.value.remedy
    assert shelf().voices["ada"].title == "Ada"


def test_a_disk_that_takes_nothing_is_told(data: Path) -> None:
    data.write_text("a file where the folder should be")
    with pytest.raises(ConfigError) as caught:
        keep(voice(), SPEECH, RATE_HZ)
    assert caught.value.code == "voice-not-kept"


words = st.text(min_size=1).filter(str.strip)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(title=words, source=words, text=words, engine=words)
def test_any_text_is_read_back(title: str, source: str, text: str, engine: str) -> None:
    reference = Reference(file=RECORDING, text=text)
    wanted = voice(title=title, source=source, engines={engine: ""}, reference=reference)
    assert keep(wanted, SPEECH[:100], RATE_HZ) == wanted


def test_bytes_that_are_no_text_do_not_break_it() -> None:
    assert keep(voice(title="\udcff"), SPEECH, RATE_HZ).title == "?"


# ── looking over ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("key", "value", "code"),
    [("engines", {}, "voice-no-engine"), ("licence", " ", "voice-no-licence"), ("source", "", "voice-no-licence")],
)
def test_what_it_lacks_is_told(key: str, value: object, code: str) -> None:
    kept = keep(voice().model_copy(update={key: value}), SPEECH, RATE_HZ)
    assert [each.code for each in problems_of(kept)] == [code]


def test_what_is_wrong_with_its_recording_is_told() -> None:
    kept = keep(voice(), SPEECH[: RATE_HZ // 2], RATE_HZ)
    assert [each.code for each in problems_of(kept)] == ["recording-short"]
    (kept.folder / RECORDING).write_bytes(b"not a wav")
    assert [each.code for each in problems_of(kept)] == ["wav-unreadable"]


@pytest.mark.parametrize(
    ("heard", "found"),
    [
        ("He was not an ill-disposed young man.", []),
        ("he was not a nil disposed young man", []),
        ("Set a timer for ten minutes.", ["voice-other-words"]),
        ("", ["voice-other-words"]),
    ],
)
def test_its_transcript_is_compared_with_what_is_heard(heard: str, found: list[str]) -> None:
    assert [each.code for each in problems_of(keep(voice(), SPEECH, RATE_HZ), heard)] == found


def test_a_voice_without_a_recording_has_nothing_to_compare() -> None:
    assert problems_of(shelf().voices["heart"]) == []


@given(st.text(), st.text())
def test_agreement_is_a_share(text: str, heard: str) -> None:
    assert 0 <= agreement(text, heard) <= 1
    assert agreement(text, text) == 1
