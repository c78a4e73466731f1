"""Ollama's quirks by name, to be replayed: `server.script = [TRACES["call-in-last-frame"].play()]`.

Each is what a server of some version really sends (agent.md section 1, with the issue or the source it is known from).
Tests go over the whole table: `@pytest.mark.parametrize("name", TRACES)`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import anyio

from tests.ollama_values import DIED, RUN_OOM, Call, Refusal, Reply

TIMER = Call("set_timer", {"minutes": 5}, "call_q7h2m0xk")
PARIS = Call("get_weather", {"city": "Paris"}, "call_0f9d3zla")
TOKYO = Call("get_weather", {"city": "Tōkyō"}, "call_p1c8e5vb")

AS_JSON = '{"name": "set_timer", "arguments": {"minutes": 5}}'
AS_TAG = f"<tool_call>\n{AS_JSON}\n</tool_call>"

Outcome = Literal["whole", "error", "broken", "held"]
"""With a last frame; with an error object or status; without either; not before its event is set."""


@dataclass(frozen=True)
class Trace:
    """One quirk."""

    play: Callable[[], Reply | Refusal]
    source: str
    outcome: Outcome = "whole"
    meant: tuple[Call, ...] = ()
    """The calls that the model wanted to make, wherever they show."""


TRACES: dict[str, Trace] = {
    # ── tool calls as they should be, and nearly ──
    "call-whole-in-a-chunk": Trace(
        lambda: Reply((), calls=(TIMER,)), "docs/capabilities/streaming; agent.md 1.3", meant=(TIMER,)
    ),
    "text-before-a-call": Trace(
        lambda: Reply(("I'll set", " a timer."), calls=(TIMER,)), "agent.md 1.3", meant=(TIMER,)
    ),
    "call-in-last-frame": Trace(
        lambda: Reply((), calls=(TIMER,), calls_in="done"), "new-api#7252; agent.md 1.3", meant=(TIMER,)
    ),
    "calls-counted": Trace(
        lambda: Reply((), calls=(TIMER, PARIS, TOKYO), calls_in="each"),
        "agent.md 1.4",
        meant=(TIMER, PARIS, TOKYO),
    ),
    "calls-all-index-0": Trace(
        lambda: Reply((), calls=(TIMER, PARIS, TOKYO), calls_in="each", index_stuck=True),
        "ollama#16212, qwen3-coder on 0.23.2",
        meant=(TIMER, PARIS, TOKYO),
    ),
    "calls-together": Trace(
        lambda: Reply((), calls=(PARIS, TOKYO)),
        "server/routes.go, stream: false and some parsers",
        meant=(PARIS, TOKYO),
    ),
    # ── leaks ──
    "call-as-json-in-content": Trace(
        lambda: Reply(('{"na', 'me": "set_timer", ', '"arguments": {"minutes": 5}}')),
        "ollama#11662, qwen3:32b",
        meant=(TIMER,),
    ),
    "call-in-thinking": Trace(
        lambda: Reply((), thinking=("A timer, then. ", AS_TAG)), "ollama PR#14477, before 0.17.5", meant=(TIMER,)
    ),
    "think-in-content": Trace(
        lambda: Reply(("<think>", "They greet me.", "</think>", "\n\n", "Hello", " there.")),
        "continue#6621, old servers or `think` not sent",
    ),
    "thinking-though-told-not-to": Trace(
        lambda: Reply(("Hello", " there."), thinking=("They greet", " me.")), "ollama#12917, qwen3:4b of 2507"
    ),
    "thinking-uses-up-the-answer": Trace(
        lambda: Reply((), thinking=("They greet me,", " so I"), done_reason="length"), "ollama#10976; langchain#36936"
    ),
    "unclosed-call-swallowed": Trace(
        lambda: Reply((), done_reason="length"), "model/parsers/qwen3.go, Add", meant=(TIMER,)
    ),
    "empty-answer": Trace(lambda: Reply(()), "ollama#10976"),
    # ── failures ──
    "error-in-mid-stream": Trace(
        lambda: Reply(("Hello",), ending="error", error=DIED), "server/routes.go, streamResponse", "error"
    ),
    "error-before-anything": Trace(
        lambda: Reply((), ending="error", error=DIED), "server/routes.go, streamResponse: then it is a 500", "error"
    ),
    "malformed-call": Trace(
        lambda: Reply(
            ("One moment.",),
            ending="error",
            error="failed to parse JSON: invalid character '}' looking for beginning of value",
        ),
        "model/parsers/qwen3.go, parseQwen3ToolCall",
        "error",
    ),
    "out-of-memory-in-mid-stream": Trace(
        lambda: Reply(("Hello",), ending="error", error=RUN_OOM),
        "server/sched.go, expireRunnersForRuntimeOOM: every model is dropped",
        "error",
    ),
    "no-user-query": Trace(
        lambda: Refusal(500, "no user query found in messages"), "ollama#18107, a tool loop that was cut", "error"
    ),
    "cut-line": Trace(lambda: Reply(("Hello",), ending="cut_line"), "agent.md 1.10", "broken"),
    "silent-end": Trace(lambda: Reply(("Hello",), ending="clean_death"), "agent.md 1.10", "broken"),
    "connection-lost": Trace(lambda: Reply(("Hello",), ending="reset"), "agent.md 1.10", "broken"),
    # ── waiting ──
    "slow-first-token": Trace(
        lambda: Reply(silent=True, hold=anyio.Event()), "spark.md 1.3: a cold model of 65 GB takes 22 to 100 s", "held"
    ),
    "stalls-in-mid-stream": Trace(lambda: Reply(hold=anyio.Event()), "ollama#11889", "held"),
}
