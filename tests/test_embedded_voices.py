"""Kokoro and Piper on tiny models of their shape, how words become phonemes, and the tongues of espeak-ng."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import anyio
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.test_synthesizers import all_of, code_of
from tests.tiny_voices import LEVEL, SAMPLES_PER_SYMBOL, kokoro_model, piper_model
from voxspark import language
from voxspark.audio import silence, wav_bytes
from voxspark.config_speech import KokoroSettings, VoiceSettings
from voxspark.engines.needs import PIPER_BYTES, UNKNOWN_PIPER_BYTES, piper_languages, piper_need
from voxspark.engines.registry import find
from voxspark.engines.tts import kokoro, piper
from voxspark.engines.tts.espeak import PIECE_CHARACTERS, EspeakSynthesizer
from voxspark.engines.tts.kokoro import KokoroSynthesizer
from voxspark.engines.tts.onnx import Reply, open_session
from voxspark.engines.tts.phonemes import PIECE_PHONEMES, EspeakProgram, in_pieces, to_ipa
from voxspark.engines.tts.piper import PiperSynthesizer, piper_ids
from voxspark.engines.tts.piper_voice import read_piper
from voxspark.errors import EngineError, SynthesizerError

LETTERS = {symbol: [number] for number, symbol in enumerate("_^$ abcdefghijklmnopqrstuvwxyz.,ˈ")}


class Letters:
    """Every line is a sentence whose letters are its phonemes."""

    def __init__(self, **_: object) -> None:
        pass

    def sentences(self, text: str) -> Iterator[str]:
        """Its lines."""
        yield from text.splitlines()


def script(folder: Path, body: str) -> Path:
    """An `espeak-ng` of one's own; the folder is to be the PATH."""
    program = folder / "espeak-ng"
    program.write_text(f"#!/bin/sh\n{body}\n")
    program.chmod(0o755)
    return program


def seconds(pieces: list[tuple[Any, int]]) -> list[float]:
    return [len(samples) / rate for samples, rate in pieces]


# ── pieces ──────────────────────────────────────────────────────────────────────────────────────

LONG = "wʌn tˈu θɹˈi fˈɔɹ fˈIv, sˈɪks sˈɛvᵊn ˈAt nˈIn tˈɛn ᵻlˈɛvᵊn twˈɛlv θɜɹtˈin; fˈɔɹtˈin."


def test_a_short_beginning_is_whole_and_a_long_one_begins_with_its_first_clause() -> None:
    assert list(in_pieces(iter(["həlˈO, ðˈɛɹ."]))) == ["həlˈO, ðˈɛɹ."]
    first, rest = in_pieces(iter([LONG]))
    assert first == "wʌn tˈu θɹˈi fˈɔɹ fˈIv,"
    assert f"{first} {rest}" == LONG


def test_only_the_first_sentence_is_hurried() -> None:
    assert list(in_pieces(iter(["həlˈO.", LONG]))) == ["həlˈO.", LONG]


@pytest.mark.parametrize("opening", ["", " ", "\n"])
def test_nothing_before_the_first_sentence_hides_it(opening: str) -> None:
    assert len(list(in_pieces(iter([opening, LONG])))) == 2


@given(st.lists(st.text("abˈ ,.;:!?—", max_size=700), max_size=4))
def test_pieces_are_short_and_nothing_is_lost(sentences: list[str]) -> None:
    pieces = list(in_pieces(iter(sentences)))
    assert all(0 < len(piece) <= PIECE_PHONEMES for piece in pieces if piece)
    assert "".join("".join(pieces).split()) == "".join("".join(sentences).split())


