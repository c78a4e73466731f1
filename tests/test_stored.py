"""Fixed sentences on disk: what is kept, what never is, how much, and what becomes of damage."""

from __future__ import annotations

import os
import stat
from collections.abc import Collection
from pathlib import Path

import anyio
import anyio.to_thread
import numpy as np
import pytest

from tests.clicks import voiced
from tests.deltas import everything
from tests.test_line import FakeVoice, Slot, stage
from voxspark.config_speech import VoiceSettings
from voxspark.engines.registry import find
from voxspark.language import LANGUAGES, Language, speaking
from voxspark.speech.spoken import spoken
from voxspark.tools.phrases import translated
from voxspark.turn import STILL_AT_IT
from voxspark.types import Pcm
from voxspark.voicing.fixed import fixed_texts
from voxspark.voicing.line import Line
from voxspark.voicing.selftest import SENTENCES
from voxspark.voicing.stored import RATE_HZ, Stored, sound_of

SOUND = voiced(0.5, RATE_HZ)
FIXED = ("Done.", "One moment.", "Let me look that up.")
SECRET = "The code of the safe is four two."


def fixed(language: Language) -> Collection[str]:
    return FIXED if language == "en" else ()


def stored(folder: Path, limit_bytes: int = 1 << 20) -> Stored:
    return Stored(folder / "speech", fixed, limit_bytes)


def files(folder: Path) -> list[Path]:
    return sorted((folder / "speech").glob("*"))


def same(one: Pcm | None, other: Pcm) -> bool:
    return one is not None and np.allclose(one, other, atol=1e-4)


def test_a_sound_is_found_again_by_voice_text_and_language(tmp_path: Path) -> None:
    stored(tmp_path).put("heart", "Done.", SOUND, RATE_HZ)
    again = stored(tmp_path)
    assert same(again.get("heart", "Done."), SOUND)
    assert again.get("another", "Done.") is None
    assert again.get("heart", "One moment.") is None
    with speaking("de"):
        assert again.get("heart", "Done.") is None


def test_other_rates_are_kept_at_24_khz(tmp_path: Path) -> None:
    kept = stored(tmp_path)
    kept.put("espeak", "Done.", voiced(0.5, 22_050), 22_050)
    sound = kept.get("espeak", "Done.")
    assert sound is not None
    assert len(sound) == pytest.approx(RATE_HZ / 2, abs=2)


def test_what_is_not_fixed_never_reaches_the_disk(tmp_path: Path) -> None:
    kept = stored(tmp_path)
    for text in (SECRET, "done.", "Done. ", "", f"Done. {SECRET}"):
        kept.put("heart", text, SOUND, RATE_HZ)
        assert kept.get("heart", text) is None
    kept.put("heart", "Done.", SOUND[:0], RATE_HZ)
    assert not files(tmp_path)


def test_only_the_owner_may_read_it(tmp_path: Path) -> None:
    stored(tmp_path).put("heart", "Done.", SOUND, RATE_HZ)
    [file] = files(tmp_path)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize("damage", [b"", b"short", b"x" * 40_001, bytes(30_000)])
def test_what_is_damaged_is_ignored_and_removed(tmp_path: Path, damage: bytes) -> None:
    kept = stored(tmp_path)
    kept.put("heart", "Done.", SOUND, RATE_HZ)
    [file] = files(tmp_path)
    whole = file.read_bytes()
    for broken in (damage, whole[:-2], whole[:5_000] + b"\1" + whole[5_001:]):
        file.write_bytes(broken)
        assert kept.get("heart", "Done.") is None
        assert not files(tmp_path)
    kept.put("heart", "Done.", SOUND, RATE_HZ)
    assert same(kept.get("heart", "Done."), SOUND)


def test_who_was_used_longest_ago_goes(tmp_path: Path) -> None:
    kept = stored(tmp_path, limit_bytes=2 * (2 * len(SOUND) + 32))
    for age, text in ((300, "Done."), (200, "One moment.")):
        kept.put("heart", text, SOUND, RATE_HZ)
        newest = max(files(tmp_path), key=lambda path: path.stat().st_mtime)
        os.utime(newest, (newest.stat().st_mtime - age,) * 2)
    assert kept.get("heart", "Done.") is not None
    kept.put("heart", "Let me look that up.", SOUND, RATE_HZ)
    assert [kept.get("heart", text) is not None for text in FIXED] == [True, False, True]
    assert sum(path.stat().st_size for path in files(tmp_path)) <= 2 * (2 * len(SOUND) + 32)


