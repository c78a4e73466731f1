"""Who answers: a local intent where one matches for certain, then one of the team, with its tools."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from voxspark.agent.beyond import beyond, beyond_small
from voxspark.agent.eyes import NO_EYES, SOURCE, Eyes
from voxspark.agent.intents import REPEAT, STOP, Intent, Intents, is_stop
from voxspark.agent.loop import ESCALATE, ToolLoop
from voxspark.agent.mediator import Mediator, TurnGuard
from voxspark.agent.prompt import Prompt, newest_exchange, refers_back
from voxspark.agent.router import Route, route
from voxspark.listening.backchannel import is_backchannel, is_mute
from voxspark.protocols import Chat, Conversation, Schema, TurnScope
from voxspark.tools.phrases import say, translated
from voxspark.tools.registry import StrangersText
from voxspark.types import Message, ToolCall

log = logging.getLogger(__name__)

FILLERS = {
    "eyes": "Let me have a look.",
    "coder": "Let me ask the coder.",
    "reasoner": "Let me think about that.",
    "manager": "Let me ask the manager.",
}
"""Of the role that is asked: what is said while it takes long."""

GUEST_TOOLS = frozenset({"get_time", "get_date", "get_weekday", "calculate", "convert_units"})
"""What guests may have done for them: pure questions, whose answers say nothing of the owner."""

ONLY_OWNER = "I do that only for my owner."

NOTHING_YET = "I have not said anything yet."


@dataclass(frozen=True, slots=True)
class Team:
    """The language models that an agent may ask."""

    chat: Callable[[str], Chat]
    """The model of a role."""
    roles: Collection[str]
    """Those that the profile fills."""
    calls_tools: Callable[[str], bool]
    """Whether the model of a role can."""
    escalation: str = ""
    """Whom the worker hands hard questions to; empty for nobody."""
    small: bool = False
    """Whether the worker's model is the bundled one."""

    def beyond_worker(self, text: str) -> str:
        """What is said to a question that the worker's model is better not asked; empty when it may try."""
        if self.calls_tools("worker"):
            return ""
        return beyond_small(text) if self.small else beyond(text)


