"""Notifications on a real D-Bus, shown by a desktop written by hand."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterator

import pytest

from tests.mpris_player import session_bus
from tests.notification_service import FakeDesktop
from voxspark.tools.desktop import notifications
from voxspark.tools.desktop.notifications import Notifications

pytestmark = [pytest.mark.anyio, pytest.mark.real]

TEA = "Your <b>tea</b> timer is done ☕."


@pytest.fixture(scope="module")
def bus() -> Iterator[str]:
    with session_bus() as address:
        yield address


@pytest.fixture
async def desktop(bus: str, anyio_backend: str) -> AsyncIterator[FakeDesktop]:
    desktop = await FakeDesktop().start(bus)
    yield desktop
    desktop.stop()


async def test_it_is_shown_until_it_is_dismissed(bus: str, desktop: FakeDesktop) -> None:
    await Notifications(bus).show(TEA)
    assert desktop.shown == [{"from": "VoxSpark", "text": TEA, "body": "", "urgency": 2, "expires": 0}]


async def test_a_desktop_that_hangs_is_left_alone(
    bus: str, desktop: FakeDesktop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notifications, "SHOW_SECONDS", 0.1)
    desktop.is_silent = True
    await Notifications(bus).show(TEA)
    assert desktop.shown == []


async def test_without_anybody_who_shows_it_nothing_happens(bus: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "voxspark"):
        await Notifications(bus).show(TEA)
        await Notifications("unix:path=/nowhere/bus").show(TEA)
        await Notifications("nonsense").show(TEA)
    assert [record.levelname for record in caplog.records] == ["DEBUG"] * 3
    assert "tea" not in caplog.text
