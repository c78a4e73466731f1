"""`voxspark plan` and `voxspark models`: what is in memory, what would be, and why."""

from voxspark.cli_plan.catalogue import models
from voxspark.cli_plan.planning import plan

__all__ = ["models", "plan"]