# ── phonemes ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("misaki", "ipa"),
    [
        ("həlˈO wˈɜɹld", "həlˈoʊ wˈɜːld"),
        ("ʤˈʌʤ ʧˈɜɹʧ", "dʒˈʌdʒ tʃˈɜːtʃ"),
        ("tˈIm nˈW bˈY dˈA", "tˈaɪm nˈaʊ bˈɔɪ dˈeɪ"),
        ("sˈi mˈun fˈɑðəɹ hˈæpi", "sˈiː mˈuːn fˈɑːðɚ hˈæpi"),
        ("dˈɔɹ kˈɑɹ lˈɪTᵊl", "dˈoːɹ kˈɑːɹ lˈɪɾəl"),
    ],
)
def test_misaki_is_spelt_as_espeak_spells_it(misaki: str, ipa: str) -> None:
    assert to_ipa(misaki) == ipa


def test_british_keeps_its_own_length() -> None:
    assert to_ipa("ɡˈQ fˈɑːðə əɹˈWnd", british=True) == "ɡˈəʊ fˈɑːðə əɹˈaʊnd"


def test_the_program_is_asked_clause_by_clause_and_the_marks_are_put_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(tmp_path, "/bin/cat")
    monkeypatch.setenv("PATH", str(tmp_path))
    spoken = EspeakProgram("de").sentences("Guten Tag, Herr\nMüller!  (en)hi(de), - Was\0nun? …")
    assert list(spoken) == ["Guten Tag, Herr", "Müller!", "hi, - Was nun?", ""]


def test_the_program_is_given_the_voice_as_one_argument(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script(tmp_path, 'echo "$@"')
    monkeypatch.setenv("PATH", str(tmp_path))
    assert list(EspeakProgram("fr-be --stdout").sentences("oui")) == ["-q --ipa -v fr-be --stdout --stdin"]


def test_without_the_program_the_remedy_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SynthesizerError) as caught:
        EspeakProgram("de")
    assert (caught.value.code, caught.value.remedy) == ("phonemes-missing", "Run: sudo apt-get install espeak-ng")


def test_a_program_that_fails_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script(tmp_path, "exit 1")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SynthesizerError, match="failed"):
        list(EspeakProgram("de").sentences("Hallo."))


# ── Kokoro ──────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def styles(tmp_path: Path) -> Path:
    """Voices as npm's kokoro-js has them; the row of n phonemes begins with n / 100."""
    folder = tmp_path / "voices"
    folder.mkdir()
    rows = np.zeros((510, 256), np.float32)
    rows[:, 0] = np.arange(1, 511) / 100
    for name in ("af_heart", "bm_george"):
        rows.tofile(folder / f"{name}.bin")
    return folder


@pytest.fixture
def small_kokoro(tmp_path: Path, styles: Path, monkeypatch: pytest.MonkeyPatch) -> VoiceSettings:
    """Settings for a tiny Kokoro that speaks letters."""
    monkeypatch.setattr(kokoro, "English", Letters)
    model = kokoro_model(tmp_path / "kokoro.onnx")
    return VoiceSettings(engine="kokoro", model=str(model), kokoro=KokoroSettings(voices=str(styles), threads=1))


@pytest.mark.anyio
async def test_kokoro_says_sentence_by_sentence_with_the_style_of_their_length(small_kokoro: VoiceSettings) -> None:
    voice = KokoroSynthesizer(small_kokoro)
    await voice.warm()
    pieces = await all_of(voice, "abcdefhijk " * 4 + "\n" + "abcdefhijk " * 8)
    assert [rate for _, rate in pieces] == [24_000] * 2
    assert [len(samples) for samples, _ in pieces] == [SAMPLES_PER_SYMBOL * (n + 2) for n in (43, 87)]
    assert [round(float(samples[0]), 2) for samples, _ in pieces] == [0.43, 0.87]


@pytest.mark.anyio
async def test_kokoro_takes_speed_from_the_settings(small_kokoro: VoiceSettings) -> None:
    text = "abcdefhijk " * 3
    plain, quick = [
        seconds(await all_of(KokoroSynthesizer(small_kokoro.model_copy(update={"speed": speed})), text))
        for speed in (1.0, 2.0)
    ]
    assert plain[0] == pytest.approx(2 * quick[0])


