"""One request: from an utterance to a heard reply, as one scope."""

from voxspark.turn.bridge import STILL_AT_IT
from voxspark.turn.turn import Turn, TurnParts

__all__ = ["STILL_AT_IT", "Turn", "TurnParts"]
