"""The doctor's look at packages, machine and Ollama's service."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

from voxspark.config import Config
from voxspark.doctor.installation import judged_machine, packages
from voxspark.doctor.ollama_service import judged_settings, service_environment
from voxspark.roster import named_roster
from voxspark.vram.probes import Machine, ProcFiles
from voxspark.vram.state import GIB, Budget

REQUIRES = ["anyio>=4.8", "click>=8.1", 'dbus-fast>=5.2; extra == "desktop"', 'tomli>=2; python_version < "3"']


def versions(**found: str) -> Mapping[str, str]:
    return {"voxspark": "0.1.0", "anyio": "4.9", "click": "8.2"} | found


def looked(found: Mapping[str, str]) -> tuple[str, str, str]:
    def version(name: str) -> str:
        if name not in found:
            raise PackageNotFoundError(name)
        return found[name]

    finding = packages(lambda _: REQUIRES, version)
    return finding.state, finding.detail, finding.remedy


def test_packages_that_are_there() -> None:
    state, detail, _ = looked(versions())
    assert state == "ok"
    assert detail.startswith("VoxSpark 0.1.0, Python 3.")
    assert "desktop" not in detail
    assert "desktop" in looked(versions(**{"dbus-fast": "5.2.1"}))[1]


@pytest.mark.parametrize("anyio", ["4.7.9", ""])
def test_a_package_that_is_too_old_or_missing(anyio: str) -> None:
    found = {name: version for name, version in versions(anyio=anyio).items() if version}
    state, detail, remedy = looked(found)
    assert state == "broken"
    assert detail.endswith("missing or too old: anyio>=4.8")
    assert remedy == "Run: pip install 'anyio>=4.8'"


def test_a_checkout_that_was_never_installed() -> None:
    assert looked({})[0] == "broken"


# ── the machine ─────────────────────────────────────────────────────────────────────────────────

MEMINFO = "MemTotal: 125829120 kB\nMemAvailable: 117440512 kB\nSwapFree: {swap} kB\n"
UNIFIED = Machine("unified", Budget(total_bytes=120 * GIB, floor_bytes=16 * GIB), "GB10 shares the host's memory.")


def proc(folder: Path, *, full: float = 0.0, free: str = "0 0 0 0 0 0 0 0 0 0 9000", swap: int = 0) -> ProcFiles:
    (folder / "pressure").mkdir()
    lines = [f"{kind} avg10={full:.2f} avg60=0.00 avg300=0.00 total=0" for kind in ("some", "full")]
    (folder / "pressure" / "memory").write_text("\n".join(lines) + "\n")
    (folder / "buddyinfo").write_text(f"Node 0, zone   Normal {free}\n")
    (folder / "meminfo").write_text(MEMINFO.format(swap=swap))
    return ProcFiles(folder)


def test_a_machine_that_has_room(tmp_path: Path) -> None:
    assert judged_machine(UNIFIED, proc(tmp_path)).state == "ok"


def test_a_machine_that_is_short_of_memory(tmp_path: Path) -> None:
    finding = judged_machine(UNIFIED, proc(tmp_path, full=31.5))
    assert finding.state == "problem"
    assert "32 % of the last 10 seconds" in finding.detail


def test_scattered_memory_matters_where_there_is_a_graphics_driver(tmp_path: Path) -> None:
    scattered = proc(tmp_path, free="90000 1 0 0 0 0 0 0 0 0 0")
    assert "compact_memory" in judged_machine(UNIFIED, scattered).remedy
    host = Machine("host", UNIFIED.budget, "No usable GPU.")
    assert judged_machine(host, scattered).state == "ok"


def test_swap_is_told_on_unified_memory(tmp_path: Path) -> None:
    assert "earlyoom" in judged_machine(UNIFIED, proc(tmp_path, swap=16_000_000)).detail


def test_a_machine_that_tells_nothing(tmp_path: Path) -> None:
    unknown = Machine("unknown", Budget(total_bytes=0, floor_bytes=0), "/nowhere/meminfo cannot be read.")
    assert judged_machine(unknown, ProcFiles(tmp_path)).state == "problem"


# ── Ollama's service ────────────────────────────────────────────────────────────────────────────


def judged(profile: str, **environment: str) -> tuple[str, str, str]:
    finding = judged_settings(environment, named_roster(Config(profile=profile)))
    return finding.state, finding.detail, finding.remedy


def test_a_swarm_wants_slots_and_more_models() -> None:
    state, detail, remedy = judged("swarm")
    assert state == "problem"
    assert "OLLAMA_NUM_PARALLEL=8" in detail
    assert 'Environment="OLLAMA_NUM_PARALLEL=8"' in remedy.splitlines()
    assert "sudo systemctl edit ollama.service" in remedy
    enough = {"OLLAMA_NUM_PARALLEL": "8", "OLLAMA_MAX_LOADED_MODELS": "8"}
    assert judged("swarm", **enough)[0] == "ok"


def test_a_cache_of_another_type_spoils_the_arithmetic() -> None:
    state, detail, _ = judged("laptop-8gb", OLLAMA_KV_CACHE_TYPE="q4_0", OLLAMA_MAX_LOADED_MODELS="0")
    assert state == "problem"
    assert "OLLAMA_KV_CACHE_TYPE" in detail


@pytest.mark.parametrize("host", ["0.0.0.0", "0.0.0.0:11434", "http://0.0.0.0:11434", "[::]:11434"])
def test_a_server_for_the_whole_network_is_told(host: str) -> None:
    assert "network" in judged("ollama", OLLAMA_HOST=host)[1]


@pytest.mark.parametrize("host", ["", "127.0.0.1:11434", "http://localhost:11434"])
def test_a_server_for_this_machine_is_well(host: str) -> None:
    assert judged("ollama", OLLAMA_HOST=host)[0] == "ok"


def test_what_systemd_tells_of_the_service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = tmp_path / "told"
    script = tmp_path / "systemctl"
    script.write_text(f"#!/bin/sh\ncat {told}\n")
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    told.write_text('LoadState=loaded\nEnvironment=OLLAMA_HOST=0.0.0.0 "OLLAMA_ORIGINS=a b" OLLAMA_NUM_PARALLEL=8\n')
    assert service_environment() == {
        "OLLAMA_HOST": "0.0.0.0",
        "OLLAMA_ORIGINS": "a b",
        "OLLAMA_NUM_PARALLEL": "8",
    }
    told.write_text("LoadState=not-found\nEnvironment=\n")
    assert service_environment() is None
    script.write_text("#!/bin/sh\nexit 1\n")
    assert service_environment() is None
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    assert service_environment() is None
