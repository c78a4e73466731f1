"""How long it is quiet between two pieces."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxspark.speech import pacing


@pytest.mark.parametrize(
    ("piece", "seconds"),
    [
        ("Sure thing,", pacing.CLAUSE_PAUSE_SECONDS),
        ("I would take the early train", pacing.CLAUSE_PAUSE_SECONDS),
        ("Here is the plan:", pacing.COLON_PAUSE_SECONDS),
        ("**Important:**", pacing.COLON_PAUSE_SECONDS),
        ("The oven is on;", pacing.COLON_PAUSE_SECONDS),
        ("It was late —", pacing.COLON_PAUSE_SECONDS),
        ("It was late -", pacing.COLON_PAUSE_SECONDS),
        ("- Milk", pacing.ITEM_PAUSE_SECONDS),
        ("Buy these:\n- Milk\n2. Eggs", pacing.ITEM_PAUSE_SECONDS),
        ("| Ann | 30 |", pacing.ITEM_PAUSE_SECONDS),
        ("- Wash the rice.", pacing.SENTENCE_PAUSE_SECONDS),
        ("The tea is ready.", pacing.SENTENCE_PAUSE_SECONDS),
        ('He said: "It is done."', pacing.SENTENCE_PAUSE_SECONDS),
        ("¡Claro que sí!", pacing.SENTENCE_PAUSE_SECONDS),
        ("今日は天気です。", pacing.SENTENCE_PAUSE_SECONDS),
        ("Do you want milk?", pacing.QUESTION_PAUSE_SECONDS),
        ("« Ça va ? »", pacing.QUESTION_PAUSE_SECONDS),
        ("Well...", pacing.QUESTION_PAUSE_SECONDS),
        ("Well…", pacing.QUESTION_PAUSE_SECONDS),
        ("## The results", pacing.HEADING_PAUSE_SECONDS),
        ("", pacing.CLAUSE_PAUSE_SECONDS),
    ],
)
def test_the_end_of_a_piece_decides(piece: str, seconds: float) -> None:
    assert pacing.pause_seconds(piece) == seconds


@given(st.text())
def test_every_piece_has_a_pause_within_reason(piece: str) -> None:
    assert pacing.CLAUSE_PAUSE_SECONDS <= pacing.pause_seconds(piece) <= pacing.HEADING_PAUSE_SECONDS
