"""What a check is, and how a list of them is worked through."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Literal

from voxspark.errors import VoxSparkError

State = Literal["ok", "problem", "broken"]
"""`problem`: it works, but less well or not for long. `broken`: the assistant would not work."""


FIX = "Run: voxspark doctor --fix"


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check has found."""

    state: State
    detail: str
    """One sentence or a few words."""
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing to look at."""

    name: str
    run: Callable[[], Awaitable[Finding]]
    """A VoxSparkError is a finding too: `broken`."""
    fix: Callable[[], Awaitable[str]] | None = None
    """Puts it right without losing anything; what has been done, empty for nothing. Raises VoxSparkError when
    it cannot."""


@dataclass(frozen=True, slots=True)
class Result:
    """One line of the report."""

    name: str
    finding: Finding
    fixed: str = ""
    """What has been done."""

    def to_json(self) -> dict[str, str]:
        """For scripts."""
        return {"check": self.name, **asdict(self.finding), "fixed": self.fixed}


async def work_through(
    checks: Sequence[Check], *, fix: bool, begin: Callable[[str], None] = lambda _: None
) -> AsyncGenerator[Result, None]:
    """The results in order. `begin` hears the name of each check; `fix`: put right what can be, and look again."""
    for check in checks:
        begin(check.name)
        finding, fixed = await _found(check), ""
        if fix and check.fix is not None and finding.state != "ok":
            try:
                fixed = await check.fix()
                finding = await _found(check)
            except VoxSparkError as error:
                finding = Finding(finding.state, finding.detail, str(error))
        yield Result(check.name, finding, fixed)


async def _found(check: Check) -> Finding:
    try:
        return await check.run()
    except VoxSparkError as error:
        return Finding("broken", error.message, error.remedy)
    except OSError as error:
        return Finding("problem", f"cannot be looked at: {error}", "Check who owns it, and who may read it.")
