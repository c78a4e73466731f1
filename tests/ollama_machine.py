"""A simulated DGX Spark for a daemon under test: an Ollama, and the kernel's files that show what it holds.

    with ollama_machine(tmp_path) as machine:
        machine.pull("qwen3-8b")
        with running_daemon(machine.env, "--profile", "ollama") as daemon:
            ...

The server runs on an event loop in a thread of its own, so tests may block; whatever belongs to that loop is reached
through `machine.call`.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import anyio
from anyio.from_thread import BlockingPortal, start_blocking_portal

from tests.daemon_process import private_env
from tests.ollama_memory import Runner
from tests.ollama_server import OllamaServer, ollama_server
from tests.ollama_values import Served
from voxspark.vram.catalogue import Model, load_catalogue
from voxspark.vram.profiles import find_profile
from voxspark.vram.runner import CUDA_CONTEXT_BYTES

SPARK_BYTES, SPARK_AVAILABLE_BYTES = 127_600_748 * 1024, 121_000_000_000
"""A DGX Spark's MemTotal, and what is available of it when nothing runs (spark.md 1.1)."""

MEMINFO = "MemTotal: {total} kB\nMemFree: 100000 kB\nMemAvailable: {available} kB\nSwapFree: 0 kB\n"
PRESSURE = "some avg10=0.00 avg60=0.00 avg300=0.00 total=0\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n"


class Held(dict[str, Runner]):
    """Ollama's models in memory, by full tag; tells of every change at once."""

    def __init__(self, on_change: Callable[[], None]) -> None:
        super().__init__()
        self._on_change = on_change

    def __setitem__(self, tag: str, runner: Runner) -> None:
        super().__setitem__(tag, runner)
        self._on_change()

    def __delitem__(self, tag: str) -> None:
        super().__delitem__(tag)
        self._on_change()


class OllamaMachine:
    """What a test does to the machine and sees of it."""

    def __init__(
        self, portal: BlockingPortal, server: OllamaServer, folder: Path, total_bytes: int, available_bytes: int
    ) -> None:
        self.server = server
        env = private_env(folder)
        self.env = env | {
            "XDG_STATE_HOME": str(folder / "state"),
            "PYTHONPATH": f"{folder / 'modules'}{os.pathsep}{env['PYTHONPATH']}",
            "VOXSPARK_CHAT__HOST": server.host,
            "VOXSPARK_PLAN__PROC": str(folder / "proc"),
            "VOXSPARK_DEVICES__MICROPHONE": "null",
            "VOXSPARK_DEVICES__SPEAKER": "null",
        }
        self.most_held_bytes = 0
        """By all models of the server together, at any time so far."""
        self.call = portal.call
        """A function's or coroutine function's result, on the server's loop."""
        self._folder = folder
        self._total_bytes, self._available_bytes = total_bytes, available_bytes
        (folder / "modules").mkdir()
        shutil.copy(Path(__file__).with_name("gb10_nvml.py"), folder / "modules" / "pynvml.py")
        (folder / "proc" / "pressure").mkdir(parents=True)
        (folder / "proc" / "pressure" / "memory").write_text(PRESSURE)
        server.memory.loaded = Held(self._show)
        server.memory.bytes = available_bytes
        self._show()

    def _show(self) -> None:
        """Write what the kernel would say, whole lines at any time."""
        held = sum(runner.size_bytes + CUDA_CONTEXT_BYTES for runner in self.server.memory.loaded.values())
        self.most_held_bytes = max(self.most_held_bytes, held)
        available = self._available_bytes - held
        new = self._folder / "proc" / "meminfo.new"
        new.write_text(MEMINFO.format(total=self._total_bytes // 1024, available=available // 1024))
        new.replace(self._folder / "proc" / "meminfo")

    @property
    def held(self) -> set[str]:
        """The tags that are in memory."""
        return set(self.server.memory.loaded)

    # ── on the server's loop ────────────────────────────────────────────────────────────────────

    def until(self, condition: Callable[[], object], what: str, seconds: float = 30.0) -> None:
        """Return when it holds there."""

        async def holds() -> bool:
            with anyio.move_on_after(seconds):
                while not condition():
                    await anyio.sleep(0.01)
                return True
            return False

        assert self.call(holds), f"no {what} within {seconds} s; asked so far: {self.server.paths()}"

    # ── what is there ───────────────────────────────────────────────────────────────────────────

    def pull(self, *models: str) -> None:
        """Models of the catalogue are on the disk of the server."""
        catalogue = load_catalogue()
        for model in (catalogue.models[key] for key in models):
            self.server.models[model.id] = served(model)

    def pull_profile(self, profile: str) -> None:
        """All that Ollama runs of a shipped profile."""
        catalogue = load_catalogue()
        posts = find_profile(profile, catalogue).roles.values()
        self.pull(*(post.model for post in posts if catalogue.models[post.model].runner == "ollama"))

    def hide(self, package: str) -> None:
        """An installed package is none for the daemon."""
        (self._folder / "modules" / f"{package}.py").touch()

    def write_settings(self, name: str, lines: Iterable[str]) -> None:
        """A file of the user's: `models.toml`, `profiles/mine.toml`."""
        path = Path(self.env["XDG_CONFIG_HOME"]) / "voxspark" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(lines))


def served(model: Model) -> Served:
    """On the server it takes what the catalogue says, but for the CUDA context, which Ollama does not count."""
    able = set(model.capabilities)
    return Served(
        capabilities=("embedding",) if "embedding" in able else ("completion", *sorted(able)),
        weights_bytes=model.weights_bytes + model.overhead_bytes - CUDA_CONTEXT_BYTES,
        kv_bytes_per_token=model.kv_bytes_per_token,
        family="gptoss" if model.key.startswith("gpt-oss") else "qwen3vl" if "vision" in able else "qwen3",
        context_length=model.max_context_tokens,
    )


@contextmanager
def ollama_machine(
    folder: Path,
    *,
    total_bytes: int = SPARK_BYTES,
    available_bytes: int = SPARK_AVAILABLE_BYTES,
    live: bool = False,
) -> Iterator[OllamaMachine]:
    """A machine with nothing pulled. `folder` is its users' home; `live`: a real model answers chats."""
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(ollama_server(live=live)) as server:
        server.models.clear()
        yield OllamaMachine(portal, server, folder, total_bytes, available_bytes)
