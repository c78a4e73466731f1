"""Translations by the worker's own model."""

from __future__ import annotations

from typing import Annotated

from voxspark.agent.consult import Consult
from voxspark.errors import ToolError
from voxspark.tools.registry import Tool, tool, tools_of

LONGEST_TEXT, LONGEST_LANGUAGE = 2_000, 40
"""Characters."""

TRANSLATE_SECONDS = 30.0
UNKNOWN = "UNKNOWN"
TRANSLATOR = (
    "You are a translator. Translate what follows the first line into the language that it names. Write only the "
    f"translation, without quotes or comments. If that is no language you know well, write only {UNKNOWN}."
)


class Translating:
    """What can be translated."""

    def __init__(self, consult: Consult) -> None:
        self._consult = consult

    @property
    def tools(self) -> tuple[Tool, ...]:
        """translate."""
        return tools_of(self)

    @tool(permission="read", fate="turn", timeout_seconds=TRANSLATE_SECONDS + 5, filler="Let me translate that.")
    async def translate(
        self,
        text: Annotated[str, "What to translate, word for word."],
        language: Annotated[str, "Into which language, in English: German."],
    ) -> str:
        """Translate words or a text into another language."""
        text, language = text.strip(), " ".join(language.split()).strip(".")
        if not text:
            raise ToolError("text-empty", "What should I translate?")
        if len(text) > LONGEST_TEXT:
            raise ToolError("text-long", "That is too long to translate at once.", "Give it in parts.")
        if not language or len(language) > LONGEST_LANGUAGE or not any(map(str.isalpha, language)):
            raise ToolError("language-unknown", "Into which language should I translate that?")
        answer = await self._consult.ask("worker", TRANSLATOR, f"{language}\n{text}", limit_seconds=TRANSLATE_SECONDS)
        if answer.strip(" .!\"'“”") == UNKNOWN:
            raise ToolError("language-unknown", f"I cannot translate that into {language}.")
        return answer
