"""Kokoro with its real weights, real pronunciation, and the real espeak-ng."""

from __future__ import annotations

from contextlib import aclosing
from itertools import chain

import anyio
import pytest

from tests.test_synthesizers import SENTENCE, all_of, read_back
from voxspark import language
from voxspark.config_speech import VoiceSettings
from voxspark.engines.tts.espeak import EspeakSynthesizer
from voxspark.engines.tts.kokoro import KokoroSynthesizer
from voxspark.engines.tts.phonemes import EnglishIpa, EspeakProgram

pytestmark = pytest.mark.real

BEFORE_A_BREAK = 0.1
LONG = "the ship went down the river and into the sea and never came back to the harbour where it was built"


@pytest.mark.anyio
async def test_kokoro_is_understood_and_broken_off_at_once() -> None:
    voice = KokoroSynthesizer(VoiceSettings(engine="kokoro", voice="jm_kumo"))
    await voice.warm()
    said = await read_back(await all_of(voice, SENTENCE))
    assert "timer" in said
    assert "ten minutes" in said
    with anyio.move_on_after(BEFORE_A_BREAK) as scope:
        await all_of(voice, LONG)
    assert scope.cancelled_caught
    begun = anyio.current_time()
    async with aclosing(voice.synthesize("Yes.")) as pieces:
        await anext(pieces)
    waited = anyio.current_time() - begun
    begun = anyio.current_time()
    await all_of(voice, LONG)
    assert waited < anyio.current_time() - begun
    voice.close()


def test_english_goes_to_piper_in_symbols_that_its_voices_know() -> None:
    known = set(chain("abdefhijklmnoprstuvwxzæðŋɐɑɔəɚɛɜɡɪɹɾʃʊʌʒˈˌːθᵻɒ", " .,;:!?'\"()"))
    (said,) = EnglishIpa().sentences("The church judge thought about five joyful measures of water, didn't he?")
    assert set(said) <= known
    assert said.startswith("ðə tʃˈɜːtʃ dʒˈʌdʒ θˈɔːt əbˈaʊt fˈaɪv dʒˈɔɪfəl mˈɛʒɚz ʌv wˈɔːɾɚ,")


@pytest.mark.parametrize(
    ("voice", "text", "phonemes"),
    [
        ("de", "Tag, guten Tag!", "tˈɑːk, ɡˈuːtən tˈɑːk!"),
        ("es", "¿Qué hora es?", "kˈe ˈoɾa ˈes?"),
        ("fr", "Bonjour.", "bɔ̃ʒˈuʁ."),
    ],
)
def test_espeak_knows_how_words_of_a_language_sound(voice: str, text: str, phonemes: str) -> None:
    assert list(EspeakProgram(voice).sentences(text)) == [phonemes]


@pytest.mark.anyio
async def test_espeak_says_the_same_word_differently_in_each_language() -> None:
    lengths = set()
    for code in language.LANGUAGES:
        with language.speaking(code):
            ((samples, _),) = await all_of(EspeakSynthesizer(VoiceSettings()), "information")
        lengths.add(len(samples))
    assert len(lengths) == len(language.LANGUAGES)
