"""A machine that is really booted: this one's files under a layer of its own, with systemd as its first process.

    found = boot(tmp_path, "tests.boot_inside", "reload", "reboot", seconds=120)

The module runs as root in there once the machine is up, is named what it shall do, and writes JSON lines to
`/out/results.jsonl`; it ends the machine by `systemctl poweroff`. What it writes elsewhere is thrown away, but kept
over a reboot. This Python, what is installed in it and this checkout are seen in places that a system service sees:
`/opt/voxspark` (an environment), `/opt/python`, `/opt/source`. Needs root and the package systemd-container.
"""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).parent.parent
PYTHON = "/opt/voxspark/bin/python"
VERSION = f"python{sys.version_info.major}.{sys.version_info.minor}"
ENVIRONMENT = {
    "PYTHONPATH": "/opt/source",
    "PYTHONDONTWRITEBYTECODE": "1",
    "LD_LIBRARY_PATH": "/opt/python/lib",
    "HF_HUB_OFFLINE": "1",
}

UNIT = f"""
[Unit]
Description=What is tested
After=multi-user.target
[Service]
Type=exec
WorkingDirectory=/
StandardOutput=append:/out/log
StandardError=append:/out/log
Environment=HOME=/root {" ".join(f"{name}={value}" for name, value in ENVIRONMENT.items())}
ExecStart={PYTHON} -m {{module}} {{words}}
"""

BUILD = """
set -e
mount -t tmpfs tmpfs {layer}
mkdir {layer}/upper {layer}/work {layer}/root
mount -t overlay overlay -o lowerdir=/,upperdir={layer}/upper,workdir={layer}/work {layer}/root
mkdir -p {layer}/root/opt/voxspark/bin {layer}/root/opt/voxspark/lib/{version}/site-packages
ln -s /opt/python/bin/{version} {layer}/root{python}
printf 'home = /opt/python/bin\\ninclude-system-site-packages = false\\n' > {layer}/root/opt/voxspark/pyvenv.cfg
until systemd-nspawn {options}; do [ $? = 133 ] || exit 1; done  # 133: it wants to be booted again
"""


def boot(folder: Path, module: str, *words: str, seconds: float) -> list[dict[str, Any]]:
    """What the module has written. Raises AssertionError, with its log, when the machine is not off in time."""
    layer, out = folder / "layer", folder / "out"
    layer.mkdir()
    out.mkdir()
    unit = folder / "tested.service"
    unit.write_text(UNIT.format(module=module, words=" ".join(words)))
    binds = {
        sys.base_prefix: "/opt/python",
        sysconfig.get_path("purelib"): f"/opt/voxspark/lib/{VERSION}/site-packages",
        str(CHECKOUT): "/opt/source",
        str(unit): "/etc/systemd/system/tested.service",
    }
    options = [
        f"--directory={layer}/root",
        "--boot",
        f"--machine=voxspark-{os.getpid()}",
        *("--register=no", "--keep-unit", "--link-journal=no", "--private-network", "--console=pipe"),
        f"--bind={out}:/out",
        *(f"--bind-ro={here}:{there}" for here, there in binds.items()),
        "systemd.wants=tested.service",
    ]
    build = BUILD.format(layer=layer, version=VERSION, python=PYTHON, options=shlex.join(options))
    command = ["unshare", "--mount", "--propagation", "private", "bash", "-c", build]
    with (
        (folder / "console").open("wb") as console,
        subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=console, stderr=console, start_new_session=True
        ) as machine,
    ):
        try:
            code: int | None = machine.wait(seconds)
        except subprocess.TimeoutExpired:
            os.killpg(machine.pid, signal.SIGKILL)  # what runs in it goes with it
            code = None
    log, results = out / "log", out / "results.jsonl"
    told = f"{(folder / 'console').read_text(errors='replace')[-4000:]}\n{log.read_text() if log.exists() else ''}"
    assert code == 0, f"the machine was {'not off in time' if code is None else 'never up'}:\n{told}"
    assert results.exists(), told
    return [json.loads(line) for line in results.read_text().splitlines()]
