"""Messages to, and pieces from, OpenAI-compatible servers."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxspark.engines.chat.openai_wire import Reading, body, wire_messages
from voxspark.types import Message, ToolCall

CALL = st.builds(ToolCall, st.text(max_size=5), st.dictionaries(st.text(max_size=3), st.integers()), st.just(""))
CHAT = st.lists(
    st.builds(Message, st.sampled_from(["user", "assistant", "tool"]), st.text(st.characters(), max_size=9))
    | st.builds(lambda calls: Message("assistant", "", tool_calls=tuple(calls)), st.lists(CALL, max_size=3)),
    max_size=8,
)


@given(CHAT)
def test_every_conversation_can_be_sent(messages: list[Message]) -> None:
    wire = wire_messages(messages)
    json.dumps(body("m", messages, [], {}), ensure_ascii=False).encode()
    ids = [call["id"] for row in wire for call in row.get("tool_calls", ())]
    assert len(set(ids)) == len(ids)
    assert all(row["tool_call_id"] for row in wire if row["role"] == "tool")


@given(st.lists(st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=9)), max_size=3), st.data())
def test_arguments_are_put_together_wherever_they_are_cut(arguments: list[dict[str, Any]], data: st.DataObject) -> None:
    reading = Reading()
    for index, each in enumerate(arguments):
        text, start = json.dumps(each), 0
        parts: list[dict[str, Any]] = [{"index": index, "id": f"c{index}", "function": {"name": "f"}}]
        while start < len(text):
            end = data.draw(st.integers(start + 1, len(text)))
            parts.append({"index": index, "function": {"arguments": text[start:end]}})
            start = end
        for part in parts:
            assert list(reading.feed({"choices": [{"delta": {"tool_calls": [part]}}]})) == []
    *calls, _ = reading.end()
    assert calls == [ToolCall("f", each, f"c{index}") for index, each in enumerate(arguments)]


@pytest.mark.parametrize(
    ("image", "kind"), [(b"\x89PNG\r\n", "png"), (b"\xff\xd8\xff\xe0", "jpeg"), (b"RIFF0000WEBP", "webp")]
)
def test_pictures_stand_beside_the_text(image: bytes, kind: str) -> None:
    (row,) = wire_messages([Message("user", "What is this?", images=(image,))])
    text, picture = row["content"]
    assert text == {"type": "text", "text": "What is this?"}
    assert picture["image_url"]["url"].startswith(f"data:image/{kind};base64,")
