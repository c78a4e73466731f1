"""Programs, written to files by the coder in the background. They are never run."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated

import anyio.to_thread

from voxspark.agent.consult import Consult
from voxspark.errors import ToolError
from voxspark.tools.clean import clean
from voxspark.tools.jobs import Jobs, Progress
from voxspark.tools.new_file import name_for, plain_name, write_new
from voxspark.tools.registry import Tool, tool, tools_of
from voxspark.types import Message

LONGEST_TASK, LONGEST_NAME = 4_000, 50
"""Characters."""

MOST_PARTS = 8
"""Times that the coder is asked to go on: a reply is bounded, and a program may be longer than one."""

PART_SECONDS = 180.0

CODER = (
    "You write programs. Reply with one complete file in one code fence that names its language, with short comments "
    "in the code, and nothing outside the fence."
)
GO_ON = "You were cut off there. Go on with the next line, in a code fence, and repeat nothing."

LANGUAGES = {
    "py": "Python", "sh": "shell", "js": "JavaScript", "ts": "TypeScript", "rs": "Rust", "go": "Go", "java": "Java",
    "kt": "Kotlin", "c": "C", "cpp": "C++", "cs": "C#", "rb": "Ruby", "php": "PHP", "pl": "Perl", "lua": "Lua",
    "hs": "Haskell", "sql": "SQL", "html": "HTML", "css": "CSS", "json": "JSON", "yaml": "YAML", "toml": "TOML",
    "md": "Markdown", "swift": "Swift", "r": "R", "tex": "LaTeX",
}  # fmt: skip
"""What file names end in, and what it is called."""

_ENDINGS = {
    **{name.lower(): ending for ending, name in LANGUAGES.items()},
    **{ending: ending for ending in LANGUAGES},
    **{"bash": "sh", "golang": "go", "yml": "yaml", "c sharp": "cs", "c plus plus": "cpp"},
}

_FENCED = re.compile(r"^```[ \t]*([^\n`]*)\n(.*?)(?:^```[ \t]*$|\Z)", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Program:
    """What the coder wrote."""

    text: str
    language: str
    """As it calls it; may be empty."""

    @property
    def lines(self) -> int:
        return len(self.text.splitlines())


class Coding:
    """What can be programmed; into files in `folder`."""

    def __init__(self, jobs: Jobs, consult: Consult, folder: Path) -> None:
        self._jobs = jobs
        self._consult = consult
        self._folder = folder

    @property
    def tools(self) -> tuple[Tool, ...]:
        """write_code."""
        return tools_of(self)

    @tool(permission="act", fate="owner", privileged=True)
    def write_code(
        self,
        task: Annotated[str, "What the program should do, with every detail the user gave."],
        file_name: Annotated[str, "Of the new file, if the user gave one."] = "",
        language: Annotated[str, "Programming language, if the user named one."] = "",
    ) -> str:
        """Write code, a program or script, to a new file, in the background; it is not run."""
        task, language = clean(task, LONGEST_TASK), clean(language, LONGEST_NAME)
        if not task:
            raise ToolError("task-empty", "What should the program do?")
        name = plain_name(file_name) if file_name.strip() else ""
        title = f"{language} program ({name or clean(task, LONGEST_NAME).rstrip('.!?')})".strip()
        self._jobs.start(title, partial(self._write, task, name, language))
        return "All right, I am writing it. I will tell you when it is done."

    async def _write(self, task: str, name: str, language: str, progress: Progress) -> str:
        wishes = (task, language and f"Language: {language}.", name and f"Name of the file: {name}.")
        program = await self._program("\n".join(filter(None, wishes)), progress)
        ending = _ENDINGS.get(language.lower()) or _ENDINGS.get(program.language.lower(), "txt")
        if "." not in name:
            name = f"{name or name_for(task, 'program')}.{ending}"
        called = LANGUAGES.get(name.rpartition(".")[2].lower(), "")
        place = await anyio.to_thread.run_sync(write_new, self._folder, name, program.text.encode(errors="replace"))
        count = f"{program.lines} line{'s' * (program.lines != 1)}"
        return f"I wrote {count}{called and f' of {called}'} to {place.name}."

    async def _program(self, wish: str, progress: Progress) -> Program:
        """In as many parts as it takes; the line at which one was cut is written again."""
        role = self._consult.first_of("coder", "worker")
        asked = [Message("system", CODER), Message("user", wish)]
        program, said = Program("", ""), list[Message]()
        for _ in range(MOST_PARTS):
            whole = await self._consult.hear(role, [*asked, *said], limit_seconds=PART_SECONDS)
            part, cut = program_in(whole.text, cut=whole.cut)
            program = Program(program.text + part.text, program.language or part.language)
            if not cut:
                if not program.text.strip():
                    raise ToolError("no-code", "I could not think of a program for that.")
                return program
            progress(None, f"{program.lines} lines so far")
            said = [Message("assistant", f"```{program.language}\n{program.text}"), Message("user", GO_ON)]
        raise ToolError("code-long", "The program became too long for me.", "Ask for a part of it.")


def program_in(reply: str, *, cut: bool = False) -> tuple[Program, bool]:
    """The longest fenced text of a reply, or all of it without a fence; and whether there is more to come.

    Of a reply that was cut, the line it was cut in is left out.
    """
    fenced = list(_FENCED.finditer(reply))
    if not fenced:
        return Program(_whole_lines(reply, cut=cut), ""), cut
    longest = max(fenced, key=lambda each: len(each[2]))
    cut = cut and longest is fenced[-1] and not longest[0].rstrip().endswith("```")
    return Program(_whole_lines(longest[2], cut=cut), longest[1].strip()), cut


def _whole_lines(text: str, *, cut: bool) -> str:
    if cut:
        text = text.rpartition("\n")[0]
    return f"{text.rstrip()}\n" if text.strip() else ""
