"""From seconds of playback to the words that were heard."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from voxspark.types import Clip

CHARACTERS_PER_SECOND = 15.0
"""Of speech, in English, where nothing is known of the voice."""

TELLING_CHARACTERS = 40
"""From so many on, a voice's own pace is known better."""


def heard_text(clips: Iterable[Clip], seconds: float, *, more_to_come: bool = False) -> str:
    """The text of these clips as far as `seconds` of them were played, cut at a word.

    A clip without text continues the one before. Inside a clip, time is shared out over words by their length, which
    is what speech does near enough; a word counts as heard when most of it was. With `more_to_come` the sound of the
    last text may not be there to its end: then it is taken to last as long as such a text does.
    """
    groups: list[tuple[str, float]] = []
    for clip in clips:
        if clip.text or not groups:
            groups.append((clip.text, clip.seconds))
        else:
            text, length = groups[-1]
            groups[-1] = (text, length + clip.seconds)
    if more_to_come and groups:
        *before, (text, length) = groups
        groups[-1] = (text, max(length, len(text) / _pace(before)))
    heard: list[str] = []
    for text, length in groups:
        if seconds <= 0:
            break
        heard.append(text if seconds >= length else _words_within(text, seconds / length))
        seconds -= length
    return " ".join(part for part in heard if part)


def _pace(groups: Sequence[tuple[str, float]]) -> float:
    """In characters a second, of sentences that are whole."""
    characters = sum(len(text) for text, _ in groups)
    seconds = sum(length for text, length in groups if text)
    return characters / seconds if characters >= TELLING_CHARACTERS and seconds else CHARACTERS_PER_SECOND


def _words_within(text: str, share: float) -> str:
    words = text.split()
    total = sum(len(word) + 1 for word in words)
    spoken, kept = 0.0, 0
    for word in words:
        if spoken + (len(word) + 1) * 0.5 > share * total:
            break
        spoken += len(word) + 1
        kept += 1
    return " ".join(words[:kept])


def unsaid(text: str, share: float) -> str:
    """The words that are left when so much of a text's sound is there, 0 to 1."""
    return " ".join(text.split()[len(_words_within(text, share).split()) :])
