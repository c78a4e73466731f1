"""One request: from an utterance to a heard reply, as one scope."""

from voxspark.turn.turn import Turn, TurnParts

__all__ = ["Turn", "TurnParts"]
