"""All checks of an installation."""

from __future__ import annotations

from pathlib import Path

from voxspark.agent.audit import audit_path, files_of
from voxspark.config import config_path, load_config
from voxspark.doctor.check import Check, Finding
from voxspark.doctor.doors import door_checks, secrets_check
from voxspark.doctor.installation import machine_check, packages_check
from voxspark.doctor.keys import hotkey_check
from voxspark.doctor.memory import memory_checks
from voxspark.doctor.models import TeamChecks
from voxspark.doctor.running import Daemon
from voxspark.doctor.sound import SoundChecks
from voxspark.doctor.units import service_check
from voxspark.errors import ConfigError
from voxspark.kit import database_path, mute_path


def all_checks(config_file: Path | None) -> list[Check]:
    """In the order in which they are worked through; without a configuration those that need none."""

    async def configuration() -> Finding:
        load_config(config_file)
        file = config_file or config_path()
        return Finding("ok", str(file) if file.exists() else f"as shipped; yours would be {file}")

    checks = [packages_check(), Check("configuration", configuration)]
    memory = memory_checks(database_path(), files_of(audit_path()))
    try:
        config = load_config(config_file)
    except ConfigError:
        return [*checks, *memory]
    daemon = Daemon(config)
    return [
        *checks,
        secrets_check(config_file or config_path()),
        machine_check(config),
        *memory,
        *TeamChecks(config, daemon).checks,
        *SoundChecks(config, daemon, mute_path()).checks,
        hotkey_check(config.hotkey, daemon),
        *door_checks(config),
        service_check(),
        daemon.check(),
    ]
