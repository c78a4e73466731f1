"""Which models are in memory, and why: the memory plan."""