def test_a_disk_that_cannot_be_written_is_as_good_as_none(tmp_path: Path) -> None:
    (tmp_path / "speech").write_text("in the way")
    kept = stored(tmp_path)
    kept.put("heart", "Done.", SOUND, RATE_HZ)
    assert kept.get("heart", "Done.") is None


@pytest.mark.anyio
async def test_many_daemons_share_a_folder(tmp_path: Path) -> None:
    def work(number: int) -> None:
        kept = stored(tmp_path, limit_bytes=3 * (2 * len(SOUND) + 32))
        for round_ in range(10):
            text = FIXED[(number + round_) % len(FIXED)]
            kept.put(f"voice {number % 2}", text, SOUND, RATE_HZ)
            found = kept.get(f"voice {number % 2}", text)
            assert found is None or same(found, SOUND)

    async with anyio.create_task_group() as group:
        for number in range(4):
            group.start_soon(anyio.to_thread.run_sync, work, number)
    assert all(path.suffix == ".pcm" for path in files(tmp_path))


# ── what is fixed ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("language", LANGUAGES)
def test_fillers_and_the_sentences_of_tools_are_fixed(language: Language) -> None:
    texts = fixed_texts(language)
    assert len(texts) > 100
    with speaking(language):
        for sentence in (STILL_AT_IT, "Let me look that up.", "You have no timers.", "42."):
            assert spoken(translated(sentence)) in texts
    assert not any("{" in text or not text.strip() for text in texts)


# ── what a sound depends on ─────────────────────────────────────────────────────────────────────


def test_another_speed_or_other_weights_are_another_sound(tmp_path: Path) -> None:
    hibari = find("tts", "hibari")
    plain = sound_of(hibari, VoiceSettings())
    assert plain == sound_of(hibari, VoiceSettings(fallback=(), device="cpu"))
    assert plain != sound_of(hibari, VoiceSettings(speed=1.2))
    weights = tmp_path / "model.bin"
    weights.write_bytes(b"one")
    before = sound_of(hibari, VoiceSettings(model=str(tmp_path)))
    os.utime(weights, (1, 1))
    assert before != sound_of(hibari, VoiceSettings(model=str(tmp_path)))
    assert sound_of(hibari, VoiceSettings(host="tcp://there")) == ""


# ── in the line ─────────────────────────────────────────────────────────────────────────────────


def keeping(folder: Path, voice: FakeVoice) -> tuple[Slot, Line]:
    at = stage(voice, sounds=("its sound",))
    at.line.stored = stored(folder)
    return at.slots[0], at.line


@pytest.mark.anyio
async def test_a_fixed_sentence_is_synthesized_once_for_all_daemons(tmp_path: Path) -> None:
    first = FakeVoice("first", per_word=0.01)
    _, line = keeping(tmp_path, first)
    await everything(line.synthesize("Done."))
    assert not files(tmp_path), "nothing is kept of a voice that is not tested"
    first.per_word = 0.3
    await line.warm()
    for text in ("Done.", SECRET):
        await everything(line.synthesize(text))
    said = await everything(line.synthesize("Done."))
    assert len(files(tmp_path)) == 1
    assert first.texts == ["Done.", SENTENCES["en"], "Done.", SECRET]
    again = FakeVoice("again")
    _, line = keeping(tmp_path, again)
    await line.warm()
    [(samples, rate)] = await everything(line.synthesize("Done."))
    assert again.texts == [SENTENCES["en"]]
    assert rate == said[0][1] == RATE_HZ
    assert same(samples, said[0][0])


def test_what_else_lies_in_the_folder_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "speech").mkdir()
    (song := tmp_path / "speech" / "song.flac").write_bytes(bytes(1 << 16))
    os.utime(song, (0, 0))
    stored(tmp_path, limit_bytes=1 << 15).put("heart", "Done.", SOUND, RATE_HZ)
    assert song.exists()
