"""What the kit gets once there are models: the conversation, memory, and the tools that ask one of the team."""

from __future__ import annotations

from pathlib import Path

from voxspark.agent.agent import Team
from voxspark.agent.coding import Coding
from voxspark.agent.consult import Consult
from voxspark.agent.delegating import Delegating
from voxspark.agent.swarm import LiveTurns, Swarm
from voxspark.agent.translating import Translating
from voxspark.config_source import documents_directory
from voxspark.config_tools import CodeSettings, MemorySettings
from voxspark.kit import Kit
from voxspark.memory.conversation_store import SqliteConversation
from voxspark.memory.embedding import Embedding
from voxspark.memory.facts import Facts
from voxspark.memory.history import History
from voxspark.memory.indexing import Indexing
from voxspark.memory.recall import Recall
from voxspark.tools.conversation import Conversation
from voxspark.tools.remembering import Remembering
from voxspark.tools.wall_time import local_now


def add_history(kit: Kit, settings: MemorySettings, budget_tokens: int) -> History:
    """The conversation, with its tool in the box."""
    days = settings.conversation_days
    history = History(budget_tokens, SqliteConversation(kit.database) if days else None, days)
    for each in Conversation(history.forget).tools:
        kit.toolbox.add(each)
    return history


def add_memory(kit: Kit, embedding: Embedding | None) -> tuple[Recall, Indexing]:
    """What the user has told, with its tools in the box."""
    facts = Facts(kit.database)
    indexing = Indexing(facts, embedding)
    recall = Recall(facts, embedding, indexing)
    for each in Remembering(recall, kit.undo, local_now).tools:
        kit.toolbox.add(each)
    return recall, indexing


def add_consulting(kit: Kit, settings: CodeSettings, team: Team, aside: Team, voice: LiveTurns, swarm: Swarm) -> None:
    """Delegate, write code, translate: where the worker's model is good enough to call tools.

    `aside` is the team as it is asked when nobody waits for the answer.
    """
    if not team.calls_tools("worker"):
        return
    consult = Consult(aside, voice)
    folder = Path(settings.folder).expanduser() if settings.folder else documents_directory() / "VoxSpark"
    for owner in (Delegating(kit.jobs, consult, swarm), Coding(kit.jobs, consult, folder), Translating(Consult(team))):
        for each in owner.tools:
            kit.toolbox.add(each)
