"""VoxSpark as a service of systemd: is it set up, is it as this version wants it, does it stay up?"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from functools import partial

import anyio.to_thread

from voxspark.doctor.check import FIX, Check, Finding
from voxspark.errors import VoxSparkError
from voxspark.service.setup import Machine, check_install, last_error, outdated, renew, shown
from voxspark.service.units import SERVICE, SOCKET, Scope

INSTALL = "voxspark service install"

GRAVITY = ("ok", "problem", "broken")


def service_check(machines: Sequence[Machine] = (Machine(Scope(False)), Machine(Scope(True)))) -> Check:
    """Of the user's units and those of the machine."""
    in_thread = anyio.to_thread.run_sync
    return Check("service", partial(in_thread, partial(_look, machines)), partial(in_thread, partial(_fix, machines)))


def _look(machines: Sequence[Machine]) -> Finding:
    there = [machine for machine in machines if _installed(machine)]
    if not there:
        try:
            machines[-1].check()
        except VoxSparkError as error:
            return Finding("ok", f"none: {error.message} {error.remedy}")
        return Finding("ok", f"not set up; to have it start with the machine: {INSTALL}")
    if len(there) > 1:
        remedy = "Run: voxspark service uninstall, here or with --system"
        return Finding("problem", "set up twice, for you and for the machine: one takes the other's devices", remedy)
    return judged(there[0])


def judged(machine: Machine) -> Finding:
    """Of one that is set up. Raises VoxSparkError where the manager cannot be asked."""
    system = machine.scope.system
    whose = "of the machine" if system else "of this user"
    try:
        machine.check()
    except VoxSparkError as error:
        return Finding("problem", f"{whose}: {error.message}", error.remedy)
    told = _standing(machine, whose)
    service, socket = (shown(machine, unit) for unit in (SERVICE, SOCKET))
    journal = f"See: {shlex.join([*machine.scope.journalctl, '--priority=err'])}"
    if service.get("ActiveState") == "failed" or socket.get("ActiveState") == "failed":
        return Finding("broken", told, journal)
    if changed := outdated(machine):
        return Finding("problem", f"{told}; not as this version writes it: {', '.join(map(str, changed))}", FIX)
    if not all(unit.get("UnitFileState") == "enabled" for unit in (service, socket)):
        return Finding("problem", f"{told}; it does not start by itself", f"Run: {INSTALL}{' --system' * system}")
    if service.get("NRestarts", "0") not in ("", "0"):
        return Finding("problem", told, journal)
    return Finding("ok", told)


def _standing(machine: Machine, whose: str) -> str:
    service = shown(machine, SERVICE)
    words = [f"{whose}, {service.get('ActiveState', 'unknown')} ({service.get('SubState', '')})"]
    words += [f"says: {said}" for said in [service.get("StatusText", "")] if said]
    if not machine.scope.system:
        words.append("from boot on" if machine.lingers else "from login on")
    if service.get("NRestarts", "0") not in ("", "0") or service.get("ActiveState") == "failed":
        words.append(f"restarted {service.get('NRestarts', '0')} times")
        words += [f"the last error: {error}" for error in [last_error(machine)] if error]
    return ", ".join(words)


def _fix(machines: Sequence[Machine]) -> str:
    """Units of older versions, or of another place, become this one's; what runs goes on."""
    done = []
    for machine in machines:
        if _installed(machine) and outdated(machine):
            check_install(machine)
            for step in renew(machine):
                if step.do is not None:
                    step.do()
                done.append(step.says)
            done.append(f"for the daemon that runs: {shlex.join([*machine.scope.systemctl, 'restart', SERVICE])}")
    return "\n".join(done)


def _installed(machine: Machine) -> bool:
    return (machine.scope.folder / SERVICE).exists()
