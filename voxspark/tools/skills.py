"""What one can ask for, in a sentence: only what really is in the toolbox."""

from __future__ import annotations

from voxspark.tools.phrases import join
from voxspark.tools.registry import Tool, Toolbox, tool, tools_of

SKILLS = {
    "get_time": "tell the time here and in other cities",
    "set_timer": "set timers, alarms and reminders",
    "add_to_list": "keep lists",
    "take_note": "take notes",
    "remember": "remember what you tell me",
    "calculate": "do sums",
    "convert_units": "convert units",
    "get_weather": "tell the weather",
    "web_search": "search the web",
    "search_wikipedia": "look things up in Wikipedia",
    "get_news": "read the news",
    "read_calendar": "look into your calendar",
    "change_volume": "change the volume",
    "control_media": "control your music",
    "open_application": "open applications",
    "dictate": "type what you dictate",
    "translate": "translate",
    "make_image": "make pictures",
    "write_code": "write code into a file",
    "get_system_status": "tell how this computer is doing",
}
"""By the tool that does it; in the order in which people want them (agent.md 6)."""

MOST_SAID = 9
"""About twelve seconds."""


class Skills:
    """Looks into the box when it is asked: programs that bring tools come and go."""

    def __init__(self, toolbox: Toolbox) -> None:
        self._toolbox = toolbox

    @property
    def tools(self) -> tuple[Tool, ...]:
        return tools_of(self)

    @tool(permission="read", fate="turn")
    def list_skills(self) -> str:
        """Tell the user what this assistant can do."""
        can = [said for name, said in SKILLS.items() if name in self._toolbox]
        more = ["more"] if len(can) > MOST_SAID else []
        return f"I can {join(['answer questions', *can[:MOST_SAID], *more])}."
