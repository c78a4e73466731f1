"""What this process takes of the machine."""

from __future__ import annotations

import resource
from pathlib import Path


def resident_bytes() -> int:
    """Resident set now (proc_pid_statm(5): the second field, in pages)."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def peak_resident_bytes() -> int:
    """The largest that it was (getrusage(2): in kibibytes)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
