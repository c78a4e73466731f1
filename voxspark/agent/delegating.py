"""Long questions, worked on in the background by a stronger model, or by many at once."""

from __future__ import annotations

import re
from functools import partial
from typing import Annotated, Literal

from voxspark.agent.consult import Consult
from voxspark.agent.swarm import Answer, Swarm
from voxspark.errors import ToolError
from voxspark.tools.clean import clean
from voxspark.tools.jobs import Jobs, Progress
from voxspark.tools.registry import StrangersText, Tool, tool, tools_of

MOST_QUESTIONS = 8
LONGEST_TASK, LONGEST_NAME, LONGEST_FOUND = 4_000, 50, 1_200
"""Characters."""

ANSWER_SECONDS = 300.0
"""Qwen3-32B needs a minute for 400 tokens after thinking (spark.md 1.3); nobody waits for it."""

SPOKEN = "It is spoken aloud: at most three plain sentences, without lists, markdown, code or links."
THOROUGH = f"Work the task out thoroughly, then give only the result. {SPOKEN} If you do not know, say so."
SPLIT = (
    f"Split the task into at most {MOST_QUESTIONS} questions that can be answered independently of each other and "
    "that together settle it. Each must be understandable by itself. Write one question per line, and nothing else."
)
JOIN = f"Settle the task from what was found out about it, and say what remains uncertain. {SPOKEN}"
NOTHING = "(no answer)"

_BULLET = re.compile(r"^\s*(?:[-*•]|\(?\d+[.):])\s*")


class Delegating:
    """What can be handed on. Whoever wrote the task may have read a stranger's text, and the answer may repeat it."""

    def __init__(self, jobs: Jobs, consult: Consult, swarm: Swarm) -> None:
        self._jobs = jobs
        self._consult = consult
        self._swarm = swarm

    @property
    def tools(self) -> tuple[Tool, ...]:
        """delegate."""
        return tools_of(self)

    @tool(permission="act", fate="owner")
    def delegate(
        self,
        task: Annotated[str, "The whole task, understandable by itself."],
        to: Annotated[Literal["manager", "swarm"], "The manager thinks long; the swarm researches many questions."],
    ) -> str:
        """Delegate a long question to the manager or the swarm, in the background; the answer is said later."""
        task = clean(task, LONGEST_TASK)
        if not task:
            raise ToolError("task-empty", "What should I hand on?")
        name = clean(task, LONGEST_NAME).rstrip(".!?")
        if to == "manager":
            self._consult.first_of("manager")
            self._jobs.start(f"question for the manager ({name})", partial(self._by_manager, task, name))
            return "All right, I will tell you what the manager says."
        self._jobs.start(f"question for the swarm ({name})", partial(self._by_swarm, task, name))
        return "All right, I will look into it and tell you what comes of it."

    async def _by_manager(self, task: str, name: str, progress: Progress) -> str:
        progress(None, "the manager thinks")
        answer = await self._consult.ask("manager", THOROUGH, task, limit_seconds=ANSWER_SECONDS)
        return StrangersText(f"Here is the manager's answer to “{name}”: {answer}")

    async def _by_swarm(self, task: str, name: str, progress: Progress) -> str:
        lead = self._consult.first_of("manager", "worker")
        progress(None, "finding out what to ask")
        split = await self._consult.ask(lead, SPLIT, task, limit_seconds=ANSWER_SECONDS)
        questions, answered = questions_in(split) or [task], 0

        def count(_index: int, _answer: Answer) -> None:
            nonlocal answered
            answered += 1
            progress(answered / len(questions), f"{answered} of {len(questions)} questions answered")

        answers = await self._swarm.map(questions, on_answer=count)
        errors = [answer.error for answer in answers if answer.error]
        if len(errors) == len(answers):
            raise errors[0]
        found = "\n\n".join(f"{each.question}\n{each.text[:LONGEST_FOUND] or NOTHING}" for each in answers)
        result = await self._consult.ask(
            lead, JOIN, f"The task: {task}\n\nWhat was found out:\n\n{found}", limit_seconds=ANSWER_SECONDS
        )
        return StrangersText(f"Here is what I found on “{name}”: {result}")


def questions_in(text: str) -> list[str]:
    """One a line, without bullets and numbers; at most eight."""
    lines = (_BULLET.sub("", line).strip() for line in text.splitlines())
    return [line for line in lines if any(map(str.isalpha, line))][:MOST_QUESTIONS]
