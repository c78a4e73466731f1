"""What the kit gets once there are models: the conversation, memory, pictures, and tools that ask one of the team."""

from __future__ import annotations

from pathlib import Path

from voxspark.agent.agent import FILLERS, Team
from voxspark.agent.coding import Coding
from voxspark.agent.consult import Consult
from voxspark.agent.delegating import Delegating
from voxspark.agent.swarm import LiveTurns, Swarm
from voxspark.agent.translating import Translating
from voxspark.config import Config
from voxspark.config_tools import CodeSettings, ImageSettings, MemorySettings
from voxspark.files import user_directory
from voxspark.kit import Kit, make_passing_kit
from voxspark.memory.conversation_store import SqliteConversation
from voxspark.memory.embedding import Embedding
from voxspark.memory.history import History
from voxspark.memory.indexing import Indexing
from voxspark.protocols import Painter, Synthesizer
from voxspark.speech.fillers import Fillers
from voxspark.tools.conversation import Conversation
from voxspark.tools.desktop.open import launch
from voxspark.tools.jobs import Jobs
from voxspark.tools.pictures import Pictures
from voxspark.tools.registry import Toolbox
from voxspark.turn import STILL_AT_IT


def add_history(kit: Kit, settings: MemorySettings, budget_tokens: int) -> History:
    """The conversation, with its tool in the box."""
    days = settings.conversation_days
    history = History(budget_tokens, SqliteConversation(kit.database) if days else None, days)
    kit.toolbox.add(*Conversation(history.forget).tools)
    return history


def add_meaning(kit: Kit, embedding: Embedding | None) -> Indexing:
    """What the user has told is found by meaning, where there is an embedding."""
    indexing = Indexing(kit.recall.facts, embedding)
    kit.recall.by_meaning(embedding, indexing)
    return indexing


def add_consulting(kit: Kit, settings: CodeSettings, team: Team, voice: LiveTurns, swarm: Swarm) -> None:
    """Delegate, write code, translate: where the worker's model is good enough to call tools."""
    if not team.calls_tools("worker"):
        return
    aside, folder = Consult(team, voice), _folder(settings.folder, "DOCUMENTS", Path.home())
    kit.toolbox.add(*Delegating(kit.jobs, aside, swarm).tools)
    kit.toolbox.add(*Coding(kit.jobs, aside, folder).tools)
    kit.toolbox.add(*Translating(Consult(team)).tools)


def make_pictures(settings: ImageSettings, painter: Painter | None, jobs: Jobs) -> Pictures:
    """The maker of pictures, with the user's folder for them."""

    async def show(path: Path) -> None:
        await launch(["xdg-open", str(path)])

    folder = _folder(settings.folder, "PICTURES", Path.home() / "Pictures")
    return Pictures(painter, jobs, folder, side=settings.side, show=show if settings.open else None)


def add_pictures(kit: Kit, settings: ImageSettings, painter: Painter | None) -> None:
    """Make an image; without a painter it says so."""
    kit.toolbox.add(*make_pictures(settings, painter, kit.jobs).tools)


def make_whole_toolbox(config: Config, team: Team) -> Toolbox:
    """All tools that local intents may call, to be looked at: nobody is asked, and what they do is forgotten."""
    kit = make_passing_kit(config)
    add_history(kit, config.memory, 0)
    add_pictures(kit, config.image, None)
    if team.calls_tools("worker"):
        kit.toolbox.add(*Translating(Consult(team)).tools)
    return kit.toolbox


def make_fillers(kit: Kit, synthesizer: Synthesizer, team: Team, voice: LiveTurns) -> Fillers:
    """What is said while the team and the tools take long, synthesized when nobody speaks."""
    said = (*(FILLERS[role] for role in team.roles if role in FILLERS), *kit.fillers, STILL_AT_IT)
    return Fillers(synthesizer, dict.fromkeys(said), voice.quiet)


def _folder(own: str, name: str, otherwise: Path) -> Path:
    """The one that is set, or `VoxSpark` in one of the user's."""
    return Path(own).expanduser() if own else user_directory(name, otherwise) / "VoxSpark"
