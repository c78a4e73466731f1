"""The daemon, where one runs: what it tells of itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import anyio

from voxspark import __version__
from voxspark.config import Config, daemon_socket
from voxspark.control.client import connect
from voxspark.doctor.check import Check, Finding
from voxspark.errors import ControlError

ANSWER_SECONDS = 5.0
"""For what is answered from memory."""

HANGS = Finding("ok", "cannot be told while the daemon does not answer")
"""Of what the daemon would know; that it hangs is a finding of its own."""


class Daemon:
    """That of a configuration."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._hangs: ControlError | None = None

    async def status(self) -> Mapping[str, Any] | None:
        """Its status now; None when it does not run. Raises ControlError; one that hangs is waited for only once."""
        if self._hangs is not None:
            raise ControlError(self._hangs.code, self._hangs.message, self._hangs.remedy)
        try:
            with anyio.fail_after(ANSWER_SECONDS):
                async with connect(daemon_socket(self._config)) as client:
                    return dict(await client.call("status"))
        except TimeoutError as error:
            remedy = "If it is not just starting: end it, and start it."
            self._hangs = ControlError("daemon-hangs", "VoxSpark runs and does not answer.", remedy)
            raise self._hangs from error
        except ControlError as error:
            if error.code == "daemon-not-running":
                return None
            raise

    def check(self) -> Check:
        """Whether it runs, and is this version."""

        async def look() -> Finding:
            status = await self.status()
            if status is None:
                return Finding("ok", "does not run")
            failure = status["last_failure"]
            told = f"runs, profile {status['profile']}"
            told = f"{told}; the last failure: {failure['message']}" if failure else told
            if status["version"] != __version__:
                return Finding("problem", f"{told}; it is version {status['version']}", "End it, and start it.")
            return Finding("ok", told)

        return Check("daemon", look)
