"""Sesame CSM without its network: windows of frames, what it is reminded of, and what it refuses."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxspark.config_speech import VoiceSettings
from voxspark.engines.thread import Abandoned
from voxspark.engines.tts.csm import PART_CHARACTERS, CsmSynthesizer, spoken_parts
from voxspark.engines.tts.csm_context import Context, Spoken
from voxspark.engines.tts.csm_stream import (
    FRAME_SAMPLES,
    LEFT_CONTEXT_FRAMES,
    FrameStreamer,
    most_frames,
)
from voxspark.errors import SynthesizerError
from voxspark.types import Pcm

FRAME = np.array([[7, 0, 3]])
"""In a batch of one, as `generate` hands it over."""

LAST = np.array([[0, 0, 9]])
"""That of the end: `generate` stops at it, whatever its last code."""

SENTENCES = st.lists(st.tuples(st.integers(2, 60), st.integers(0, 200)), max_size=12)
"""Tokens and frames of each."""


class Codec:
    """Makes samples that count frames, and keeps how many it was given each time."""

    def __init__(self) -> None:
        self.windows: list[int] = []

    def decode(self, frames: Sequence[Any]) -> Pcm:
        """Every sample is the first code of its frame."""
        self.windows.append(len(frames))
        return np.repeat(np.array([frame[0] for frame in frames], np.float32), FRAME_SAMPLES)


def streamed(frames: int, first: int = 4, most: int = 12, *, last: bool = True) -> tuple[list[Pcm], Codec]:
    """What is handed over for so many frames that count from 1, after each, and what the codec was given."""
    handed, codec = list[Pcm](), Codec()
    streamer = FrameStreamer(codec.decode, handed.append, first_frames=first, most_frames=most)
    streamer.put(np.zeros((1, 0)))
    for number in range(frames):
        streamer.put(np.array([[number + 1, 0, 0]]))
    if last:
        streamer.put(LAST)
    streamer.end()
    assert (streamer.ended, len(streamer.frames)) == (last, frames)
    return handed, codec


# ── windows ─────────────────────────────────────────────────────────────────────────────────────


def test_the_first_piece_is_small_and_later_ones_grow() -> None:
    handed, codec = streamed(60)
    assert [len(each) // FRAME_SAMPLES for each in handed if len(each)] == [4, 5, 6, 7, 8, 10, 12, 8]
    assert codec.windows == [4, 9, 15, 22, 30, 35, 37, 33]


def test_a_group_is_ready_before_the_last_is_played_where_the_machine_just_keeps_up() -> None:
    handed, _ = streamed(500, most=125)
    sizes = [len(each) // FRAME_SAMPLES for each in handed if len(each)]
    assert all(0.8 * later <= earlier for earlier, later in pairwise(sizes))


@given(frames=st.integers(0, 300), first=st.integers(1, 25), most=st.integers(1, 125), last=st.booleans())
def test_every_frame_is_heard_once_and_in_order(frames: int, first: int, most: int, last: bool) -> None:
    handed, codec = streamed(frames, first, most, last=last)
    heard = np.concatenate(handed)[::FRAME_SAMPLES]
    assert heard.tolist() == list(range(1, frames + 1))
    assert len(handed) == frames + last + 1
    assert max(codec.windows, default=0) <= LEFT_CONTEXT_FRAMES + max(first, most, 1)


def test_leaving_stops_the_model_at_the_next_frame() -> None:
    told = list[Pcm]()

    def hand_over(samples: Pcm) -> None:
        told.append(samples)
        if len(told) == 2:
            raise Abandoned

    streamer = FrameStreamer(Codec().decode, hand_over, first_frames=10, most_frames=10)
    streamer.put(np.zeros((1, 5)))
    streamer.put(FRAME)
    with pytest.raises(Abandoned):
        streamer.put(FRAME)
    assert [len(each) for each in told] == [0, 0]


def test_a_sentence_of_zeros_is_silence() -> None:
    handed, codec = streamed(0)
    assert sum(map(len, handed)) == len(codec.windows) == 0


@given(st.text())
def test_a_sentence_has_time_for_its_text_and_an_end(text: str) -> None:
    assert 25 <= most_frames(text) <= 26 + 2 * len(text)
    assert most_frames(text + "a") >= most_frames(text)


# ── what it is reminded of ──────────────────────────────────────────────────────────────────────


def sentence(tokens: int, frames: int) -> Spoken[str]:
    return Spoken((0,) * tokens, "x" * frames)


@given(sentences=SENTENCES, positions=st.integers(0, 2048), most=st.integers(0, 1_000), has_reference=st.booleans())
def test_the_reference_stays_and_the_oldest_sentences_go(
    sentences: list[tuple[int, int]], positions: int, most: int, has_reference: bool
) -> None:
    context: Context[str] = Context(most)
    said = [sentence(*each) for each in sentences]
    if has_reference:
        context.reference = sentence(10, 100)
    for each in said:
        context.add(each)
    others = said if has_reference else said[1:]
    found, reference = context.within(positions), context.reference
    assert found[:1] == ([reference] if reference else [])
    assert has_reference or reference is (said[0] if said else None)
    kept = found[1:]
    assert kept == others[len(others) - len(kept) :]
    assert sum(len(each.frames) for each in kept) <= most
    used = sum(each.positions for each in kept)
    assert not kept or reference is None or used + reference.positions <= positions


def user(frames: int) -> Spoken[str]:
    return Spoken((0,), "u" * frames, by_user=True)


def frames_of(context: Context[str]) -> list[str]:
    """Who says how much, after the reference."""
    return [f"{each.frames[:1]}{len(each.frames)}" for each in context.within(2048)[1:]]


def test_what_the_user_said_stands_before_its_answer() -> None:
    context: Context[str] = Context(100)
    context.reference = sentence(3, 6)
    for number in (1, 2):
        for frames in (number, 10 + number):
            context.add(sentence(2, frames))
        context.hear(user(20 + number))
    context.add(sentence(2, 3))
    assert frames_of(context) == ["u21", "x1", "x11", "u22", "x2", "x12", "x3"]
    context.forget_user()
    assert frames_of(context) == ["x1", "x11", "x2", "x12", "x3"]
    context.hear(user(4))
    assert frames_of(context)[-1] == "u4"


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 60)), max_size=30), st.integers(0, 200))
def test_what_is_heard_counts_among_the_seconds(turns: list[tuple[bool, int]], most: int) -> None:
    context: Context[str] = Context(most)
    context.reference = sentence(3, 6)
    for by_user, frames in turns:
        (context.hear if by_user else context.add)(user(frames) if by_user else sentence(2, frames))
        assert sum(len(each.frames) for each in context.within(1 << 20)[1:]) <= most
    context.forget_user()
    assert not any(each.by_user for each in context.within(1 << 20))


def test_a_sentence_takes_its_tokens_its_frames_and_an_end() -> None:
    context: Context[str] = Context(100)
    context.reference = sentence(3, 6)
    for _ in range(3):
        context.add(sentence(4, 5))
    assert sentence(4, 5).positions == 10
    assert [len(context.within(positions)) for positions in (0, 19, 20, 29, 30, 40, 99)] == [1, 1, 2, 2, 3, 4, 4]


def test_without_seconds_of_context_only_the_reference_is_left() -> None:
    context: Context[str] = Context(0)
    for frames in (5, 6, 7):
        context.add(sentence(2, frames))
    assert [len(each.frames) for each in context.within(2048)] == [5]


# ── what it says, and what it refuses ───────────────────────────────────────────────────────────


@pytest.mark.parametrize("text", ["", " \n\t", "你好", "Привет", "🎉", "\0", "?!", "\ud800"])
def test_what_has_no_english_in_it_is_not_said(text: str) -> None:
    assert spoken_parts(text) == []


@given(st.text().filter(lambda text: any(letter in "abcXYZ789" for letter in text)))
def test_parts_are_short_and_lose_no_word(text: str) -> None:
    parts = spoken_parts(text * 20)
    assert all(0 < len(part) <= PART_CHARACTERS and part.encode() for part in parts)
    assert "".join("".join(parts).split()) == "".join((text * 20).encode(errors="replace").decode().split())


def test_a_sentence_is_one_part() -> None:
    assert spoken_parts(" Well-known\n words, and more. ") == ["Well-known words, and more."]


async def refused(text: str = "Hello.", **settings: Any) -> SynthesizerError:
    pieces = CsmSynthesizer(VoiceSettings(**settings)).synthesize(text)
    with pytest.raises(SynthesizerError) as caught:
        await anext(pieces)
    return caught.value


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's folder of voices, and a cache of the hub, both empty."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path


@pytest.mark.anyio
async def test_nothing_to_say_needs_no_weights() -> None:
    assert (await refused("你好")).code == "nothing-to-say"


@pytest.mark.anyio
@pytest.mark.parametrize("model", ["", "sesame/csm-1b"])
async def test_weights_that_are_not_here_are_not_fetched(model: str) -> None:
    error = await refused(model=model)
    assert (error.code, error.message) == (
        "voice-weights-missing",
        "The weights of csm-1b are not on this machine.",
    )
    assert error.remedy == "Accept their licence on huggingface.co, then run: hf download sesame/csm-1b"


@pytest.mark.anyio
@pytest.mark.parametrize("model", ["/nowhere/csm", "~/csm", "a b/c", "nul\0"])
async def test_a_folder_without_weights_is_said(model: str) -> None:
    error = await refused(model=model)
    assert (error.code, error.remedy[:31]) == ("voice-weights-missing", "voice.model must be a folder wi")


def test_a_voice_that_nobody_has_gives_the_choices() -> None:
    with pytest.raises(SynthesizerError) as caught:
        CsmSynthesizer(VoiceSettings(voice="emma"))
    assert (caught.value.code, caught.value.message) == ("voice-unknown", "There is no voice emma.")
    assert "heart" in caught.value.remedy
