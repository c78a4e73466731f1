"""A voice that gives no speech, which is all that random weights do, is found at the start and is not heard."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests import tiny_csm
from tests.daemon_process import private_env, running_daemon

pytestmark = pytest.mark.real


def test_noise_is_refused_and_told_everywhere(tmp_path: Path) -> None:
    tiny_csm.write(tmp_path / "csm")
    env = private_env(tmp_path) | {"OMP_NUM_THREADS": "1"}
    env |= {"VOXSPARK_VOICE__ENGINE": "csm", "VOXSPARK_VOICE__MODEL": str(tmp_path / "csm" / "endless")}
    with running_daemon(env, "--microphone", "null", "--speaker", "null") as daemon:
        changed = daemon.wait_for("voice_changed")
        assert (changed["voice"], "csm" in changed["instead_of"]) == ("hibari", True)
        assert changed["reason"] in ("It is clipped.", "It is noise.")
        daemon.call("say", "Dinner is ready.")
        assert daemon.wait_for("turn_ended")["heard"] == "Dinner is ready."
        first, second, *_ = json.loads(daemon.call("status", "--json"))["voices"]
        assert first == {"name": changed["instead_of"], "trouble": changed["reason"]}
        assert second == {"name": "hibari", "trouble": ""}
        checks = [json.loads(line) for line in daemon.call("doctor", "--json").splitlines()]
    told = next(check for check in checks if check["check"] == "voice")
    assert (told["state"], told["detail"].endswith(f"is not used now: {changed['reason']}")) == ("problem", True)
