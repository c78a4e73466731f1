"""The units in a machine that is booted, and booted again. One machine for all: see `boot_inside` for what is done."""

from __future__ import annotations

from typing import Any

import pytest

from tests.booted_machine import boot

SHORT = ("booted", "install", "reload", "killed", "stopped", "late", "activated", "reboot", "booted", "rebooted")
ANSWER = "That's 144."
TEA = ["tea timer"]

Found = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Found:
    told = {
        line.pop("what"): line for line in boot(tmp_path_factory.mktemp("m"), "tests.boot_inside", *SHORT, seconds=220)
    }
    assert not [line["error"] for line in told.values() if "error" in line]
    return told


@pytest.mark.real
def test_it_is_installed_and_whoever_asks_while_it_loads_is_answered(found: Found) -> None:
    assert found["booted"]["running"] == "running"
    install = found["install"]
    assert install["steps"][0] == "write /etc/systemd/system/voxspark.socket"
    assert not [step for step in install["again"] if step.startswith("write")]
    assert install["loading"]["ActiveState"] == "activating"
    assert install["answer"] == ANSWER
    assert install["verified"] == ""
    user, groups = install["identity"]
    assert user == "voxspark"
    assert {"audio", "input"} <= set(groups.split(","))


@pytest.mark.real
def test_ready_and_its_state_are_seen(found: Found) -> None:
    install = found["install"]
    assert install["ready"] == {"StatusText": "No microphone; listening to the socket", "NRestarts": "0"}
    assert install["status_code"] == 0
    assert "answers     yes" in install["status"]
    assert "microphone-not-found" in install["priorities"]
    assert "Loading" not in install["priorities"]


@pytest.mark.real
def test_the_configuration_is_read_again(found: Found) -> None:
    reload = found["reload"]
    assert reload["reloaded"] == 0
    assert reload["good"].endswith("needs a restart: devices.microphone")
    assert "configuration not read: /etc/voxspark/config.toml is not valid TOML" in reload["bad"]
    assert reload["answer"] == ANSWER


@pytest.mark.real
def test_killed_or_standing_still_it_comes_back_with_its_timers(found: Found) -> None:
    killed, stopped = found["killed"], found["stopped"]
    assert (killed["answer"], killed["timers"], killed["restarts"]) == (ANSWER, TEA, "1")
    assert "Watchdog timeout" in stopped["why"]
    assert (stopped["answer"], stopped["timers"]) == (ANSWER, TEA)


@pytest.mark.real
def test_sound_server_and_ollama_may_come_late(found: Found) -> None:
    late = found["late"]
    assert all(state.startswith("lost") for state in late["without"].values()), late["without"]
    assert late["alone"].startswith("Ollama does not answer")
    assert late["after"] == {"microphone": "open", "speaker": "open", "standing": "Listening"}
    assert late["answer"] == "Hello there."


@pytest.mark.real
def test_stopped_in_order_the_first_question_starts_it(found: Found) -> None:
    activated = found["activated"]
    assert activated["down"] == {
        "ActiveState": "inactive",
        "Result": "success",
        "ExecMainCode": "1",
        "ExecMainStatus": "0",
    }
    assert activated["seconds"] < 15
    assert activated["socket"] == "active"
    assert (activated["answer"], activated["timers"]) == (ANSWER, TEA)


@pytest.mark.real
def test_booted_again_it_is_there(found: Found) -> None:
    rebooted = found["rebooted"]
    assert (rebooted["answer"], rebooted["timers"]) == (ANSWER, TEA)
    assert rebooted["state"]["ActiveState"] == "active"
