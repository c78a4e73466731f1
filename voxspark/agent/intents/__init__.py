"""Commands that are understood at once, without a language model; their sentences are in the files beside this one."""

from voxspark.agent.intents.files import user_folder
from voxspark.agent.intents.match import REPEAT, STOP, Intent, Intents
from voxspark.listening.backchannel import is_stop

__all__ = ["REPEAT", "STOP", "Intent", "Intents", "is_stop", "user_folder"]
