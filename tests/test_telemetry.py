"""Nothing leaves the machine: the libraries that engines run on tell nobody."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.daemon_process import CHECKOUT

USE = """
import voxspark, onnxruntime
from voxspark.engines.bundled import locate
from voxspark.engines.registry import find
find("end_of_turn", "smart_turn").create(locate("smart-turn"))
onnxruntime.get_available_providers()
"""


def test_onnxruntime_keeps_no_identifier_and_sends_nothing(tmp_path: Path) -> None:
    """It makes the identifier when it sets up the upload, in the moment it is loaded."""
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(CHECKOUT), "HOME": str(tmp_path)}
    subprocess.run([sys.executable, "-c", USE], env=env, cwd=tmp_path, check=True, timeout=60)
    assert [path for path in tmp_path.rglob("*") if "onnxruntime" in path.name or path.name == "deviceid"] == []
