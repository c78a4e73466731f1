"""VoxSpark: a voice assistant that lives on your own Linux machine."""

import os

__version__ = "0.1.0"

os.environ["ORT_DISABLE_TELEMETRY"] = "1"
# From version 1.29 on onnxruntime, which ears, voices and judges run on, tells Microsoft of every process that uses it,
# under an identifier that it keeps in ~/.cache. It looks at this once, when it is first loaded; workers inherit it.
