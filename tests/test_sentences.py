"""The splitter: where it cuts, where it must not, and that the deltas' own cuts never show."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxspark.language import LANGUAGES
from voxspark.speech.sentences import SentenceSplitter


def split(text: str, splitter: SentenceSplitter | None = None) -> list[str]:
    splitter = splitter or SentenceSplitter()
    return [*splitter.feed(text), *splitter.flush()]


def dense(text: str) -> str:
    return "".join(text.split())


FIRST = [
    ("Sure thing, I can do that for you.", ["Sure thing,", "I can do that for you."]),
    ("Unfortunately, it rains.", ["Unfortunately,", "it rains."]),
    ("Yes, the kettle is on.", ["Yes, the kettle is on."]),
    ("Here is the plan: we leave at noon.", ["Here is the plan:", "we leave at noon."]),
    ("The oven is on; dinner is soon.", ["The oven is on;", "dinner is soon."]),
    ("It was late — very late — when she came.", ["It was late —", "very late — when she came."]),
    ("It was late—very late.", ["It was late—", "very late."]),
    ("It was late - very late.", ["It was late -", "very late."]),
    ("There are 1,000 lights here.", ["There are 1,000 lights here."]),
    ("It happened on May 5, 2026 in Rome.", ["It happened on May 5, 2026 in Rome."]),
    ("The score was 10 - 5 in the end.", ["The score was 10 - 5 in the end."]),
    ("Take some fruit, e.g., apples or pears.", ["Take some fruit,", "e.g., apples or pears."]),
    ("Use something soft e.g., wool.", ["Use something soft e.g., wool."]),
    ("Dinner starts at 10:30 tonight.", ["Dinner starts at 10:30 tonight."]),
    ("See https://example.com/a,b:c now.", ["See https://example.com/a,b:c now."]),
    ("Call `run(a, b)` and wait.", ["Call `run(a, b)` and wait."]),
    ("Read [the guide, page two](https://x.org) first.", ["Read [the guide, page two](https://x.org) first."]),
    ("**Important:** the stove is hot.", ["**Important:**", "the stove is hot."]),
    (
        "I would take the early train to the old harbour because the boat leaves at nine.",
        ["I would take the early train to the old harbour", "because the boat leaves at nine."],
    ),
    (
        "I will set the living room lights to a warm tone and you can change them later.",
        ["I will set the living room lights to a warm tone", "and you can change them later."],
    ),
    (
        "My grandmother's garden had a great many roses and tulips along the wall.",
        ["My grandmother's garden had a great many roses and tulips along the wall."],
    ),
    (
        "The people of the valley remember the old house in which the poet was born.",
        ["The people of the valley remember the old house in which the poet was born."],
    ),
]


@pytest.mark.parametrize(("text", "pieces"), FIRST)
def test_first_piece_may_be_a_clause(text: str, pieces: list[str]) -> None:
    assert split(text) == pieces


LATER = [
    ("The tea is ready. Do you want milk, sugar, or lemon? I have all.", [
        "Do you want milk, sugar, or lemon?", "I have all."]),
    ("It is Monday today. Yes. The shops are open.", ["Yes. The shops are open."]),
    ("It is Monday today. OK! Right. The shops are open.", ["OK! Right.", "The shops are open."]),
    ("It is Monday today. The shops are open. Yes.", ["The shops are open.", "Yes."]),
    ("I met someone today. Dr. Smith and Mr. Jones say hello.", ["Dr. Smith and Mr. Jones say hello."]),
    ("I know a few rules. Use e.g. salt, i.e. a pinch.", ["Use e.g. salt, i.e. a pinch."]),
    ("I know a few places. The U.S. Senate sits in D.C. They vote today.", [
        "The U.S. Senate sits in D.C.", "They vote today."]),
    ("I know a few books. See No. 5 on the list. No. I mean it.", ["See No. 5 on the list.", "No. I mean it."]),
    ("I know a few sizes. It is approx. 5 meters. Fine by me.", ["It is approx. 5 meters.", "Fine by me."]),
    ("I know the number. Pi is 3.14 or so. That is close.", ["Pi is 3.14 or so.", "That is close."]),
    ("I know the author. J. K. Rowling wrote it. George W. Bush read it.", [
        "J. K. Rowling wrote it.", "George W. Bush read it."]),
    ("I know the time. It starts at 7 a.m. on Monday. The doors open at 6 p.m. The end.", [
        "It starts at 7 a.m. on Monday.", "The doors open at 6 p.m.", "The end."]),
    ("I know the time. It starts at 7 p.m. Monday.", ["It starts at 7 p.m. Monday."]),
    ("I had a thought. Well... maybe not today. Wait… What was that?", [
        "Well... maybe not today.", "Wait… What was that?"]),
    ("I see the file. Open main.py and .gitignore now. Node.js runs it.", [
        "Open main.py and .gitignore now.", "Node.js runs it."]),
    ("I see the page. Go to www.example.com/a.b?c=d. It loads.", ["Go to www.example.com/a.b?c=d.", "It loads."]),
    ("I know three steps. 1. Wash the rice. 2. Boil it well.", ["1. Wash the rice.", "2. Boil it well."]),
    ("I was born long ago. That was in 1984. The year was cold.", ["That was in 1984.", "The year was cold."]),
    ("I bought some food. Apples, pears, etc. are here. Plums, figs, etc. They last.", [
        "Apples, pears, etc. are here.", "Plums, figs, etc.", "They last."]),
    ('I heard him speak. "It is done." Then he left.', ['"It is done."', "Then he left."]),
    ('I heard him speak. "Is it done?" he asked. (It was not.) We waited.', [
        '"Is it done?" he asked.', "(It was not.)", "We waited."]),
    ("I see a heading.\n## The results\nWe won the match", ["## The results", "We won the match"]),
    ("I see a list.\n- Milk\n- Eggs and bread\n", ["- Milk\n- Eggs and bread"]),
    ("I see **bold text.** And _soft text._ Good to know.", [
        "I see **bold text.**", "And _soft text._", "Good to know."]),
    ("I know the answer. It is in vol. 3 and Fig. 2 of it.", ["It is in vol. 3 and Fig. 2 of it."]),
    ("I know the date. It is on Nov. 24. We met in Dec. Snow fell that day.", [
        "It is on Nov. 24.", "We met in Dec.", "Snow fell that day."]),
    ("I know the code. Run `a. b. c` twice. Then stop here.", ["Run `a. b. c` twice.", "Then stop here."]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "pieces"), LATER)
def test_later_pieces_are_sentences(text: str, pieces: list[str]) -> None:
    found = split(text)
    assert found[-len(pieces) :] == pieces
    assert len(found) in (len(pieces), len(pieces) + 1)


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("今日は天気がとてもいいです。散歩に行きましょう！", ["今日は天気がとてもいいです。", "散歩に行きましょう！"]),
        ("他对我说：“我明天早上来看你。”然后他就走了。", ["他对我说：“我明天早上来看你。”", "然后他就走了。"]),
    ],
)
def test_wide_marks_need_no_space(text: str, pieces: list[str]) -> None:
    assert split(text) == pieces


def test_a_sentence_is_out_as_soon_as_a_space_follows() -> None:
    splitter = SentenceSplitter()
    assert splitter.feed("The tea is ready.") == []
    assert splitter.feed(" ") == ["The tea is ready."]


def test_a_clause_is_out_as_soon_as_the_next_word_begins() -> None:
    splitter = SentenceSplitter()
    assert splitter.feed("Once upon a time,") == []
    assert splitter.feed(" ") == []
    assert splitter.feed("t") == ["Once upon a time,"]


def test_minimum_length_is_the_callers() -> None:
    assert split("Yes, the kettle is on.", SentenceSplitter(min_chars=3)) == ["Yes,", "the kettle is on."]
    assert split("Sure thing, I can.", SentenceSplitter(min_chars=15)) == ["Sure thing, I can."]


def test_flush_makes_it_new() -> None:
    splitter = SentenceSplitter()
    assert split("The tea is ready. Well then, drink up", splitter) == ["The tea is ready.", "Well then, drink up"]
    assert split("Well then, drink up", splitter) == ["Well then,", "drink up"]
    assert splitter.flush() == []


FENCE = "```python\nprint('One. Two, three.')\n\n\n# ``` not the end\nexit()\n```"
LONG_FENCE = "```\n" + "x = 1. Then, so\n" * 500 + "```"


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        (f"Here is code:\n{FENCE}\nRun it as it is.", ["Here is code:", FENCE, "Run it as it is."]),
        (f"Code: {FENCE} Run it as it is.", ["Code:", FENCE, "Run it as it is."]),
        (FENCE, [FENCE]),
        (FENCE[:-4], [FENCE[:-4]]),
        ("````md\n```py\nx = 1\n```\n````\nThat was it.", ["````md\n```py\nx = 1\n```\n````", "That was it."]),
        ("Use ```inline code``` like this. It works well.", ["Use ```inline code``` like this.", "It works well."]),
        ("Here is code: ```py", ["Here is code:", "```py"]),
        (f"{LONG_FENCE}\nDone with that.", [LONG_FENCE, "Done with that."]),
    ],
)  # fmt: skip
def test_fenced_code_is_one_piece(text: str, pieces: list[str]) -> None:
    assert split(text) == pieces


def test_a_run_without_end_is_cut_at_a_space() -> None:
    pieces = split("word " * 100)
    assert all(len(piece) <= 200 for piece in pieces)
    assert dense("".join(pieces)) == "word" * 100


def test_a_run_without_end_is_rather_cut_at_a_clause() -> None:
    text = "The tea is ready. " + "one two three four five six seven eight nine ten " * 3 + "and on, " + "word " * 30
    assert split(text)[1].endswith("and on,")


def test_a_word_without_end_is_kept_whole() -> None:
    assert split("a" * 5_000 + " b") == ["a" * 5_000, "b"]


def test_nothing_in_nothing_out() -> None:
    assert split("") == []
    assert split(" \n\t \n") == []
    assert split("?") == ["?"]


TOKENS = st.sampled_from([
    "the", "and", "because", "which", "in", "so", "it", "It", "The", "You", "Smith", "x",
    "a very long word indeed", "é", "Dr.", "Mr", "e.g.", "U.S.", "etc.", "No.", "Nov.", "J.", "a.m.",
    "3.14", "1.", "5", "2026", "1,000", "main.py", "https://x.com", ",", ";", ":", ".", "!", "?", "…",
    "...", "—", "-", " - ", " – ", "--", "`", "```", "````", "```py\n", "\n```", "\n```\n", "\n", "\n\n",
    "z.", "B.", "3.", "24.12.", "Mai", "Das", "und", "weil", "p.", "ej.", "¿Qué", "¡", "porque", "M.", "«", "»",
    "C'est",
    "Aujourd'hui", "et", "vous", "XIV.",
    " ", "  ", "\t", '"', ")", "]", "[", "(", "*", "**", "_", "。", "！", "，", "”", "好",
]) | st.text(max_size=3)  # fmt: skip
TEXTS = st.lists(TOKENS, max_size=60).map(" ".join) | st.lists(TOKENS, max_size=60).map("".join) | st.text()
SPLITTERS = st.builds(
    SentenceSplitter,
    st.sampled_from(LANGUAGES),
    min_chars=st.integers(0, 15),
    long_clause_chars=st.integers(5, 60),
    max_chars=st.integers(10, 200),
)


@given(TEXTS, SPLITTERS, st.data())
def test_pieces_do_not_depend_on_how_the_text_is_cut(
    text: str, splitter: SentenceSplitter, data: st.DataObject
) -> None:
    whole = split(text, splitter)
    assert [piece for char in text for piece in splitter.feed(char)] + splitter.flush() == whole
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=8)))
    deltas = [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    assert [piece for delta in deltas for piece in splitter.feed(delta)] + splitter.flush() == whole


@given(TEXTS, SPLITTERS)
def test_no_text_is_lost_and_no_piece_is_blank(text: str, splitter: SentenceSplitter) -> None:
    pieces = split(text, splitter)
    assert dense("".join(pieces)) == dense(text)
    assert all(piece and piece == piece.strip() for piece in pieces)


def test_text_without_a_space_does_not_pile_up() -> None:
    splitter, text = SentenceSplitter("en"), "a." * 2_000
    pieces = [piece for at in range(0, len(text), 4) for piece in splitter.feed(text[at : at + 4])]
    assert "".join([*pieces, *splitter.flush()]) == text
    assert max(map(len, pieces)) <= 1_001
