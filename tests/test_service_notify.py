"""What the manager hears, and what is inherited from it."""

from __future__ import annotations

import os
import socket
import stat
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import anyio
import pytest

from tests.scenario import Scenario, check, daemon_of
from tests.scenario_parts import FakeMicrophone
from tests.virtual_time import run_virtual
from voxspark import events
from voxspark.assistant import Assistant
from voxspark.service.activation import take_listener
from voxspark.service.notify import Notifier, take_notifier
from voxspark.service.supervision import LONGEST_LOADING_SECONDS, STARVED_SECONDS, Supervision


class Manager:
    """The other end of the notification socket."""

    def __init__(self, address: str) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.setblocking(False)
        self.socket.bind(address)

    def heard(self) -> list[str]:
        """Datagrams since the last time."""
        found = []
        while True:
            try:
                found.append(self.socket.recv(4096).decode())
            except BlockingIOError:
                return found


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Manager]:
    manager = Manager(str(tmp_path / "notify"))
    with manager.socket:
        yield manager


@pytest.fixture
def notifier(manager: Manager, tmp_path: Path) -> Notifier:
    return Notifier(str(tmp_path / "notify"), watchdog_seconds=30.0)


# ── sd_notify ───────────────────────────────────────────────────────────────────────────────────


def test_every_message_is_what_the_manual_says(manager: Manager, notifier: Notifier) -> None:
    notifier.ready()
    notifier.alive()
    notifier.extend(1.5)
    notifier.stopping()
    assert manager.heard() == ["READY=1", "WATCHDOG=1", "EXTEND_TIMEOUT_USEC=1500000", "STOPPING=1"]
    notifier.reloading()
    kind, at = manager.heard()[0].splitlines()
    assert (kind, at[:15]) == ("RELOADING=1", "MONOTONIC_USEC=")
    assert at[15:].isdecimal()


def test_a_status_is_one_line_and_told_once(manager: Manager, notifier: Notifier) -> None:
    for text in ("Loading\nREADY=1", "Loading\nREADY=1", "Listening", ""):
        notifier.status(text)
    assert manager.heard() == ["STATUS=Loading READY=1", "STATUS=Listening", "STATUS="]


def test_an_abstract_socket() -> None:
    name = f"voxspark-test-{os.getpid()}"
    manager = Manager(f"\0{name}")
    with manager.socket:
        Notifier(f"@{name}").ready()
        assert manager.heard() == ["READY=1"]


def test_nobody_there_is_no_trouble(tmp_path: Path) -> None:
    Notifier().ready()
    Notifier(str(tmp_path / "nobody")).ready()


def test_a_name_that_is_no_text_ends_nothing(manager: Manager, notifier: Notifier) -> None:
    notifier.status("configuration not read: /home/\udcff.toml")
    assert manager.heard() == ["STATUS=configuration not read: /home/?.toml"]


@pytest.mark.parametrize(
    ("variables", "seconds"),
    [
        ({"WATCHDOG_USEC": "30000000"}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, 0.0),
        ({"WATCHDOG_USEC": "soon"}, 0.0),
        ({}, 0.0),
    ],
)
def test_the_environment_is_read_and_not_passed_on(variables: dict[str, str], seconds: float) -> None:
    environ = {"NOTIFY_SOCKET": "/nowhere", "HOME": "/root", **variables}
    assert take_notifier(environ).watchdog_seconds == seconds
    assert environ == {"HOME": "/root"}


# ── supervision ─────────────────────────────────────────────────────────────────────────────────


def test_loading_asks_for_time_as_long_as_it_goes_on_but_not_for_ever(manager: Manager, notifier: Notifier) -> None:
    told: list[str] = []

    async def load(seconds: float) -> None:
        async with Supervision(notifier).loading(told.append) as tell:
            tell("Loading the voice")
            await anyio.sleep(seconds)

    run_virtual(lambda: load(25.0))
    heard = manager.heard()
    assert told == ["Loading the voice"]
    assert heard.count("EXTEND_TIMEOUT_USEC=30000000") == 3
    assert heard.count("STATUS=Loading the voice") == 1
    assert "READY=1" not in heard


def test_ready_comes_with_the_state_and_the_state_follows_the_events(manager: Manager, notifier: Notifier) -> None:
    supervision = Supervision(notifier)
    supervision.note(events.TurnConfirmed(0.0, 1), lambda: "Thinking")
    assert manager.heard() == []
    supervision.note(events.Ready(1.0, "embedded", {}), lambda: "Listening")
    supervision.note(events.TurnConfirmed(2.0, 1), lambda: "Thinking")
    supervision.note(events.SpeakingStarted(3.0, 1), lambda: "Speaking")
    supervision.note(events.Reply(3.5, 1, "Private."), lambda: "Speaking")
    supervision.note(events.Stopping(4.0, "SIGTERM"), lambda: "Speaking")
    supervision.note(events.TurnEnded(4.1, 1, "interrupted", "", ""), lambda: "Listening")
    assert manager.heard() == [
        "STATUS=Listening",
        "READY=1",
        "STATUS=Thinking",
        "STATUS=Speaking",
        "STATUS=Going down (SIGTERM)",
        "STOPPING=1",
    ]


