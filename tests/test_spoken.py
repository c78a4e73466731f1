"""What is said for what is written, judged as a native speaker of American English would."""

from __future__ import annotations

import pytest

from voxspark.speech.languages import locale
from voxspark.speech.spoken import spoken

CODE_LEFT_OUT = locale("en").words.code_left_out

NUMBERS = [
    ("I have 0 apples.", "I have zero apples."),
    ("Room 101", "Room one hundred one"),
    ("1,234,567 people", "one million two hundred thirty-four thousand five hundred sixty-seven people"),
    ("1,000.50", "one thousand point five zero"),
    ("1,2,3", "one, two, three"),
    ("Pi is 3.14.", "Pi is three point one four."),
    (".5 or 0.5", "zero point five or zero point five"),
    ("-5 or −7", "minus five or minus seven"),
    ("Agent 007", "Agent zero zero seven"),
    ("12345678901234567", "one two three four five six seven eight nine zero one two three four five six seven"),
    ("the 1st, 22nd, 103rd and 1,000th", "the first, twenty-second, one hundred third and one thousandth"),
    ("5-10 eggs, 3–4 cups", "five to ten eggs, three to four cups"),
    ("We won 3-2.", "We won three to two."),
    ("a ratio of 16:9", "a ratio of sixteen to nine"),
    ("the 5-year-old", "the five-year-old"),
    ("MP3, H2O, 3D and 1080p", "MP three, H two O, three D and ten eighty p"),
    ("COVID-19", "COVID-nineteen"),
    ("10k users, 5M views", "ten thousand users, five million views"),
    ("#1", "number one"),
    ("5+ years", "five plus years"),
    ("~5", "about five"),
    ("٣ and ５", "three and five"),
]

FRACTIONS_AND_SUMS = [
    ("1/2", "one half"),
    ("2/3 and 3/4", "two thirds and three quarters"),
    ("1 1/2 cups or 1½ cups", "one and a half cups or one and a half cups"),
    ("3/4 tsp", "three quarters teaspoon"),
    ("2 3/4 tsp", "two and three quarters teaspoons"),
    ("open 24/7", "open twenty-four seven"),
    ("I give it 9/10, no, 10/10.", "I give it nine tenths, no, ten out of ten."),
    ("22/7", "twenty-two over seven"),
    ("20/20 vision, a 50/50 chance", "twenty twenty vision, a fifty fifty chance"),
    ("2 + 2 = 4", "two plus two equals four"),
    ("5 - 3", "five minus three"),
    ("5 * 3, 5 × 3", "five times three, five times three"),
    ("6 / 2 < 4", "six divided by two less than four"),
    ("x² and 10^6", "x squared and ten to the power of six"),
    ("5x7 inches, 1920×1080", "five by seven inches, one thousand nine hundred twenty by one thousand eighty"),
    ("5x faster", "five times faster"),
]

DATES = [
    ("In 1984 and by 2026", "In nineteen eighty-four and by twenty twenty-six"),
    ("since 1905", "since nineteen oh five"),
    ("the year 2000", "the year two thousand"),
    ("between 1984 and 1990", "between nineteen eighty-four and nineteen ninety"),
    ("1984-1990", "nineteen eighty-four to nineteen ninety"),
    ("It weighs 1984 tons.", "It weighs one thousand nine hundred eighty-four tons."),
    ("by 2,026", "by two thousand twenty-six"),
    ("in 2026 km", "in two thousand twenty-six kilometers"),
    ("the 1980s, the '70s and the 90s", "the nineteen eighties, the seventies and the nineties"),
    ("2026-11-24", "November twenty-fourth, twenty twenty-six"),
    ("2026-11-24T10:05", "November twenty-fourth, twenty twenty-six, ten oh five"),
    ("11/24/2026", "November twenty-fourth, twenty twenty-six"),
    ("24/11/2026", "November twenty-fourth, twenty twenty-six"),
    ("2026-99-99", "two thousand twenty-six ninety-nine ninety-nine"),
    ("Nov 24", "November twenty-fourth"),
    ("Nov. 24, 2026", "November twenty-fourth, twenty twenty-six"),
    ("November 24th", "November twenty-fourth"),
    ("24 November 2026", "November twenty-fourth, twenty twenty-six"),
    ("the 24th of November", "the twenty-fourth of November"),
    ("Dec 24-26", "December twenty-fourth to twenty-sixth"),
    ("May 2026", "May twenty twenty-six"),
    ("I may 5 times.", "I may five times."),
]