@pytest.mark.anyio
async def test_a_huge_text_without_a_pause_is_divided(small_kokoro: VoiceSettings) -> None:
    pieces = await all_of(KokoroSynthesizer(small_kokoro), "a" * 3_000)
    assert len(pieces) == 3_000 / PIECE_PHONEMES


@pytest.mark.anyio
@pytest.mark.parametrize("text", ["", " \n", "!!! …", "123", "你好", "🎉", "\0"])
async def test_kokoro_has_nothing_to_say_to_this(small_kokoro: VoiceSettings, text: str) -> None:
    assert await code_of(KokoroSynthesizer(small_kokoro), text) == "nothing-to-say"


@pytest.mark.anyio
async def test_the_library_tells_kokoro_its_voice(
    small_kokoro: VoiceSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    folder = tmp_path / "voxspark" / "voices" / "sir"
    folder.mkdir(parents=True)
    folder.joinpath("voice.toml").write_text(
        'title = "Sir"\nlicence = "none"\nsource = "none"\nspeed = 0.5\n[engines]\nkokoro = "bm_george"'
    )
    british: list[object] = []

    def english(**options: object) -> Letters:
        british.append(options)
        return Letters()

    monkeypatch.setattr(kokoro, "English", english)
    voice = KokoroSynthesizer(small_kokoro.model_copy(update={"voice": "sir"}))
    assert seconds(await all_of(voice, "abc"))[0] == pytest.approx(2 * 5 * SAMPLES_PER_SYMBOL / 24_000)
    assert british == [{"british": True}]


def test_an_unknown_voice_of_kokoro_gives_the_choices(small_kokoro: VoiceSettings) -> None:
    with pytest.raises(SynthesizerError) as caught:
        KokoroSynthesizer(small_kokoro.model_copy(update={"voice": "../af_heart"}))
    assert caught.value.code == "voice-unknown"
    assert caught.value.remedy.startswith("Known: af_heart, bm_george. More are in: npm pack kokoro-js@")


@pytest.mark.anyio
async def test_voices_come_from_an_npz_file_too(small_kokoro: VoiceSettings, tmp_path: Path) -> None:
    place = tmp_path / "voices-v1.0.bin"
    with place.open("wb") as file:
        np.savez(file, af_sky=np.full((510, 1, 256), 0.5, np.float32))
    settings = small_kokoro.model_copy(update={"voice": "af_sky", "kokoro": KokoroSettings(voices=str(place))})
    ((samples, _),) = await all_of(KokoroSynthesizer(settings), "abc")
    assert samples.max() == 0.5


@pytest.mark.anyio
@pytest.mark.parametrize("content", [b"", b"\0" * 100, b"\0" * 1023])
async def test_damaged_voices_are_said(small_kokoro: VoiceSettings, styles: Path, content: bytes) -> None:
    (styles / "af_heart.bin").write_bytes(content)
    assert await code_of(KokoroSynthesizer(small_kokoro), "abc") == "voices-unreadable"
    settings = small_kokoro.model_copy(update={"kokoro": KokoroSettings(voices=str(styles / "af_heart.bin"))})
    with pytest.raises(SynthesizerError, match="cannot be read"):
        KokoroSynthesizer(settings)


@pytest.mark.anyio
async def test_a_model_that_is_not_there_or_is_none_is_said(small_kokoro: VoiceSettings, tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="There is no model /no/where"):
        await all_of(KokoroSynthesizer(small_kokoro.model_copy(update={"model": "/no/where"})), "abc")
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"no model")
    assert (
        await code_of(KokoroSynthesizer(small_kokoro.model_copy(update={"model": str(broken)})), "a") == "voice-failed"
    )


@pytest.mark.anyio
async def test_a_reply_nobody_waits_for_leaves_the_voice_usable(small_kokoro: VoiceSettings) -> None:
    voice = KokoroSynthesizer(small_kokoro)
    async with aclosing(voice.synthesize("abc\n" * 1_000)) as pieces:
        await anext(pieces)
    with anyio.move_on_after(0) as scope:
        await all_of(voice, "abc\n" * 1_000)
    assert scope.cancelled_caught
    assert len(await all_of(voice, "abc")) == 1
    voice.close()


