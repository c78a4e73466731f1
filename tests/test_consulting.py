"""Tools that ask a model: handing on, programs, translations; with scripted models."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.agent_parts import FakeTurn, Script, ScriptedChat, call
from tests.in_memory import RecentCalls
from tests.swarm_stage import Stage, broken
from tests.virtual_time import virtual_time
from voxspark.agent.agent import Team
from voxspark.agent.coding import CODER, GO_ON, MOST_PARTS, Coding, program_in
from voxspark.agent.consult import Consult
from voxspark.agent.delegating import JOIN, MOST_QUESTIONS, SPLIT, THOROUGH, Delegating, questions_in
from voxspark.agent.mediator import Mediator, TurnGuard
from voxspark.agent.swarm import LiveTurns
from voxspark.agent.translating import LONGEST_TEXT, Translating
from voxspark.config import load_config
from voxspark.config_tools import CodeSettings
from voxspark.errors import ChatError, EngineError, ToolError
from voxspark.events import TurnEnded, TurnStarted
from voxspark.kit import open_kit
from voxspark.outfit import add_consulting
from voxspark.tools.jobs import Jobs
from voxspark.tools.new_file import name_for, plain_name, write_new
from voxspark.tools.registry import StrangersText, Toolbox
from voxspark.types import Message, ReplyStats

HELLO = "```python\nprint('hello')\nprint('world')\n```"
CUT = ReplyStats(reply_tokens=400, cut=True)


class Office:
    """A team of scripted models, and what can be asked of it."""

    def __init__(self, folder: Path = Path("/nowhere"), **chats: Sequence[Script]) -> None:
        self.chats = {role: ScriptedChat(replies) for role, replies in chats.items()}
        team = Team(self.chats.__getitem__, list(chats), lambda _: True)
        self.jobs, self.stage, self.voice = Jobs(), Stage(slots=4), LiveTurns()
        consult = Consult(team, self.voice)
        self.delegating = Delegating(self.jobs, consult, self.stage.swarm)
        self.coding = Coding(self.jobs, consult, folder)
        self.translating = Translating(Consult(team))
        self.notes: list[str] = []
        self.jobs.on_change = lambda job: self.notes.append(job.note)

    async def report(self) -> str:
        """Work until everything is done; the report of the first job."""
        async with anyio.create_task_group() as group:
            await group.start(self.jobs.run)
            while list(self.jobs):
                await anyio.sleep(0.01)
            group.cancel_scope.cancel()
        return self.jobs.take_report()


# ── handing on ──────────────────────────────────────────────────────────────────────────────────


@virtual_time
async def test_the_manager_s_answer_is_reported() -> None:
    office = Office(worker=[[]], manager=[["Take", " a heat\npump."]])
    assert office.delegating.delegate("What heating\nshould I buy?", "manager") == (
        "All right, I will tell you what the manager says."
    )
    assert office.jobs.list_jobs() == (
        "Your question for the manager (What heating should I buy) is waiting for its turn."
    )
    report = await office.report()
    assert report == "Here is the manager's answer to “What heating should I buy”: Take a heat pump."
    assert isinstance(report, StrangersText)
    assert isinstance(office.jobs.list_jobs(), StrangersText)
    assert office.chats["manager"].prompts == [
        [Message("system", THOROUGH), Message("user", "What heating should I buy?")]
    ]
    assert office.chats["worker"].prompts == []


@virtual_time
async def test_who_is_not_on_the_team_is_not_asked() -> None:
    office = Office(worker=[[]])
    with pytest.raises(ToolError, match="There is no manager on my team"):
        office.delegating.delegate("Why?", "manager")
    with pytest.raises(ToolError, match="What should I hand on"):
        office.delegating.delegate(" \n", "swarm")
    assert list(office.jobs) == []


@virtual_time
async def test_the_swarm_s_answers_are_joined() -> None:
    office = Office(
        worker=[["1. What does gas cost?\n2) What do pumps cost?\n\n- And in winter?\n---"], ["Buy a pump."]]
    )
    office.delegating.delegate("Compare heating", "swarm")
    assert await office.report() == "Here is what I found on “Compare heating”: Buy a pump."
    assert sorted(office.stage.model.asked) == ["And in winter?", "What do pumps cost?", "What does gas cost?"]
    split, join = office.chats["worker"].prompts
    assert (split[0].content, join[0].content) == (SPLIT, JOIN)
    assert "What do pumps cost?\nAnswer to What do pumps cost?\n\nAnd in winter?" in join[1].content
    assert "2 of 3 questions answered" in office.notes


@virtual_time
async def test_the_swarm_goes_on_without_some_answers_and_fails_without_any() -> None:
    office = Office(worker=[[]], manager=[["What is A?\nWhat is B?"], ["A is known."]])
    office.stage.model.fails = {"What is B?": [broken, broken]}
    office.delegating.delegate("Find out", "swarm")
    assert (await office.report()).endswith("A is known.")
    assert "What is B?\n(no answer)" in office.chats["manager"].prompts[1][1].content
    assert office.chats["worker"].prompts == [], "the manager leads where there is one"
    hopeless = Office(worker=[["What is A?"]])
    hopeless.stage.model.fails = {"What is A?": [broken, broken]}
    hopeless.delegating.delegate("Find out", "swarm")
    assert await hopeless.report() == "I could not finish your question for the swarm (Find out). The model broke."


@virtual_time
async def test_a_task_that_cannot_be_split_is_asked_as_it_is() -> None:
    office = Office(worker=[["???"], ["Yes."]])
    office.delegating.delegate("Is it so?", "swarm")
    await office.report()
    assert office.stage.model.asked == ["Is it so?"]


@given(st.text())
def test_questions_are_few_and_say_something(text: str) -> None:
    found = questions_in(text)
    assert len(found) <= MOST_QUESTIONS
    assert all(any(map(str.isalpha, question)) for question in found)


@virtual_time
async def test_the_worker_is_left_to_whoever_speaks() -> None:
    office = Office(worker=[["never heard"]])
    office.voice.note(TurnStarted(0.0, 1, "microphone", 0.0))
    consult = Consult(Team(office.chats.__getitem__, ["worker"], lambda _: True), office.voice)

    async def ask() -> None:
        assert await consult.ask("worker", "s", "q", limit_seconds=60.0) == "never heard"

    async with anyio.create_task_group() as group:
        group.start_soon(ask)
        await anyio.sleep(1)
        assert office.chats["worker"].prompts == []
        office.voice.note(TurnEnded(1.0, 1, "answered", "", ""))
    assert len(office.chats["worker"].prompts) == 1


@virtual_time
async def test_who_had_to_leave_memory_is_asked_once_more() -> None:
    gone = EngineError("model-evicted", "It had to leave.")
    office = Office(manager=[["Take", gone], ["Take a pump."]])
    office.delegating.delegate("Which heating", "manager")
    assert (await office.report()).endswith("Take a pump.")
    unlucky = Office(manager=[[gone]])
    unlucky.delegating.delegate("Which heating", "manager")
    assert (await unlucky.report()).endswith("It had to leave.")
    assert len(unlucky.chats["manager"].prompts) == 2


@pytest.mark.parametrize("deltas", [[], [CUT], ["  \n"], [ChatError("answer-empty", "x")]])
def test_a_model_that_says_nothing_is_an_error(deltas: Script) -> None:
    @virtual_time
    async def play() -> None:
        office = Office(manager=[deltas])
        consult = Consult(Team(office.chats.__getitem__, ["manager"], lambda _: True))
        with pytest.raises(ChatError) as caught:
            await consult.ask("manager", "s", "q", limit_seconds=60.0)
        assert caught.value.code == "answer-empty"

    play()


# ── programs ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.anyio
async def test_a_program_is_written_to_a_new_file_that_is_not_run(tmp_path: Path) -> None:
    office = Office(tmp_path / "new" / "VoxSpark", coder=[[f"Sure!\n{HELLO}\nRun it."]], worker=[[]])
    assert office.coding.write_code("Say hello", "hello.py") == (
        "All right, I am writing it. I will tell you when it is done."
    )
    assert await office.report() == "I wrote 2 lines of Python to hello.py."
    (file,) = (tmp_path / "new" / "VoxSpark").iterdir()
    assert file.read_text() == "print('hello')\nprint('world')\n"
    assert not file.stat().st_mode & (stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
    assert office.chats["coder"].prompts[0] == [
        Message("system", CODER), Message("user", "Say hello\nName of the file: hello.py."),
    ]  # fmt: skip


@pytest.mark.anyio
async def test_nothing_is_ever_overwritten(tmp_path: Path) -> None:
    (tmp_path / "hello.py").write_text("mine")
    (tmp_path / "hello-2.py").symlink_to(tmp_path / "elsewhere")
    office = Office(tmp_path, worker=[[HELLO]])
    office.coding.write_code("Say hello", "hello", "Python")
    assert await office.report() == "I wrote 2 lines of Python to hello-3.py."
    assert (tmp_path / "hello.py").read_text() == "mine"
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize(
    ("task", "language", "reply", "name"),
    [
        ("Write a program that sorts photos by date", "", HELLO, "sorts_photos_by_date.py"),
        ("Größe berechnen", "C plus plus", "```\nint main(){}\n```", "grosse_berechnen.cpp"),
        ("こんにちは", "", "no fence at all", "program.txt"),
        ("backup", "bash", "```sh\nls\n", "backup.sh"),
    ],
)
@pytest.mark.anyio
async def test_a_file_gets_a_name(tmp_path: Path, task: str, language: str, reply: str, name: str) -> None:
    office = Office(tmp_path, worker=[[reply]])
    office.coding.write_code(task, language=language)
    assert (await office.report()).endswith(f" to {name}.")


@pytest.mark.anyio
async def test_a_program_that_is_longer_than_a_reply_is_written_in_parts(tmp_path: Path) -> None:
    office = Office(tmp_path, coder=[["```python\na = 1\nb = 2\nc =", CUT], ["```python\nc = 3\nd = 4\n```"]])
    office.coding.write_code("Count", "count.py")
    assert await office.report() == "I wrote 4 lines of Python to count.py."
    assert (tmp_path / "count.py").read_text() == "a = 1\nb = 2\nc = 3\nd = 4\n"
    assert office.chats["coder"].prompts[1][2:] == [
        Message("assistant", "```python\na = 1\nb = 2\n"), Message("user", GO_ON),
    ]  # fmt: skip
    endless = Office(tmp_path, coder=[["```python\nx = 1\ny", CUT]])
    endless.coding.write_code("Count", "endless.py")
    assert "became too long" in await endless.report()
    assert len(endless.chats["coder"].prompts) == MOST_PARTS
    assert not (tmp_path / "endless.py").exists()


@pytest.mark.anyio
async def test_a_model_without_a_program_and_a_folder_that_is_none_are_told(tmp_path: Path) -> None:
    office = Office(tmp_path, worker=[["```python\n```"]])
    office.coding.write_code("Nothing", "nothing.py")
    assert (await office.report()).endswith("I could not think of a program for that.")
    (tmp_path / "file").touch()
    blocked = Office(tmp_path / "file", worker=[[HELLO]])
    blocked.coding.write_code("Say hello", "hello.py")
    assert (await blocked.report()).endswith("I cannot write to the folder file: File exists.")


@pytest.mark.parametrize(
    "name",
    ["../x.py", "/etc/passwd", ".bashrc", "a\\b", "..", "x\0y", "a\nb", "x" * 61, "-", "a/", "~", "x.", "\u202ex"],
)
def test_a_name_that_is_none_is_refused_at_once(tmp_path: Path, name: str) -> None:
    office = Office(tmp_path, worker=[[HELLO]])
    with pytest.raises(ToolError, match="short, plain file name"):
        office.coding.write_code("Say hello", name)
    assert list(office.jobs) == []


@given(st.text(min_size=1, max_size=70), st.text())
def test_every_name_stays_in_its_folder(name: str, subject: str) -> None:
    assert plain_name(name_for(subject, "program"))
    try:
        plain = plain_name(name)
    except ToolError:
        return
    assert Path(plain).name == plain
    assert not plain.startswith(".")
    assert len(plain.encode()) < 245


@given(st.lists(st.text(alphabet=st.characters(exclude_characters="`\r", codec="ascii", exclude_categories=["C"]))))
def test_what_is_in_a_fence_comes_out_of_it(lines: list[str]) -> None:
    code = "\n".join(lines).rstrip()
    program, more = program_in(f"Here:\n```py\n{code}\n```\nBye.")
    assert program.text.rstrip() == code
    assert not more


class FullDisk:
    def write(self, _: bytes) -> int:
        raise OSError(28, "No space left on device")


def test_a_disk_that_is_full_leaves_no_half_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def full(descriptor: int, _: str) -> Iterator[FullDisk]:
        try:
            yield FullDisk()
        finally:
            os.close(descriptor)

    monkeypatch.setattr("voxspark.tools.new_file.os.fdopen", full)
    with pytest.raises(ToolError, match="No space left on device"):
        write_new(tmp_path, "x.py", b"x")
    assert list(tmp_path.iterdir()) == []


@virtual_time
async def test_after_a_stranger_s_text_nothing_is_written_or_handed_on() -> None:
    office = Office(worker=[[HELLO]], manager=[["Yes."]])
    mediator = Mediator(Toolbox([*office.coding.tools, *office.delegating.tools]), RecentCalls())
    guard, turn = TurnGuard("do it", tainted_by="read_page"), FakeTurn()
    assert (await mediator.run(call("write_code", task="Say hello"), guard, turn)).verdict == "refused"
    assert (await mediator.run(call("delegate", task="Why?", to="manager"), guard, turn)).verdict == "asked"
    assert list(office.jobs) == []


# ── translations ────────────────────────────────────────────────────────────────────────────────


@virtual_time
async def test_only_the_translation_comes_back() -> None:
    office = Office(worker=[["Guten", " Morgen."]])
    assert await office.translating.translate(" Good morning. ", "German.") == "Guten Morgen."
    assert office.chats["worker"].prompts[0][1].content == "German\nGood morning."


@pytest.mark.parametrize(
    ("text", "language", "code"),
    [
        ("Hello", "Klingon", "language-unknown"),
        ("Hello", "", "language-unknown"),
        ("Hello", "x" * 41, "language-unknown"),
        ("", "German", "text-empty"),
        ("x" * (LONGEST_TEXT + 1), "German", "text-long"),
    ],
)
def test_what_cannot_be_translated_is_told(text: str, language: str, code: str) -> None:
    @virtual_time
    async def play() -> None:
        office = Office(worker=[['"UNKNOWN."']])
        with pytest.raises(ToolError) as caught:
            await office.translating.translate(text, language)
        assert caught.value.code == code

    play()


# ── what is offered ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("able", [True, False])
@pytest.mark.anyio
async def test_a_model_too_small_for_tools_is_not_consulted_either(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, able: bool
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    async with open_kit(load_config(environ={})) as kit:
        team = Team(lambda _: ScriptedChat([[HELLO]]), ["worker"], lambda _: able)
        add_consulting(kit, CodeSettings(folder=str(tmp_path / "code")), team, LiveTurns(), Stage().swarm)
        assert [name in kit.toolbox for name in ("delegate", "translate", "write_code")] == [able] * 3
        assert "list_jobs" in kit.toolbox