TIMES = [
    ("10:05", "ten oh five"),
    ("7:00", "seven o'clock"),
    ("18:30, then 18:00", "eighteen thirty, then eighteen hundred"),
    ("00:00", "midnight"),
    ("Wake me at 7 a.m.", "Wake me at seven AM."),
    ("at 7 a.m. on Monday", "at seven AM on Monday"),
    ("7:30 PM, 7:00 pm", "seven thirty PM, seven PM"),
    ("It ends at 3 p.m. The doors close.", "It ends at three PM. The doors close."),
    ("7-9pm", "seven to nine PM"),
    ("free until 6 p.m. Would you", "free until six PM. Would you"),
    ("10:00-11:30", "ten o'clock to eleven thirty"),
    ("I am 7.", "I am seven."),
]

MONEY = [
    ("$3.50", "three dollars and fifty cents"),
    ("$3.5", "three dollars and fifty cents"),
    ("$1, €1, £1", "one dollar, one euro, one pound"),
    ("$1.01", "one dollar and one cent"),
    ("$0.99", "ninety-nine cents"),
    ("£2.99", "two pounds and ninety-nine pence"),
    ("5 € or 10€", "five euros or ten euros"),
    ("$0.002 per token", "zero point zero zero two dollars per token"),
    ("$2 million", "two million dollars"),
    ("$1.5 billion, $20k", "one point five billion dollars, twenty thousand dollars"),
    ("-$5", "minus five dollars"),
    ("$5-10, $5-$10", "five to ten dollars, five to ten dollars"),
    ("$1,299/month", "one thousand two hundred ninety-nine dollars per month"),
    ("a $20 bill", "a twenty dollar bill"),
    ("It costs $5.", "It costs five dollars."),
    ("$1." + "3" * 5_000, "one point " + "three " * 5_000 + "dollars"),
]

UNITS = [
    ("5 km", "five kilometers"),
    ("1 km", "one kilometer"),
    ("1.5km", "one point five kilometers"),
    ("100 km/h", "one hundred kilometers per hour"),
    ("21°C, -1 °C, 70 °F", "twenty-one degrees Celsius, minus one degree Celsius, seventy degrees Fahrenheit"),
    ("80 kg, 1 lb, 6 ft", "eighty kilograms, one pound, six feet"),
    ("16 GB at 250 ms", "sixteen gigabytes at two hundred fifty milliseconds"),
    ("273 GB/s", "two hundred seventy-three gigabytes per second"),
    ("12 m²", "twelve square meters"),
    ("6 ft. tall", "six feet tall"),
    ("It is 6 ft. Fine.", "It is six feet. Fine."),
    ("5 in wide, 1 in.", "five inches wide, one inch."),
    ("5 in 10 people", "five in ten people"),
    ("a 5-km run", "a five kilometer run"),
    ("40 tok/s", "forty tok per second"),
    ("5-10 km", "five to ten kilometers"),
    ("5 g, not 5G", "five grams, not five G"),
    ("50%, 50-60 %", "fifty percent, fifty to sixty percent"),
    ("5'10\"", "five foot ten"),
]

CODES = [
    ("Call 555-1234.", "Call five five five, one two three four."),
    ("(555) 123-4567", "five five five, one two three, four five six seven"),
    ("+49 30 1234567", "plus four nine, three zero, one two three four five six seven"),
    ("500-1000 people", "five hundred to one thousand people"),
    ("Call 911 now", "Call nine one one now"),
    ("3.11.7", "three point eleven point seven"),
    ("Python 3.11 and v2.1", "Python three point eleven and version two point one"),
    ("192.168.1.20", "one hundred ninety-two dot one hundred sixty-eight dot one dot twenty"),
]

ABBREVIATIONS = [
    ("Dr. Smith, Mr. Jones, Mrs. Hill and Ms. Lee", "Doctor Smith, Mister Jones, Missus Hill and Ms Lee"),
    ("fruit, e.g. apples, i.e. food", "fruit, for example apples, that is food"),
    ("E.g., apples", "For example, apples"),
    ("pears, etc. are here", "pears, and so on are here"),
    ("pears, etc.", "pears, and so on."),
    ("cats vs. dogs vs mice", "cats versus dogs versus mice"),
    ("approx. 5", "approximately five"),
    ("No. 5? No. I mean it.", "number five? No. I mean it."),
    ("salt & pepper", "salt and pepper"),
    ("NASA and the U.S. Senate", "NASA and the US Senate"),
    ("He lives in the U.S.", "He lives in the US."),
    ("a Ph.D. student", "a PhD student"),
    ("J. K. Rowling", "J K Rowling"),
    ("St. John, Main St. in town", "Saint John, Main Street in town"),
    ("in Nov. it snows", "in November it snows"),
    ("and/or", "and or"),
    ("C++ or C#", "C plus plus or C sharp"),
]