def test_a_reply_that_is_broken_off_runs_no_more(tmp_path: Path) -> None:
    session, reply = open_session(kokoro_model(tmp_path / "k.onnx"), 1), Reply()
    inputs = {
        "tokens": np.zeros((1, 3), np.int64),
        "style": np.ones((1, 256), np.float32),
        "speed": np.ones(1, np.float32),
    }
    assert len(reply.run(session, inputs)) == 3 * SAMPLES_PER_SYMBOL
    reply.break_off()
    with pytest.raises(Exception, match="terminate"):
        reply.run(session, inputs)


# ── Piper ───────────────────────────────────────────────────────────────────────────────────────


def piper_voice(folder: Path, *, speakers: int = 1, **keys: object) -> VoiceSettings:
    """A tiny voice at 16 kHz, with these keys in its JSON; `folder` is its place."""
    model = piper_model(folder / "voice.onnx", speakers=speakers)
    config = {"audio": {"sample_rate": 16_000}, "phoneme_id_map": LETTERS, "num_speakers": speakers, **keys}
    Path(f"{model}.json").write_text(json.dumps(config))
    return VoiceSettings(engine="piper", model=str(model))


@pytest.fixture
def letters(monkeypatch: pytest.MonkeyPatch) -> None:
    """English letters instead of phonemes."""
    monkeypatch.setattr(piper, "EnglishIpa", Letters)


