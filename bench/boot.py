"""A booted machine with VoxSpark as its service: everything that `tests/boot_inside.py` knows, and how long it takes.

    sudo -E python -m bench.boot --output bench/results/boot.json

Needs root and systemd-container. Seconds depend on the disk and on who else works.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

from tests.booted_machine import boot

WHOLE = (
    *("booted", "install", "reload", "killed", "stopped", "late", "activated", "user"),
    *("reboot", "booted", "rebooted", "user"),
)
SECONDS = 600.0


def main() -> None:
    """Boot, do all of it, print and keep what came of it; ends with 1 where something failed."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--output", type=Path, default=Path("bench/results/boot.json"))
    output: Path = options.parse_args().output
    with tempfile.TemporaryDirectory() as folder:
        found = boot(Path(folder), "tests.boot_inside", *WHOLE, seconds=SECONDS)
    for each in found:
        outcome = each.get("error") or each.get("answer") or each.get("running", "")
        print(f"{each['what']:<12}{each['took_seconds']:>6.1f} s  {outcome}")
    output.write_text(json.dumps(found, indent=1) + "\n")
    if any("error" in each for each in found):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
