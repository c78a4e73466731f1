"""The weather from a server shaped like Open-Meteo."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.web_server import Answer, Request, WebServer, as_json, web_server
from voxspark.config import Config
from voxspark.errors import ToolError
from voxspark.kit import make_toolbox
from voxspark.tools.web.http import Fetcher
from voxspark.tools.web.sky import SKIES, sky
from voxspark.tools.web.weather import Units, Weather

pytestmark = pytest.mark.anyio

MIDNIGHT = datetime(2026, 11, 24)
"""A Tuesday."""

PLACES = {
    "Oslo": [{"name": "Oslo", "latitude": 59.91273, "longitude": 10.74609, "country": "Norway", "country_code": "NO"}],
    "Paris": [
        {"name": "Paris", "latitude": 48.85, "longitude": 2.35, "country": "France", "country_code": "FR"},
        {"name": "Paris", "latitude": 33.66, "longitude": -95.56, "country": "United States", "admin1": "Texas"},
    ],
}


def forecast(**changes: Any) -> dict[str, Any]:
    """12 degrees and cloudy at ten, with rain from four to six; tomorrow snow at eight; then clear days."""
    hours = [MIDNIGHT + timedelta(hours=number) for number in range(8 * 24)]
    wet = {16: 61, 17: 63, 18: 63, 24 + 8: 73}
    current = {"time": "2026-11-24T10:15", "interval": 900, "temperature_2m": 12.3, "apparent_temperature": 11.0}
    return {
        "latitude": 59.9,
        "current": {**current, "weather_code": 3, "wind_speed_10m": 21.6, "is_day": 1, **changes},
        "hourly": {
            "time": [f"{hour:%Y-%m-%dT%H:%M}" for hour in hours],
            "precipitation": [1.2 if number in wet else 0.0 for number in range(len(hours))],
            "precipitation_probability": [90 if number in wet else 5 for number in range(len(hours))],
            "weather_code": [wet.get(number, 3) for number in range(len(hours))],
        },
        "daily": {
            "time": [f"{MIDNIGHT + timedelta(number):%Y-%m-%d}" for number in range(8)],
            "weather_code": [63, 73, 0, 1, 2, 3, 45, 95],
            "temperature_2m_max": [13.0, -1.0, 4.4, 5.0, 6.0, 7.0, 8.0, 9.0],
            "temperature_2m_min": [8.0, -6.2, 3.6, 0.0, 1.0, 1.0, 1.0, 1.0],
            "precipitation_probability_max": [90, 90, 0, 40, None, 0, 0, 80],
            "wind_speed_10m_max": [30.0, 40.4, 10.0, 10.0, 10.0, 10.0, 10.0, 10.0],
        },
    }


class World:
    """A server, and the weather from it."""

    def __init__(self, server: WebServer) -> None:
        self.server = server
        server.answers["/v1/search"] = lambda request: as_json({"results": PLACES.get(request.query["name"], [])})
        self.set(forecast())

    def set(self, body: Any) -> None:
        self.server.answers["/v1/forecast"] = as_json(body)

    def weather(self, home: str = "", units: Units = "metric") -> Weather:
        return Weather(Fetcher(), home, units, forecast_url=self.server.url, geocoding_url=f"{self.server.url}/")

    async def fails(self, *arguments: Any) -> ToolError:
        with pytest.raises(ToolError) as raised:
            await self.weather().get_weather(*arguments)
        return raised.value

    @property
    def forecasts(self) -> list[Request]:
        return [request for request in self.server.requests if request.path == "/v1/forecast"]


@pytest.fixture
async def world(anyio_backend: str) -> AsyncIterator[World]:
    async with web_server() as server:
        yield World(server)


@pytest.mark.parametrize(
    ("day", "about", "says"),
    [
        ("now", "everything", "It's 12 degrees and cloudy in Oslo, with rain after 4 PM."),
        ("tomorrow", "everything", "Tomorrow it will be minus 6 to minus 1 degree with snow in Oslo, from 8 AM."),
        ("Thursday", "everything", "On Thursday it will be 4 degrees and sunny in Oslo."),
        ("2026-12-01", "everything", "On Tuesday it will be 1 to 9 degrees with a thunderstorm in Oslo."),
        ("today", "rain", "Yes, expect rain in Oslo today, from about 4 PM."),
        ("tomorrow", "rain", "Yes, expect snow in Oslo tomorrow, from about 8 AM."),
        ("on thursday", "rain", "No, it should stay dry in Oslo on Thursday."),
        ("friday", "rain", "Maybe: the chance of rain in Oslo on Friday is 40 percent."),
        ("saturday", "rain", "No, it should stay dry in Oslo on Saturday."),
        ("", "temperature", "It's 12 degrees in Oslo."),
        ("the day after tomorrow", "temperature", "It will be 4 degrees in Oslo on Thursday."),
        ("now", "wind", "The wind is at 22 kilometers per hour in Oslo."),
        ("tomorrow", "wind", "The wind will reach 40 kilometers per hour in Oslo tomorrow."),
    ],
)
async def test_what_is_said(world: World, day: str, about: Any, says: str) -> None:
    assert await world.weather().get_weather("Oslo", day, about) == says


async def test_weather_that_is_there(world: World) -> None:
    world.set(forecast(weather_code=63, time="2026-11-24T16:15", temperature_2m=-0.6, apparent_temperature=-7.4))
    ask = world.weather("Oslo").get_weather
    assert await ask() == "It's minus 1 degree with rain in Oslo, until about 7 PM."
    assert await ask(about="rain") == "Yes, there is rain in Oslo now, until about 7 PM."
    assert await ask(about="temperature") == "It's minus 1 degree in Oslo, and it feels like minus 7."


async def test_a_clear_night_is_not_sunny(world: World) -> None:
    world.set(forecast(weather_code=0, time="2026-11-24T22:00", is_day=0))
    assert await world.weather("Oslo").get_weather() == "It's 12 degrees and clear in Oslo."
    assert await world.weather("Oslo").get_weather(about="rain") == "No, it should stay dry in Oslo today."


async def test_what_open_meteo_is_asked(world: World) -> None:
    await world.weather(units="imperial").get_weather("Paris, Texas", about="wind")
    query = world.forecasts[0].query
    assert (query["latitude"], query["longitude"], query["timezone"]) == ("33.66", "-95.56", "auto")
    assert (query["temperature_unit"], query["wind_speed_unit"]) == ("fahrenheit", "mph")
    weather = world.weather("Oslo")
    for day in ("now", "tomorrow", "friday"):
        await weather.get_weather(day=day)
    assert len(world.server.requests) == 4
    assert world.forecasts[1].query["latitude"] == "59.91"


async def test_what_cannot_be_told(world: World) -> None:
    assert (await world.fails()).message == "For which place do you want the weather?"
    assert (await world.fails("Gotham\u202e<|x|>")).message == "I don't know a place called Gotham |x|>."
    assert (await world.fails("Paris, Norway")).code == "weather-place-unknown"
    assert (await world.fails("Oslo", "someday")).message == "I don't know which day you mean."
    assert (await world.fails("Oslo", "2027-01-01")).message == "I only know the weather of today and the next 7 days."
    assert (await world.fails("Oslo", "2026-11-23")).code == "weather-day"


@pytest.mark.parametrize(
    "body", [[], {}, {"current": {}}, {**forecast(), "hourly": {"time": ["x"]}}, forecast(weather_code=12), None]
)
async def test_a_forecast_with_holes(world: World, body: Any) -> None:
    world.set(body)
    assert (await world.fails("Oslo")).code == "web-unexpected"


async def test_the_service_is_down(world: World) -> None:
    world.server.answers["/v1/forecast"] = as_json({"error": True, "reason": "busy"}, 503)
    assert (await world.fails("Oslo")).code == "web-busy"
    world.server.answers["/v1/search"] = Answer(b"[1]")
    assert (await world.fails("Oslo")).code == "web-unexpected"


def test_every_sky_has_words() -> None:
    assert len(SKIES) == 28
    assert all(sky(code).words().split()[0] in ("and", "with") for code in SKIES)
    assert all(bool(each.kind) is each.is_wet for each in SKIES.values())


async def test_a_service_of_one_s_own(world: World) -> None:
    config = Config.model_validate({"web": {"weather_url": world.server.url, "places_url": world.server.url}})
    told = await make_toolbox(config).find("get_weather").run({"place": "Oslo"})
    assert "in Oslo" in told
    assert len(world.forecasts) == 1


def test_it_is_harmless() -> None:
    [tool] = Weather(Fetcher(), forecast_url="", geocoding_url="").tools
    assert (tool.name, tool.permission, tool.fate, tool.declared.core) == ("get_weather", "read", "turn", True)
