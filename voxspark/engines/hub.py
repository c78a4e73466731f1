"""Weights that are on this machine already: in a folder, or where `hf download` has left them. Nothing is fetched."""

from __future__ import annotations

import re
from pathlib import Path

from voxspark.errors import EngineError


def folder_of(model: str, index: str) -> Path | None:
    """Where `model`, a folder or a name on the hub, is with its file `index`; None when it is not here."""
    own = Path(model).expanduser()
    if (own / index).is_file():
        return own
    from huggingface_hub import try_to_load_from_cache

    try:
        file = try_to_load_from_cache(model, index)
    except ValueError:  # no name that a hub knows
        return None
    return Path(file).parent if isinstance(file, str) else None


def not_here(model: str) -> str:
    """That the weights `model` are missing, and how to get them."""
    if is_hub_name(model):
        return f"its weights are not on this machine. Run: hf download {model}"
    return f"there are no weights for it in {model}."


def require_folder(
    model: str, index: str, error: type[EngineError], code: str, *, setting: str, example: str, gated: bool = False
) -> Path:
    """The same, or an error of this class and code that says how to get the weights.

    `setting` names the model, as `example` would do; `gated` is for models whose licence has to be accepted first.
    """
    if (folder := folder_of(model, index)) is not None:
        return folder
    if is_hub_name(model):
        remedy = f"{'Accept their licence on huggingface.co, then run' if gated else 'Run'}: hf download {model}"
    else:
        remedy = f"{setting} must be a folder with a {index}, or a name on the hub like {example}."
    raise error(code, f"The weights of {Path(model).name or 'this model'} are not on this machine.", remedy)


def is_hub_name(model: str) -> bool:
    """Whether it can be the name of weights on the hub, like `openai/whisper-large-v3-turbo`."""
    return re.fullmatch(r"\w[\w.-]*/[\w.-]+", model) is not None