MARKUP = [
    ("**Bold**, *soft*, __bold__, _soft_, ***both*** and ~~gone~~", "Bold, soft, bold, soft, both and gone"),
    ("a **bold lead", "a bold lead"),
    ("## The results", "The results"),
    ("# Results\nWe won", "Results. We won"),
    ("- Milk\n* Eggs\n+ Bread\n- [x] Tea", "Milk, Eggs, Bread, Tea"),
    ("1. Wash the rice.", "one, Wash the rice."),
    ("> quoted words", "quoted words"),
    ("one\n\n---\n\ntwo", "one, two"),
    ("[the guide](https://x.org/a_(b)) and ![a cat](cat.png \"Cat\")", "the guide and a cat"),
    ("[](https://x.org) [a][1] <https://y.org>", "a link to x.org a a link to y.org"),
    ("See https://www.example.com/path?q=1#top.", "See a link to example.com."),
    ("(https://user@docs.python.org:8080/3)", "a link to docs.python.org"),
    ("www.example.org", "a link to example.org"),
    ("Write to john.doe@example.com!", "Write to john dot doe at example dot com!"),
    ("| Name | Age |\n|:---|---:|\n| Ann | 30 |", "Name, Age. Ann, thirty"),
    ("<b>bold</b><br/>AT&amp;T", "bold AT and T"),
    ("“Hello,” he said — ‘quietly’.", "Hello, he said, quietly."),
    ("He said (softly) no (again).", "He said, softly, no, again."),
    ("the file(s) weren't ours", "the files weren't ours"),
    ("Wait… what?!", "Wait... what?"),
    ("It works 👍🏽! 🎉👨‍👩‍👧 1️⃣", "It works! one"),
    ("你好。好", "你好. 好"),
    ("cafe\u0301 na\u00efve", "café naïve"),
    ("I know &frac12; of it", "I know one half of it"),
]  # fmt: skip

CODE = [
    ("Call `get_name()` now", "Call get name now"),
    ("`getUserName`", "get User Name"),
    ("`pip install -r requirements.txt --quiet`", "pip install dash r requirements dot txt dash dash quiet"),
    ("`x = y * 2`", "x equals y times two"),
    ("`/etc/hosts`", "slash etc slash hosts"),
    ("open main.py in /etc/hosts", "open main dot py in slash etc slash hosts"),
    ("``a `b` c``", "a b c"),
    ("```python\nprint(1)\n```", CODE_LEFT_OUT),
    ("````\n```\n1\n```\n````", CODE_LEFT_OUT),
    ("```python\nprint(1)", CODE_LEFT_OUT),
    ("Look:\n```\nx\n```\nDone.", f"Look: {CODE_LEFT_OUT} Done."),
]

TABLES = NUMBERS + FRACTIONS_AND_SUMS + DATES + TIMES + MONEY + UNITS + CODES + ABBREVIATIONS + MARKUP + CODE


@pytest.mark.parametrize(("written", "said"), TABLES)
def test_examples(written: str, said: str) -> None:
    assert spoken(written) == said


@pytest.mark.parametrize(
    "plain", ["Hello there, how are you?", "It's five o'clock.", "well-known", "Sure,", "No: wait; go..."]
)
def test_words_stay_as_they_are(plain: str) -> None:
    assert spoken(plain) == plain


@pytest.mark.parametrize("silent", ["", " \n\t", "?!", "...", "---", "**", "👍🏽", "|---|---|", "\u200b", "()"])
def test_nothing_speakable_says_nothing(silent: str) -> None:
    assert spoken(silent) == ""


@pytest.mark.parametrize(
    "markup", ["<b>", "[](x)", "<!-- a -->", "[1]", "_a_", "`1`", "²", "①", "Ⅷ", "https://", "5\ufe0f\u20e3"]
)
def test_what_holds_a_letter_or_digit_is_never_silent(markup: str) -> None:
    assert spoken(markup)
