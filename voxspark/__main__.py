"""`voxspark` and `python -m voxspark`."""

from __future__ import annotations


def main() -> None:
    """Run the command line."""
    from voxspark.cli import cli

    cli(prog_name="voxspark")


if __name__ == "__main__":
    main()
