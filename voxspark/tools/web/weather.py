"""The weather of today and the coming days, from Open-Meteo (open-meteo.com: no key, free for non-commercial use)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Annotated, Any, Literal

from voxspark.errors import ToolError
from voxspark.tools.clean import clean
from voxspark.tools.folding import fold
from voxspark.tools.phrases.english_words import DAYS, cap
from voxspark.tools.registry import Tool, tool, tools_of
from voxspark.tools.web.http import Fetcher, unexpected
from voxspark.tools.web.sky import Sky, sky

FORECAST_DAYS = 8
"""Today, and as far as the same weekday next week."""
KEEP_FORECAST_SECONDS = 600
KEEP_PLACE_SECONDS = 24 * 3600

WET_MILLIMETRES = 0.1
WET_PERCENT = 50
MAYBE_PERCENT = 25
FEELS_DIFFERENT_DEGREES = 4

CURRENT = "temperature_2m,apparent_temperature,weather_code,wind_speed_10m,is_day"
HOURLY = "precipitation,precipitation_probability,weather_code"
DAILY = "weather_code,temperature_2m_max,temperature_2m_min,precipitation_probability_max,wind_speed_10m_max"

WEEKDAYS = tuple(day.lower() for day in DAYS)

Units = Literal["metric", "imperial"]
About = Literal["everything", "rain", "temperature", "wind"]


@dataclass(frozen=True, slots=True)
class Place:
    """Somewhere on the map."""

    name: str
    latitude: float
    longitude: float


class Weather:
    """Tells the weather.

    `home` is the place meant when none is named; empty asks. `units`: degrees Celsius and kilometres per hour, or
    Fahrenheit and miles. The addresses are those of the two services of Open-Meteo. Coordinates are sent rounded to a
    kilometre.
    """

    def __init__(
        self,
        fetcher: Fetcher,
        home: str = "",
        units: Units = "metric",
        *,
        forecast_url: str,
        geocoding_url: str,
    ) -> None:
        self._fetcher = fetcher
        self._home = home
        self._units = units
        self._forecast_url = forecast_url.rstrip("/")
        self._geocoding_url = geocoding_url.rstrip("/")

    @property
    def tools(self) -> tuple[Tool, ...]:
        """get_weather."""
        return tools_of(self)

    @tool(permission="read", fate="turn", core=True, filler="Let me check the weather.")
    async def get_weather(
        self,
        place: Annotated[str, "A city, such as Oslo or Paris, Texas; empty for home."] = "",
        day: Annotated[str, "now, today, tomorrow, a weekday, or a date such as 2026-11-28."] = "now",
        about: Annotated[About, "What is asked for."] = "everything",
    ) -> str:
        """Tell the weather, the temperature, the wind, or whether it will rain, now or in the next 7 days."""
        found = await self._find(place.strip() or self._home)
        forecast = await self._forecast(found)
        try:
            return _Report(forecast, found.name, self._units).about(about, day)
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise unexpected(self._forecast_url) from error

    async def _find(self, name: str) -> Place:
        if not name:
            raise ToolError(
                "weather-place", "For which place do you want the weather?", "Or set your home in the config."
            )
        city, *region = [part.strip() for part in name[:100].split(",")]
        page = await self._fetcher.get(
            f"{self._geocoding_url}/v1/search",
            {"name": city, "count": 10, "language": "en", "format": "json"},
            trusted=True,
            keep_seconds=KEEP_PLACE_SECONDS,
        )
        try:
            results = page.json().get("results") or []
            chosen = next((each for each in results if _is_in(each, region)), None)
            if chosen is None:
                raise ToolError("weather-place-unknown", f"I don't know a place called {clean(name, 60)}.")
            return Place(clean(str(chosen["name"]), 60), float(chosen["latitude"]), float(chosen["longitude"]))
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise unexpected(self._geocoding_url) from error

    async def _forecast(self, place: Place) -> dict[str, Any]:
        imperial = {"temperature_unit": "fahrenheit", "wind_speed_unit": "mph"} if self._units == "imperial" else {}
        params: dict[str, str | int | float] = {
            "latitude": round(place.latitude, 2),
            "longitude": round(place.longitude, 2),
            "current": CURRENT,
            "hourly": HOURLY,
            "daily": DAILY,
            "timezone": "auto",
            "forecast_days": FORECAST_DAYS,
            **imperial,
        }
        page = await self._fetcher.get(
            f"{self._forecast_url}/v1/forecast", params, trusted=True, keep_seconds=KEEP_FORECAST_SECONDS
        )
        if not isinstance(forecast := page.json(), dict):
            raise unexpected(self._forecast_url)
        return forecast


class _Report:
    """Sentences about one forecast. Raises KeyError, TypeError, ValueError or IndexError when it has holes."""

    def __init__(self, forecast: dict[str, Any], place: str, units: Units) -> None:
        self._current, self._hourly, self._daily = forecast["current"], forecast["hourly"], forecast["daily"]
        self._now = datetime.fromisoformat(self._current["time"])
        self._hours = [datetime.fromisoformat(each) for each in self._hourly["time"]]
        self._days = [date.fromisoformat(each) for each in self._daily["time"]]
        self._place = place
        self._speed = "kilometers per hour" if units == "metric" else "miles per hour"

    def about(self, about: About, day: str) -> str:
        wanted = fold(day.strip())
        when = _day(wanted, self._now.date())
        if when not in self._days:
            raise ToolError("weather-day", "I only know the weather of today and the next 7 days.")
        is_now = when == self._now.date()
        index = self._days.index(when)
        name = "today" if is_now else "tomorrow" if when == self._now.date() + timedelta(1) else f"on {when:%A}"
        if about == "rain":
            return self._rain(when, index, name)
        if about == "temperature":
            return self._temperature(index, name, is_now)
        if about == "wind":
            speed = self._current["wind_speed_10m"] if is_now else self._daily["wind_speed_10m_max"][index]
            often = "The wind is at" if is_now else "The wind will reach"
            return f"{often} {round(speed)} {self._speed} in {self._place}{'' if is_now else f' {name}'}."
        return self._everything(when, index, name, is_now)

    def _everything(self, when: date, index: int, name: str, is_now: bool) -> str:
        if is_now:
            look = sky(self._current["weather_code"])
            is_night = not self._current.get("is_day", 1)
            degrees = _degrees(self._current["temperature_2m"])
            return f"It's {degrees} {look.words(is_night)} in {self._place}{self._change(look, when)}."
        look = sky(self._daily["weather_code"][index])
        wet = self._wet_hours(when)
        later = f", from {_hour(wet[0])}" if look.is_wet and wet else ""
        start = f"{cap(name)} it will be {self._span(index)} {look.words()} in {self._place}"
        return f"{start}{later}."

    def _change(self, look: Sky, when: date) -> str:
        """What still happens today: `, with rain after 4 PM`."""
        wet = [hour for hour in self._wet_hours(when) if hour > self._now]
        if not look.is_wet:
            return f", with {self._kind(wet[0])} after {_hour(wet[0])}" if wet else ""
        dry = [hour for hour in self._hours if hour.date() == when and hour > self._now and hour not in wet]
        return f", until about {_hour(dry[0])}" if dry and all(hour < dry[0] for hour in wet) else ""

    def _rain(self, when: date, index: int, name: str) -> str:
        here = f"in {self._place} {name}"
        wet = self._wet_hours(when)
        if name == "today" and sky(self._current["weather_code"]).is_wet:
            kind = sky(self._current["weather_code"]).kind
            return f"Yes, there is {kind} in {self._place} now{self._change(sky(self._current['weather_code']), when)}."
        coming = [hour for hour in wet if hour > self._now]
        if coming:
            return f"Yes, expect {self._kind(coming[0])} {here}, from about {_hour(coming[0])}."
        percent = self._daily["precipitation_probability_max"][index] or 0
        if percent >= MAYBE_PERCENT and not (name == "today" and self._now.hour >= 21):
            return f"Maybe: the chance of rain {here} is {round(percent)} percent."
        return f"No, it should stay dry {here}."

    def _temperature(self, index: int, name: str, is_now: bool) -> str:
        if not is_now:
            return f"It will be {self._span(index)} in {self._place} {name}."
        degrees, feels = self._current["temperature_2m"], self._current["apparent_temperature"]
        differs = abs(degrees - feels) >= FEELS_DIFFERENT_DEGREES
        return f"It's {_degrees(degrees)} in {self._place}{f', and it feels like {_number(feels)}' if differs else ''}."

    def _span(self, index: int) -> str:
        low, high = self._daily["temperature_2m_min"][index], self._daily["temperature_2m_max"][index]
        return _degrees(high) if round(low) == round(high) else f"{_number(low)} to {_degrees(high)}"

    def _wet_hours(self, when: date) -> list[datetime]:
        amounts, chances = self._hourly["precipitation"], self._hourly["precipitation_probability"]
        rows = zip(self._hours, amounts, chances, strict=True)
        return [
            hour
            for hour, amount, chance in rows
            if hour.date() == when
            and (amount or 0) >= WET_MILLIMETRES
            and (100 if chance is None else chance) >= WET_PERCENT
        ]

    def _kind(self, hour: datetime) -> str:
        """`rain`, `snow`."""
        return sky(self._hourly["weather_code"][self._hours.index(hour)]).kind or "rain"


def _is_in(result: dict[str, Any], region: Sequence[str]) -> bool:
    known = {fold(str(result.get(key) or "")) for key in ("country", "country_code", "admin1", "admin2")}
    return all(fold(part) in known for part in region if part)


def _day(wanted: str, today: date) -> date:
    """Raises ToolError for what is no day."""
    named = {"": 0, "now": 0, "today": 0, "tonight": 0, "tomorrow": 1, "day after tomorrow": 2}
    wanted = wanted.removeprefix("on ").removeprefix("the ")
    if wanted in named:
        return today + timedelta(named[wanted])
    if (weekday := wanted.removeprefix("next ").removeprefix("this ")) in WEEKDAYS:
        return today + timedelta((WEEKDAYS.index(weekday) - today.weekday()) % 7)
    try:
        return date.fromisoformat(wanted)
    except ValueError as error:
        raise ToolError(
            "weather-day", "I don't know which day you mean.", "Say today, tomorrow or a weekday."
        ) from error


def _number(value: float) -> str:
    rounded = round(value)
    return f"minus {-rounded}" if rounded < 0 else str(rounded)


def _degrees(value: float) -> str:
    return f"{_number(value)} degree{'' if abs(round(value)) == 1 else 's'}"


def _hour(moment: datetime) -> str:
    return f"{moment.hour % 12 or 12} {'AM' if moment.hour < 12 else 'PM'}"
