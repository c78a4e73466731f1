"""What local intents know of a language beyond its sentences: numbers, durations, times, arithmetic, small words."""

from __future__ import annotations

import importlib
from functools import cache

from voxspark.agent.tongues.tongue import Tongue
from voxspark.language import Language

__all__ = ["Tongue", "tongue"]

_MODULES: dict[Language, str] = {"en": "english", "de": "german", "es": "spanish", "fr": "french"}


@cache
def tongue(language: Language) -> Tongue:
    """Loaded when it is first spoken."""
    module = importlib.import_module(f"voxspark.agent.tongues.{_MODULES[language]}")
    found: Tongue = module.TONGUE
    return found