def test_what_a_reload_left_open_stays_to_be_seen(manager: Manager, notifier: Notifier) -> None:
    supervision = Supervision(notifier)
    supervision.note(events.Ready(1.0, "embedded", {}), lambda: "Listening")
    supervision.note(events.ConfigReloaded(2.0, (), ("profile",)), lambda: "Listening")
    supervision.note(events.Failed(3.0, "config", "config-syntax", "It is not valid TOML."), lambda: "Listening")
    supervision.note(events.ConfigReloaded(4.0, ("log.level",), ()), lambda: "Listening")
    assert manager.heard()[2:] == [
        "STATUS=Listening; needs a restart: profile",
        "STATUS=Listening; configuration not read: It is not valid TOML.",
        "STATUS=Listening",
    ]


def test_the_state_is_told_in_a_few_words() -> None:
    seen: list[str] = []

    def look(microphone: str, assistant: Assistant) -> None:
        assert isinstance(assistant.parts.microphone, FakeMicrophone)
        assistant.parts.microphone.state = microphone
        seen.append(daemon_of(assistant).standing())

    scenario = (
        Scenario()
        .user(1.0, 2.5, "What is 12 times 12?")
        .muted(9.0)
        .muted(10.5, False)
        .probe(0.5, partial(look, "open"))
    )
    for at, microphone in ((2.0, "open"), (10.0, "muted"), (11.0, "lost: It was unplugged."), (12.0, "open")):
        scenario.probe(at, partial(look, microphone))
    check(scenario.run(15))
    assert seen == ["Listening", "Hearing", "Muted", "No microphone; listening to the socket", "Listening"]


class Counting(Notifier):
    """Counts, where the manager of a test would have to read."""

    fed = extended = 0

    def alive(self) -> None:
        self.fed += 1

    def extend(self, seconds: float) -> None:
        self.extended += 1


def test_no_more_time_is_asked_for_where_loading_hangs() -> None:
    notifier = Counting()

    async def load() -> None:
        async with Supervision(notifier).loading(lambda _: None):
            await anyio.sleep(3 * LONGEST_LOADING_SECONDS)

    run_virtual(load)
    assert notifier.extended == LONGEST_LOADING_SECONDS / 10


def pulses(watchdog_seconds: float, starved_since: float) -> int:
    """How often the watchdog is fed in 300 s, when the microphone gives nothing from then on."""
    notifier = Counting(watchdog_seconds=watchdog_seconds)

    async def live() -> None:
        supervision, begun = Supervision(notifier), anyio.current_time()
        supervision.note(events.Ready(0.0, "embedded", {}), lambda: "Listening")
        with anyio.move_on_after(299.9):
            await supervision.pulse(lambda: max(0.0, anyio.current_time() - begun - starved_since))

    run_virtual(live)
    return notifier.fed


@pytest.mark.parametrize(("watchdog_seconds", "fed"), [(30.0, 60), (3.0, 300), (0.0, 0)])
def test_the_watchdog_is_fed_at_least_twice_in_its_time(watchdog_seconds: float, fed: int) -> None:
    assert pulses(watchdog_seconds, starved_since=1e9) == pytest.approx(fed, abs=1)


def test_the_watchdog_is_not_fed_where_an_open_microphone_stays_silent() -> None:
    assert pulses(30.0, starved_since=30.0) == (30 + STARVED_SECONDS) / 5


# ── socket activation ───────────────────────────────────────────────────────────────────────────


@pytest.fixture
def listening(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "door"))
        listener.listen()
        yield listener


def passed(*sockets: socket.socket, names: str = "", pid: int | None = None) -> tuple[dict[str, str], int]:
    """The environment of a process that inherits copies of them, in a row from a free descriptor on."""
    first = 200
    for number, each in enumerate(sockets):
        os.dup2(each.fileno(), first + number, inheritable=True)
    environ = {"LISTEN_PID": str(pid or os.getpid()), "LISTEN_FDS": str(len(sockets)), "LISTEN_FDNAMES": names}
    return environ, first


def test_the_listener_is_taken_over(listening: socket.socket, tmp_path: Path) -> None:
    environ, first = passed(listening, names="control")
    taken = take_listener(environ, first)
    assert taken is not None
    with taken, socket.socket(socket.AF_UNIX) as client:
        assert environ == {}
        assert not os.get_inheritable(taken.fileno())
        assert not taken.getblocking()
        client.connect(str(tmp_path / "door"))
        taken.accept()[0].close()
    assert stat.S_ISSOCK((tmp_path / "door").stat().st_mode)


def test_the_one_with_our_name_goes_first(listening: socket.socket, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(tmp_path / "other"))
        other.listen()
        environ, first = passed(other, listening, names="other:control")
        taken = take_listener(environ, first)
        assert taken is not None
        with taken:
            assert taken.getsockname() == str(tmp_path / "door")
        os.close(first)


def test_what_is_no_listening_unix_socket_is_left_alone() -> None:
    with socket.socket(socket.AF_UNIX) as connected, socket.socket(socket.AF_INET) as internet:
        environ, first = passed(connected, internet)
        assert take_listener(environ, first) is None
        for descriptor in (first, first + 1):
            os.close(descriptor)


@pytest.mark.parametrize("count", ["3", "99999999", "9" * 5_000])
def test_descriptors_that_are_promised_and_not_open_are_passed_over(count: str) -> None:
    last = os.open("/dev/null", os.O_RDONLY)
    os.close(last)
    environ = {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": count, "LISTEN_FDNAMES": "control"}
    assert take_listener(environ, last) is None


@pytest.mark.parametrize("environ", [{}, {"LISTEN_PID": "1", "LISTEN_FDS": "1"}, {"LISTEN_FDS": "many"}])
def test_nothing_is_taken_that_is_not_ours(environ: dict[str, str]) -> None:
    assert take_listener(environ) is None
    assert environ == {}