@pytest.mark.anyio
@pytest.mark.usefixtures("letters")
async def test_piper_says_every_sentence_at_the_rate_of_its_voice(tmp_path: Path) -> None:
    voice = PiperSynthesizer(piper_voice(tmp_path))
    await voice.warm()
    pieces = await all_of(voice, "abc\nabcdef")
    assert [rate for _, rate in pieces] == [16_000] * 2
    assert [len(samples) // SAMPLES_PER_SYMBOL for samples, _ in pieces] == [2 * (n + 1) + 1 for n in (3, 6)]
    assert {float(samples.max()) for samples, _ in pieces} == {LEVEL}


@pytest.mark.anyio
@pytest.mark.usefixtures("letters")
async def test_piper_obeys_the_pace_of_its_file_and_of_the_settings(tmp_path: Path) -> None:
    settings = piper_voice(tmp_path, inference={"length_scale": 1.5, "noise_scale": 0.3, "noise_w": 0.4})
    (slow,) = seconds(await all_of(PiperSynthesizer(settings), "abc"))
    (quick,) = seconds(await all_of(PiperSynthesizer(settings.model_copy(update={"speed": 1.5})), "abc"))
    assert (slow, quick) == (9 * 1.5 * SAMPLES_PER_SYMBOL / 16_000, 9 * SAMPLES_PER_SYMBOL / 16_000)


@pytest.mark.anyio
@pytest.mark.usefixtures("letters")
@pytest.mark.parametrize(("name", "number"), [("heart", 0), ("", 0), ("jo", 2), ("1", 1)])
async def test_piper_has_many_speakers(tmp_path: Path, name: str, number: int) -> None:
    settings = piper_voice(tmp_path, speakers=3, speaker_id_map={"al": 0, "jo": 2}).model_copy(update={"voice": name})
    ((samples, _),) = await all_of(PiperSynthesizer(settings), "abc")
    assert samples.max() == pytest.approx(LEVEL * (number + 1))


@pytest.mark.parametrize("name", ["joe", "3", "-1", "²"])
def test_an_unknown_speaker_gives_the_choices(tmp_path: Path, name: str) -> None:
    settings = piper_voice(tmp_path, speakers=3, speaker_id_map={"al": 0, "jo": 2}).model_copy(update={"voice": name})
    with pytest.raises(SynthesizerError) as caught:
        PiperSynthesizer(settings)
    assert (caught.value.code, caught.value.remedy) == ("voice-unknown", "Known: al, jo.")


@pytest.mark.anyio
async def test_other_languages_go_through_the_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = piper_voice(tmp_path, espeak={"voice": "de"})
    script(tmp_path, 'read text; echo "$@ $text"')
    monkeypatch.setenv("PATH", str(tmp_path))
    asked = read_piper(Path(settings.model))
    (said,) = EspeakProgram(asked.espeak.voice).sentences("Guten Tag.")
    ((samples, _),) = await all_of(PiperSynthesizer(settings), "Guten Tag.")
    assert len(samples) == SAMPLES_PER_SYMBOL * len(piper_ids(said, asked))
    assert piper_languages(settings) == ("de",)


@pytest.mark.anyio
async def test_a_language_whose_sounds_nobody_knows_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert await code_of(PiperSynthesizer(piper_voice(tmp_path, espeak={"voice": "es"})), "Hola.") == "phonemes-missing"


@pytest.mark.anyio
async def test_a_voice_of_letters_needs_no_phonemes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    settings = piper_voice(tmp_path, phoneme_type="text", espeak={"voice": "uk"})
    ((samples, _),) = await all_of(PiperSynthesizer(settings), "ABC")
    assert len(samples) == 9 * SAMPLES_PER_SYMBOL


def test_symbols_a_voice_does_not_know_are_left_out_and_composed_ones_taken_apart(tmp_path: Path) -> None:
    voice = read_piper(Path(piper_voice(tmp_path, phoneme_id_map={**LETTERS, "\u0303": [40, 41]}).model))
    assert piper_ids("ã漢", voice) == [1, 0, LETTERS["a"][0], 0, 40, 41, 0, 2]
    assert piper_ids("漢", voice) == []


@pytest.mark.anyio
@pytest.mark.usefixtures("letters")
@pytest.mark.parametrize("text", ["", "\n \n", "!?", "漢字", "🎉"])
async def test_piper_has_nothing_to_say_to_this(tmp_path: Path, text: str) -> None:
    assert await code_of(PiperSynthesizer(piper_voice(tmp_path)), text) == "nothing-to-say"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (VoiceSettings(), "Piper has no voice of its own."),
        (VoiceSettings(model="/no/where.onnx"), "There is no Piper voice /no/where.onnx."),
    ],
)
def test_piper_without_a_voice_tells_what_to_set(settings: VoiceSettings, message: str) -> None:
    with pytest.raises(SynthesizerError) as caught:
        PiperSynthesizer(settings)
    assert (caught.value.code, caught.value.message) == ("piper-no-voice", message)
    assert caught.value.remedy == "Set voice.model to an .onnx file that has its .onnx.json beside it."
    assert piper_need(settings).cpu_bytes == UNKNOWN_PIPER_BYTES + PIPER_BYTES
    assert piper_languages(settings) == ()


@pytest.mark.parametrize("content", ["", "{", "[]", '{"audio": {}}', "\udcff"])
def test_a_description_that_is_none_is_said(tmp_path: Path, content: str) -> None:
    settings = piper_voice(tmp_path)
    Path(f"{settings.model}.json").write_text(content, errors="surrogateescape")
    with pytest.raises(SynthesizerError) as caught:
        PiperSynthesizer(settings)
    assert caught.value.code == "piper-unreadable"
    Path(f"{settings.model}.json").unlink()
    with pytest.raises(SynthesizerError, match=r"has no voice\.onnx\.json beside it"):
        PiperSynthesizer(settings)


def test_a_folder_will_do_and_its_file_is_what_memory_is_reckoned_by(tmp_path: Path) -> None:
    model = Path(piper_voice(tmp_path).model)
    settings = VoiceSettings(model=str(tmp_path))
    PiperSynthesizer(settings)
    assert piper_need(settings).cpu_bytes == model.stat().st_size + PIPER_BYTES
    assert piper_languages(settings) == ("en",)


