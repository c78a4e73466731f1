"""Messages and deltas of a chat as JSON, between the daemon and a worker."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from voxspark.types import Delta, Message, ReplyStats, ToolCall


def message_to_json(message: Message) -> dict[str, Any]:
    """All of it; images in base64."""
    fields = asdict(message)
    return {**fields, "images": [base64.b64encode(image).decode() for image in message.images]}


def message_of(fields: Mapping[str, Any]) -> Message:
    """What `message_to_json` made."""
    calls = tuple(ToolCall(**call) for call in fields["tool_calls"])
    images = tuple(base64.b64decode(image) for image in fields["images"])
    return Message(**{**fields, "tool_calls": calls, "images": images})


def delta_to_json(delta: Delta) -> dict[str, Any]:
    """Under the name of its kind."""
    match delta:
        case str():
            return {"text": delta}
        case ToolCall():
            return {"call": asdict(delta)}
        case ReplyStats():
            return {"stats": asdict(delta)}


def delta_of(values: Mapping[str, Any]) -> Delta:
    """What `delta_to_json` made."""
    if "call" in values:
        return ToolCall(**values["call"])
    return ReplyStats(**values["stats"]) if "stats" in values else str(values["text"])
