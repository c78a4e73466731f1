"""Where everything that httpx, json, pydantic and `ollama` raise becomes an error of ours, with a remedy."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from voxspark.errors import EngineError

REASON_CHARACTERS = 300
"""Of what Ollama says, in a remedy; it may quote a whole answer."""

OUT_OF_MEMORY = re.compile(
    r"out of (device )?memory|out_of_device_memory|malloc failed|failed to allocate|allocation failed"
    r"|(not enough|insufficient|more system) memory",
    re.IGNORECASE,
)
"""What Ollama itself takes for it, and its own refusal ("requires more system memory (8 GiB) than is available")."""

CONTEXT_FULL = re.compile(r"exceed\w*\b.*\bcontext|longer than the context|no user query found", re.IGNORECASE)
"""The last: truncation took away the user's message (agent.md 1.6)."""

CALL_GARBLED = re.compile(r"failed to parse JSON|error parsing tool call", re.IGNORECASE)
UNKNOWN_MODEL = re.compile(r"manifest: file does not exist|invalid model name", re.IGNORECASE)
DISK_FULL = re.compile(r"no space left", re.IGNORECASE)
TOO_OLD = re.compile(r"newer version of ollama", re.IGNORECASE)

LOG = "Look at: journalctl -u ollama"


@dataclass(frozen=True, slots=True)
class Edge:
    """The errors of one Ollama server, in the class that its user wants."""

    host: str
    error: type[EngineError]

    @contextmanager
    def converting(self, model: str = "") -> Iterator[None]:
        """What is raised inside is raised as ours."""
        import httpx
        from ollama import ResponseError

        try:
            yield
        except ResponseError as error:
            raise self._refused(error.status_code, str(error.error), model) from error
        except httpx.ReadTimeout as error:
            raise self.error(
                "chat-timeout",
                "The language model takes too long to answer.",
                f"Ollama at {self.host} sends nothing; it may still be loading the model. {LOG}",
            ) from error
        except (httpx.ReadError, httpx.RemoteProtocolError, httpx.WriteError) as error:
            raise self.interrupted() from error
        except (httpx.HTTPError, OSError) as error:
            raise self.error(
                "ollama-unreachable",
                "Ollama does not answer.",
                f"Start it with: ollama serve (its address is {self.host}).",
            ) from error
        except (ValueError, TypeError, AttributeError, KeyError) as error:
            # json, pydantic and `ollama` itself: half a line, or JSON of another shape
            raise self.garbled() from error

    def interrupted(self) -> EngineError:
        """The stream ended before it was done."""
        return self.error("ollama-interrupted", "Ollama broke off in the middle of the answer.", LOG)

    def garbled(self) -> EngineError:
        """What came is not what Ollama sends."""
        return self.error(
            "ollama-garbled",
            "Ollama sent something that cannot be understood.",
            f"Look at its log, and at whether {self.host} is Ollama.",
        )

    def _refused(self, status: int, reason: str, model: str) -> EngineError:
        """What an HTTP status, or -1 for an error inside a stream, means for the user."""
        said = f"It says: {' '.join(reason.split())[:REASON_CHARACTERS]}."
        if (known := self._recognised(reason, model, said)) is not None:
            return known
        match status:
            case 404 if model:
                return self.error(
                    "chat-model-missing", "Ollama does not have this language model.", f"Run: ollama pull {model}"
                )
            case 404:
                return self.garbled()
            case 499:
                return self.interrupted()
            case 503:
                return self.error("ollama-busy", "Ollama has too much to do.", "Try again, or raise OLLAMA_MAX_QUEUE.")
            case _ if 400 <= status < 500:
                return self.error(
                    "ollama-rejected", "Ollama cannot do this with the model.", f"{said} Check the model's settings."
                )
            case _:
                return self.error("ollama-failed", "Ollama failed.", f"{said} {LOG}")

    def _recognised(self, reason: str, model: str, said: str) -> EngineError | None:
        """An error by its words: its status differs between versions, and inside a stream it has none."""
        if CONTEXT_FULL.search(reason):
            return self.error(
                "chat-context-full",
                "That is more than the language model can read at once.",
                f"Begin a new conversation, or give {model} more context.",
            )
        if OUT_OF_MEMORY.search(reason):
            return self.error(
                "ollama-out-of-memory",
                "There is not enough memory for the language model.",
                f"{said} Choose a smaller model or less context; voxspark plan shows what is in memory.",
            )
        if CALL_GARBLED.search(reason):
            return self.error("chat-call-garbled", "The language model asked for a tool in broken words.", "Ask again.")
        if UNKNOWN_MODEL.search(reason):
            return self.error(
                "model-unknown", f"There is no model called {model}.", "Look for its name at ollama.com/library."
            )
        if DISK_FULL.search(reason):
            return self.error("disk-full", "The disk is full.", f"{said} Remove what you do not need with: ollama rm")
        if TOO_OLD.search(reason):
            return self.error("ollama-too-old", f"Ollama is too old for {model}.", "Install its newest version.")
        return None
