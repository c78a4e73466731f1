"""What tools say: sentences, and the numbers, durations, times and names in them, in the language of the turn.

    say("Your {list} is empty.", list=ListName("shopping"))

The English sentence stands where it is said, and is the key to the other languages' (`de.toml` and so on).
"""

from voxspark.tools.phrases.english_words import (
    duration,
    join,
    number,
    time_left,
)
from voxspark.tools.phrases.say import say, translated, without_values
from voxspark.tools.phrases.values import (
    Clock,
    Date,
    Kind,
    Left,
    Length,
    Listing,
    ListName,
    Moment,
    Name,
    Number,
    TimerName,
    Weekday,
)

__all__ = [
    "Clock",
    "Date",
    "Kind",
    "Left",
    "Length",
    "ListName",
    "Listing",
    "Moment",
    "Name",
    "Number",
    "TimerName",
    "Weekday",
    "duration",
    "join",
    "number",
    "say",
    "time_left",
    "translated",
    "without_values",
]
