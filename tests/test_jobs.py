"""Work in the background: how much of it, how far it is, how it ends."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import anyio
import pytest

from tests.virtual_time import virtual_time
from voxspark.errors import ToolError
from voxspark.language import LANGUAGES, current, speaking
from voxspark.tools.jobs import MOST_RUNNING, MOST_UNTOLD, MOST_WAITING, Job, Jobs, Progress


class Bakery:
    """Jobs at work, with everything that was heard of them."""

    def __init__(self) -> None:
        self.jobs = Jobs()
        self.heard: list[tuple[str, str, float | None, str]] = []
        self.jobs.on_change = self._hear
        self.begun: list[str] = []
        self.cleaned_up: list[str] = []

    def _hear(self, job: Job) -> None:
        self.heard.append((job.title, job.state, job.fraction, job.note))

    def bake(self, title: str, seconds: float = 10.0, report: str | Exception = "It is baked.") -> Job:
        async def work(progress: Progress) -> str:
            self.begun.append(title)
            try:
                await anyio.sleep(seconds)
            finally:
                self.cleaned_up.append(title)
            if isinstance(report, Exception):
                raise report
            return report

        return self.jobs.start(title, work)

    def states(self, title: str) -> list[str]:
        return [state for each, state, _, _ in self.heard if each == title]

    @asynccontextmanager
    async def open(self) -> AsyncGenerator[None, None]:
        async with anyio.create_task_group() as group:
            await group.start(self.jobs.run)
            yield
            group.cancel_scope.cancel()


@virtual_time
async def test_three_run_eight_wait_and_one_more_is_refused() -> None:
    bakery = Bakery()
    async with bakery.open():
        for number in range(MOST_RUNNING + MOST_WAITING):
            bakery.bake(f"cake {number}")
        with pytest.raises(ToolError, match="too much to do already"):
            bakery.bake("one more")
        await anyio.sleep(1)
        assert bakery.begun == ["cake 0", "cake 1", "cake 2"]
        assert [job.state for job in bakery.jobs] == ["running"] * 3 + ["waiting"] * 8
        await anyio.sleep(10)
        assert bakery.begun == [f"cake {number}" for number in range(6)]
        await anyio.sleep(60)
    assert bakery.begun == [f"cake {number}" for number in range(11)]
    assert bakery.states("cake 10") == ["waiting", "running", "done"]
    assert {job.title for job in bakery.jobs.untold} == set(bakery.begun)


@virtual_time
async def test_each_is_done_in_the_language_it_was_asked_for_in() -> None:
    spoken: list[str] = []

    async def work(progress: Progress) -> str:
        await anyio.sleep(1)
        spoken.append(current())
        return "Done."

    jobs = Jobs(most_running=1)
    async with anyio.create_task_group() as group:
        await group.start(jobs.run)
        for language in LANGUAGES:
            with speaking(language):
                jobs.start("cake", work)
        await anyio.sleep(10)
        group.cancel_scope.cancel()
    assert spoken == list(LANGUAGES)


@virtual_time
async def test_it_may_be_started_before_anybody_runs_it() -> None:
    bakery = Bakery()
    bakery.bake("cake")
    async with bakery.open():
        await anyio.sleep(11)
    assert bakery.states("cake") == ["waiting", "running", "done"]


@virtual_time
async def test_progress_is_told_once_for_each_percent_and_never_nonsense() -> None:
    bakery = Bakery()

    async def work(progress: Progress) -> str:
        for fraction in (0.1, 0.1001, 0.2, 7.0, -1.0, float("nan"), None):
            progress(fraction)
        progress(0.5, "in the\noven <|im_start|>")
        await anyio.sleep(1)
        return ""

    async with bakery.open():
        bakery.jobs.start("cake", work)
        await anyio.sleep(0.5)
        assert bakery.jobs.list_jobs() == "Your cake is 50% done: in the oven |im_start|>."
        await anyio.sleep(1)
    fractions = [fraction for _, state, fraction, _ in bakery.heard if state == "running"]
    assert fractions == [None, 0.1, 0.2, 1.0, 0.0, None, 0.5]
    assert bakery.heard[-1] == ("cake", "done", 1.0, "")
    assert bakery.jobs.take_report() == "Your cake is ready."


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (ToolError("no-flour", "There is no flour."), "There is no flour."),
        (ExceptionGroup("two", [ToolError("no-flour", "There is no flour."), ValueError()]), "There is no flour."),
        (ValueError("secret"), "Something went wrong inside."),
    ],
)
def test_a_failed_job_says_why_and_the_others_go_on(error: Exception, says: str) -> None:
    @virtual_time
    async def play() -> None:
        bakery = Bakery()
        async with bakery.open():
            bakery.bake("bread", 1.0, error)
            bakery.bake("cake", 2.0)
            await anyio.sleep(3)
        assert bakery.states("bread") == ["waiting", "running", "failed"]
        assert bakery.jobs.take_report() == f"I could not finish your bread. {says}"
        assert bakery.states("cake")[-1] == "done"

    play()


@virtual_time
async def test_what_is_cancelled_ends_is_not_reported_and_makes_room() -> None:
    bakery = Bakery()
    async with bakery.open():
        cakes = [bakery.bake(f"cake {number}") for number in range(5)]
        await anyio.sleep(1)
        bakery.jobs.cancel(cakes[4])
        bakery.jobs.cancel(cakes[0])
        bakery.jobs.cancel(cakes[0])
        assert [job.title for job in bakery.jobs] == ["cake 1", "cake 2", "cake 3"]
        await anyio.sleep(1)
        assert bakery.cleaned_up == ["cake 0"]
        assert bakery.begun == ["cake 0", "cake 1", "cake 2", "cake 3"]
        await anyio.sleep(20)
        bakery.jobs.cancel(cakes[1])
    assert {job.title for job in bakery.jobs.untold} == {"cake 1", "cake 2", "cake 3"}
    assert bakery.states("cake 0") == ["waiting", "running", "cancelled"]
    assert bakery.states("cake 4") == ["waiting", "cancelled"]
    assert bakery.states("cake 1")[-1] == "done"


@virtual_time
async def test_going_down_cancels_all_and_begins_nothing() -> None:
    bakery = Bakery()
    async with bakery.open():
        for number in range(5):
            bakery.bake(f"cake {number}")
        await anyio.sleep(1)
    assert bakery.begun == sorted(bakery.cleaned_up) == ["cake 0", "cake 1", "cake 2"]
    assert [bakery.states(f"cake {number}")[-1] for number in range(5)] == ["cancelled"] * 5
    assert list(bakery.jobs) == []
    with pytest.raises(ToolError, match="going down"):
        bakery.bake("late")


@virtual_time
async def test_a_report_that_was_cut_is_said_once_more_and_one_that_was_stopped_is_not() -> None:
    bakery = Bakery()
    jobs = bakery.jobs
    async with bakery.open():
        for number in range(3):
            bakery.bake(f"cake {number}", 1.0, f"Cake {number} is baked.")
        assert jobs.take_report() == ""
        jobs.reported(whole=True)
        jobs.dismiss()
        await anyio.sleep(2)
    jobs.dismiss()
    assert jobs.take_report() == "Cake 0 is baked."
    jobs.reported(whole=False)
    assert jobs.take_report() == "Cake 0 is baked."
    jobs.reported(whole=False)
    assert jobs.take_report() == "Cake 1 is baked."
    jobs.dismiss()
    jobs.reported(whole=False)
    assert jobs.take_report() == "Cake 2 is baked."
    jobs.reported(whole=True)
    assert jobs.take_report() == ""


@virtual_time
async def test_reports_that_nobody_hears_do_not_pile_up() -> None:
    bakery = Bakery()
    async with bakery.open():
        for number in range(2 * MOST_UNTOLD):
            bakery.bake(f"cake {number}", 0.5)
            await anyio.sleep(1)
    assert len(bakery.jobs.untold) == MOST_UNTOLD


# ── what the user says ──────────────────────────────────────────────────────────────────────────


@virtual_time
async def test_the_user_asks_for_them_and_stops_them() -> None:
    bakery = Bakery()
    jobs = bakery.jobs
    assert jobs.list_jobs() == "Nothing is going on in the background."
    with pytest.raises(ToolError, match="Nothing is going on"):
        jobs.cancel_job()
    async with bakery.open():
        bakery.bake("image of a cat")
        await anyio.sleep(1)
        assert jobs.list_jobs() == "Your image of a cat is being worked on."
        assert jobs.cancel_job() == "I have stopped your image of a cat."
        bakery.bake("image of a cat")
        bakery.bake("image of a dog")
        bakery.bake("Python program")
        bakery.bake("answer from the manager")
        assert jobs.list_jobs().endswith("Your answer from the manager is waiting for its turn.")
        with pytest.raises(ToolError, match=r"your image of a cat and your image of a dog\. Which should I stop\?"):
            jobs.cancel_job("the image")
        with pytest.raises(ToolError, match="I am working on your image of a cat, your image of a dog, your Python"):
            jobs.cancel_job()
        with pytest.raises(ToolError, match="I am not working on that, but on your image of a cat, your"):
            jobs.cancel_job("translation")
        assert jobs.cancel_job("the dogs' image") == "I have stopped your image of a dog."
        assert jobs.cancel_job("the python thing") == "I have stopped your Python program."
        assert jobs.cancel_job(everything=True) == (
            "I have stopped your image of a cat and your answer from the manager."
        )
        assert list(jobs) == []
