"""The daemon as a systemd service: what it tells the manager, what it inherits from it, and its units."""
