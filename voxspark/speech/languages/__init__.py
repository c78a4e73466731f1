"""The languages replies are spoken in; the data of each is loaded when it is first spoken."""

from __future__ import annotations

from functools import cache
from importlib import import_module

from voxspark.language import Language
from voxspark.speech.languages.locale import Locale


@cache
def locale(code: Language) -> Locale:
    """How this language is spoken."""
    found: Locale = import_module(f"{__name__}.{code}").LOCALE
    return found
