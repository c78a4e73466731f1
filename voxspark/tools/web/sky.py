"""The look of the sky, by the WMO's code of present weather (table 4677, as open-meteo.com/en/docs lists it)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sky:
    """One code."""

    look: str = ""
    """`cloudy`; empty when something falls."""
    falls: str = ""
    """`light rain`; empty when it is dry."""
    kind: str = ""
    """In a word: `rain`, `snow`."""

    @property
    def is_wet(self) -> bool:
        return bool(self.falls)

    def words(self, is_night: bool = False) -> str:
        """`and cloudy`, `with light rain`."""
        return (
            f"with {self.falls}" if self.falls else f"and {'clear' if is_night and self.look == 'sunny' else self.look}"
        )


_DRY = {0: "sunny", 1: "mostly clear", 2: "partly cloudy", 3: "cloudy", 45: "foggy", 48: "foggy"}

_WET = {
    "rain": {
        **{51: "light drizzle", 53: "drizzle", 55: "drizzle", 56: "freezing drizzle", 57: "freezing drizzle"},
        **{61: "light rain", 63: "rain", 65: "heavy rain", 66: "freezing rain", 67: "freezing rain"},
        **{80: "light showers", 81: "showers", 82: "heavy showers"},
    },
    "snow": {71: "light snow", 73: "snow", 75: "heavy snow", 77: "snow", 85: "snow showers", 86: "heavy snow showers"},
    "a thunderstorm": {95: "a thunderstorm", 96: "a thunderstorm and hail", 99: "a thunderstorm and hail"},
}

SKIES = {code: Sky(look=look) for code, look in _DRY.items()} | {
    code: Sky(falls=falls, kind=kind) for kind, codes in _WET.items() for code, falls in codes.items()
}


def sky(code: int) -> Sky:
    """The look of a code. Raises KeyError for one that is not used."""
    return SKIES[int(code)]
