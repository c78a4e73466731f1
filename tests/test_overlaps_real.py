"""People and voices over a reply, on real ears: some of the 40 clips of `bench/overlaps.py`."""

from __future__ import annotations

import anyio
import pytest

from bench.overlap_clips import Places, clips, sounds
from bench.overlaps import PacedTranscriber, Verdict, measure
from tests.virtual_time import run_virtual
from voxspark.config_speech import TranscriberSettings
from voxspark.engines.stt.faster_whisper import WhisperTranscriber

NODS = {"mm-hm (hibari)", "yeah, right (hibari)"}
INTERRUPTIONS = {"wait (hibari)", "reading 0890", "playing card 5", "go somewhere"}


@pytest.mark.real
def test_nods_pass_and_people_interrupt() -> None:
    chosen = [clip for clip in clips("test") if clip.name in NODS | INTERRUPTIONS]
    found = anyio.run(sounds, chosen, Places())
    verdicts: list[Verdict] = run_virtual(measure, found, PacedTranscriber(WhisperTranscriber(TranscriberSettings())))
    assert {each.name for each in verdicts if each.interrupted_seconds is None} == NODS
    assert all(each.ducked_seconds is not None and each.ducked_seconds < 0.3 for each in verdicts)
    assert all(each.interrupted_seconds <= 0.75 for each in verdicts if each.interrupted_seconds is not None)
    assert all(each.restored_seconds < 0.6 for each in verdicts if each.restored_seconds is not None)


def test_the_manifest_has_as_many_of_each_and_no_voice_of_one_set_in_the_other() -> None:
    of = {each: clips(each) for each in ("test", "dev")}
    assert [sum(clip.expected == kind for clip in of["test"]) for kind in ("backchannel", "interruption")] == [20, 20]
    voices, recordings = (
        [{getattr(clip, field) for clip in of[each] if getattr(clip, has)} for each in of]
        for field, has in (("source", "text"), ("path", "path"))
    )
    assert not set.intersection(*voices)
    assert not set.intersection(*recordings)
