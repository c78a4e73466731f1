"""VoxSpark: a voice assistant that lives on your own Linux machine."""

__version__ = "0.1.0"