class LocalFirstAgent:
    """Local intents before any model: a tenth of a second, offline, and right."""

    def __init__(
        self,
        *,
        intents: Intents,
        mediator: Mediator,
        loop: ToolLoop,
        team: Team,
        tools: Sequence[Schema],
        prompt: Prompt,
        history: Conversation,
        on_stop: Callable[[], object],
        extras: Mapping[str, Sequence[Schema]] | None = None,
        eyes: Eyes | None = None,
        recall: Callable[[str], Awaitable[Sequence[str]]] | None = None,
    ) -> None:
        """`tools` are offered to every model that can call them, in this order, always: the prefix must not change.
        `extras` are for one role each.

        Without `eyes` whoever has the role sees only pictures that come with a question. `recall`: what the user once
        told that has to do with a question, soon.
        """
        self._intents = intents
        self._mediator = mediator
        self._loop = loop
        self._team = team
        self._tools = tools
        self._extras = extras or {}
        self._prompt = prompt
        self._history = history
        self._on_stop = on_stop
        self._eyes = eyes
        self._recall = recall

    async def reply(self, text: str, turn: TurnScope) -> AsyncGenerator[str, None]:
        """See `protocols.Agent.reply`. A `StrangersText` is another program's question: only a user confirms."""
        heard = self._history.last_heard
        if isinstance(text, StrangersText):
            turn.by_strangers()
        elif is_mute(text):
            pass  # at once, whatever else it may answer
        elif (sentence := await self._mediator.confirmation(TurnGuard(text), turn, heard)) is not None:
            if is_stop(text):
                self.stop()
            yield sentence
            return
        if is_backchannel(text) and not heard.endswith("?"):
            return
        if (intent := self._intents.match(text)) is not None:
            if sentence := await self._do(intent, text, turn):
                yield sentence
        else:
            async with aclosing(self.answer(self.route(text), text, turn)) as texts:
                async for piece in texts:
                    yield piece

    def stop(self) -> None:
        """What rings is over, and what waits for a spoken yes is not to be done."""
        self._mediator.forget()
        self._on_stop()

    def route(self, text: str, *, has_image: bool = False) -> Route:
        """Whom a question goes to; `eyes` also where the team has none, who then says so."""
        return route(text, {*self._team.roles, "eyes"}, has_image=has_image)

    async def answer(
        self, chosen: Route, text: str, turn: TurnScope, images: tuple[bytes, ...] = ()
    ) -> AsyncGenerator[str, None]:
        """What one of the team says to a transcript, and to the pictures that came with it."""
        guard = TurnGuard(text, tainted_before=self._history.by_strangers or isinstance(text, StrangersText))
        async with aclosing(self._ask(chosen, self._history.messages(), guard, turn, images)) as texts:
            async for piece in texts:
                yield piece

    async def answer_guest(self, text: str, turn: TurnScope) -> AsyncGenerator[str, None]:
        """What somebody is told whose house it is not: nothing of the owner's is read, and nothing is changed."""
        guard = TurnGuard(text, tainted_before=True)
        if (intent := self._intents.match(text)) is not None:
            if intent.tool not in GUEST_TOOLS:
                yield say(ONLY_OWNER)
                return
            yield (await self._mediator.run(ToolCall(intent.tool, intent.arguments), guard, turn)).text
        elif sentence := self._team.beyond_worker(text):
            yield sentence
        else:
            messages = self._prompt.build((), text)
            reply = self._loop.reply(self._team.chat("worker"), messages, (), guard, turn)
            async with aclosing(reply) as texts:
                async for piece in texts:
                    yield piece

    async def _ask(
        self,
        chosen: Route,
        history: Sequence[Message],
        guard: TurnGuard,
        turn: TurnScope,
        images: tuple[bytes, ...] = (),
    ) -> AsyncGenerator[str, None]:
        """The worker may hand the question on, nobody else."""
        log.debug("route: %s, %s", chosen.role, chosen.why)
        if chosen.role == "worker" and (sentence := self._team.beyond_worker(chosen.question)):
            yield sentence
            return
        if chosen.role == "eyes" and "eyes" not in self._team.roles:
            yield NO_EYES
            return
        if chosen.role == "eyes" and not images and self._eyes is not None:
            images = (await self._eyes.look(chosen.question, guard, turn),)
        turn.begun(translated(FILLERS.get(chosen.role, "")))  # after the look: the camera's sound has the speaker
        if images:
            guard.taint(SOURCE, turn)

        async def hand_on(call: ToolCall) -> AsyncGenerator[str, None]:
            self._mediator.handed_on(call, guard)
            role = str(call.arguments.get("role"))
            if role not in self._team.roles or role == chosen.role:
                role = self._team.escalation
            question = str(call.arguments.get("question") or chosen.question)
            to_another = self._ask(Route(role, "The worker handed it on.", question), history, guard, turn, images)
            async with aclosing(to_another) as texts:
                async for piece in texts:
                    yield piece

        escalate = hand_on if chosen.role == "worker" and self._team.escalation else None
        tools = self._offered(chosen.role, escalates=escalate is not None)
        notes = await self._recall(chosen.question) if self._recall else ()
        if chosen.role == "worker" and self._team.small:
            history = newest_exchange(history) if refers_back(chosen.question) else ()
        messages = self._prompt.build(history, chosen.question, images, notes)
        reply = self._loop.reply(self._team.chat(chosen.role), messages, tools, guard, turn, escalate)
        async with aclosing(reply) as texts:
            async for piece in texts:
                yield piece

    def _offered(self, role: str, *, escalates: bool) -> Sequence[Schema]:
        """The same for a role every time."""
        if not self._team.calls_tools(role):
            return ()
        if escalates:
            return self._tools
        return [*(each for each in self._tools if each["function"]["name"] != ESCALATE), *self._extras.get(role, ())]

    async def _do(self, intent: Intent, text: str, turn: TurnScope) -> str:
        """The sentence that answers an intent; empty when silence does."""
        if intent.tool == REPEAT:
            return self._history.last_heard or say(NOTHING_YET)
        if is_stop(text):
            await turn.until_confirmed()
            self.stop()
        if intent.tool == STOP:
            return ""
        guard = TurnGuard(text, tainted_before=isinstance(text, StrangersText))
        outcome = await self._mediator.run(ToolCall(intent.tool, intent.arguments), guard, turn)
        aloud = outcome.tool and outcome.tool.declared.aloud
        return aloud(outcome.text) if aloud else outcome.text


class Expert:
    """Hands every question straight to the team: to the role that was named, or to whoever sees its pictures."""

    def __init__(self, agent: LocalFirstAgent, role: str, images: tuple[bytes, ...] = ()) -> None:
        self._agent = agent
        self._role = role
        self._images = images

    async def reply(self, text: str, turn: TurnScope) -> AsyncGenerator[str, None]:
        """See `protocols.Agent.reply`."""
        named = Route(self._role, "It was asked for.", text)
        chosen = named if self._role else self._agent.route(text, has_image=bool(self._images))
        async with aclosing(self._agent.answer(chosen, text, turn, self._images)) as texts:
            async for piece in texts:
                yield piece


class Recital:
    """Says what it was given: for `say`, and for announcements."""

    def __init__(self, text: str) -> None:
        self._text = text

    async def reply(self, text: str, turn: TurnScope) -> AsyncGenerator[str, None]:
        """See `protocols.Agent.reply`."""
        if isinstance(self._text, StrangersText):
            turn.by_strangers()
        yield self._text
