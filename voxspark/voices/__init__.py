"""The library of voices: a folder each, shipped or the user's own."""

from voxspark.voices.shelf import Chosen, Shelf, shelf
from voxspark.voices.voice import Reference, Voice, read_voice

__all__ = ["Chosen", "Reference", "Shelf", "Voice", "read_voice", "shelf"]
