"""How long the memory plan takes: planning one request among 50 models, and loading the catalogue and the profiles.

Run: python bench/vram_planner.py
"""

from __future__ import annotations

import subprocess
import sys
import timeit
from dataclasses import replace

from voxspark.vram.catalogue import builtin
from voxspark.vram.planner import plan
from voxspark.vram.profiles import load_profiles
from voxspark.vram.state import GIB, Budget, Foreign, Memory, Request
from voxspark.vram.team import Team

MODELS = 50
REPEATS = 200

COLD = """
import time, tomllib, difflib, dataclasses, typing, pathlib, voxspark.errors
began = time.perf_counter()
from voxspark.vram.catalogue import load_catalogue
catalogue = load_catalogue()
middle = time.perf_counter()
from voxspark.vram.profiles import load_profiles
load_profiles(catalogue)
print((middle - began) * 1e3, (time.perf_counter() - middle) * 1e3)
"""


def crowd(team: Team) -> Memory:
    """50 models of 2 GB in memory, a foreign one, and little room."""
    model = replace(team.ladder(Request(id="", role="worker", at=0.0))[0].reserve(0.0), state="resident")
    residents = tuple(
        replace(model, model=f"model-{n}", bytes=2_000_000_000, last_used_at=float(n), leases=int(n % 7 == 0))
        for n in range(MODELS)
    )
    return Memory(residents=residents, foreign=(Foreign("other", 3_000_000_000),))


def milliseconds(budget: Budget, team: Team, memory: Memory, requests: list[Request]) -> float:
    """Best of ten rounds, per plan."""
    rounds = timeit.repeat(lambda: plan(budget, team, memory, requests, 5000.0), number=REPEATS // 10, repeat=10)
    return min(rounds) / (REPEATS // 10) * 1e3


def main() -> None:
    catalogue = builtin()
    team = Team(load_profiles(catalogue)["full-power"], catalogue)
    budget, memory = Budget(total_bytes=int(121.69 * GIB), floor_bytes=16 * GIB), crowd(team)
    for role, patience in (("coder", 600.0), ("reasoner", 0.0), ("image", 600.0)):
        took = milliseconds(budget, team, memory, [Request(id="a", role=role, at=0.0, patience_seconds=patience)])
        print(f"plan one request ({role}), {MODELS} models: {took:.3f} ms")
    queue = [Request(id=str(n), role="coder", at=float(n)) for n in range(32)]
    print(f"plan 32 requests, {MODELS} models: {milliseconds(budget, team, memory, queue):.3f} ms")
    cold = [
        [float(part) for part in subprocess.check_output([sys.executable, "-c", COLD], text=True).split()]
        for _ in range(5)
    ]
    catalogue_ms, profiles_ms = (min(each[part] for each in cold) for part in (0, 1))
    print(f"import and load, cold: catalogue {catalogue_ms:.1f} ms, all profiles {profiles_ms:.1f} ms")


if __name__ == "__main__":
    main()