def test_a_voice_of_the_library_may_bring_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    folder = tmp_path / "voxspark" / "voices" / "karl"
    folder.mkdir(parents=True)
    piper_voice(folder, espeak={"voice": "de"})
    folder.joinpath("voice.toml").write_text(
        'title = "Karl"\nlanguage = "de"\nlicence = "CC0"\nsource = "me"\n[engines]\npiper = "voice.onnx"'
    )
    settings = VoiceSettings(engine="piper", voice="karl")
    PiperSynthesizer(settings)
    assert piper_languages(settings) == ("de",)


# ── espeak-ng ───────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def espeak(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where an espeak-ng that says silence writes what it was asked, and what it was given."""
    recording = tmp_path / "silence.wav"
    recording.write_bytes(wav_bytes(silence(0.1, 16_000), 16_000))
    script(tmp_path, f'echo "$@" >> {tmp_path}/asked; /bin/cat >> {tmp_path}/given; /bin/cat {recording}')
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


@pytest.mark.anyio
@pytest.mark.parametrize(("code", "voice"), [("en", "en-us"), ("de", "de"), ("es", "es"), ("fr", "fr")])
async def test_espeak_speaks_the_language_of_the_turn(espeak: Path, code: language.Language, voice: str) -> None:
    with language.speaking(code):
        await all_of(EspeakSynthesizer(VoiceSettings()), "Hotel")
    assert (espeak / "asked").read_text() == f"--stdin --stdout -s 165 -v {voice}\n"


@pytest.mark.anyio
async def test_a_voice_of_the_library_counts_in_its_language(espeak: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(espeak))
    folder = espeak / "voxspark" / "voices" / "butler"
    folder.mkdir(parents=True)
    folder.joinpath("voice.toml").write_text(
        'title = "Butler"\nlicence = "GPL"\nsource = "espeak"\nspeed = 2\n[engines]\nespeak = "en-gb"'
    )
    voice = EspeakSynthesizer(VoiceSettings(voice="butler"))
    await all_of(voice, "Sir?")
    with language.speaking("fr"):
        await all_of(voice, "Monsieur ?")
    assert [line.split()[-1] for line in (espeak / "asked").read_text().splitlines()] == ["en-gb", "fr"]


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("text", "given"), [("-v de --help", "-v de --help"), ("one\0two", "one two"), ("[[h@l'oU]]", "[ [h@l'oU]]")]
)
async def test_text_is_only_text(espeak: Path, text: str, given: str) -> None:
    await all_of(EspeakSynthesizer(VoiceSettings()), text)
    assert (espeak / "given").read_text() == given


@pytest.mark.anyio
@pytest.mark.parametrize("word", ["word ", "word\n", "a"])
async def test_a_very_long_text_comes_in_pieces_and_whole(espeak: Path, word: str) -> None:
    text = word * (3 * PIECE_CHARACTERS // len(word)) + "end"
    assert len(await all_of(EspeakSynthesizer(VoiceSettings()), text)) in (3, 4)
    assert "".join((espeak / "given").read_text().split()) == "".join(text.split())


def test_espeak_that_is_not_installed_is_missed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find("tts", "espeak").missing() == ["espeak-ng"]
    with pytest.raises(EngineError, match="needs espeak-ng, which is not installed"):
        find("tts", "espeak").create(VoiceSettings())
    script(tmp_path, "exit 0")
    assert find("tts", "espeak").missing() == []


@pytest.mark.parametrize("keys", [{"audio": {"sample_rate": 1}}, {"espeak": {"voice": "--help"}}])
def test_a_piper_voice_with_odd_values_is_refused(tmp_path: Path, keys: dict[str, Any]) -> None:
    with pytest.raises(SynthesizerError) as caught:
        read_piper(Path(piper_voice(tmp_path, **keys).model))
    assert caught.value.code == "piper-unreadable"
