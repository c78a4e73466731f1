"""The ledger of a DGX Spark at work, as a daemon's status tells it."""

from __future__ import annotations

from typing import Any

GIB = 1 << 30


def resident(model: str, name: str, roles: list[str], size_bytes: int, **fields: Any) -> dict[str, Any]:
    """One model in memory."""
    return {
        "model": model,
        "name": name,
        "roles": roles,
        "state": "resident",
        "bytes": size_bytes,
        "context_tokens": 8192,
        "slots": 1,
        "device": "gpu",
        "pinned": False,
        "leases": 0,
        "idle_seconds": 12.0,
        "load_seconds": 8.0,
        "reason": f"There is room for {name}.",
    } | fields


def everyday() -> dict[str, Any]:
    """The coder is coming, the eyes are going, somebody else's model is there, and one failed."""
    models = [
        resident("gpt-oss-120b", "GPT-OSS 120B", ["manager", "reasoner"], 67_131_000_000, pinned=True, leases=2),
        resident("csm-1b", "Sesame CSM", ["voice"], 5_000_000_000, pinned=True, context_tokens=2048),
        resident("qwen3-vl-8b", "Qwen3-VL 8B", ["eyes"], 9_308_000_000, state="draining"),
        resident("qwen3-8b", "Qwen3 8B", ["worker"], 7_708_000_000, idle_seconds=400.0),
        resident("qwen3-coder-30b", "Qwen3-Coder 30B-A3B", ["coder"], 10_000_000_000, state="loading"),
    ]
    total, floor = int(121.69 * GIB), 16 * GIB
    foreign, kept = 2_000_000_000, 4_000_000_000
    used = sum(model["bytes"] for model in models) + foreign
    return {
        "profile": "everyday",
        "machine": "NVIDIA GB10 shares the host's memory: 105.7 GiB for models.",
        "total_bytes": total,
        "floor_bytes": floor,
        "capacity_bytes": total - floor,
        "used_bytes": used,
        "kept_for_pins_bytes": kept,
        "free_bytes": total - floor - used - kept,
        "available_bytes": 21_000_000_000,
        "pressure": "soft",
        "models": models,
        "foreign": [{"name": "mistral:7b", "bytes": foreign}],
        "waiting": [
            {"role": "coder", "model": "qwen3-coder-30b", "seconds": 3.5, "reason": "It waits until memory is back."}
        ],
        "failures": [
            {
                "model": "whisper-turbo",
                "code": "worker-died",
                "message": "Whisper died.",
                "remedy": "See its log.",
                "retry_seconds": 30.0,
            }
        ],
        "decisions": [{"at": float(at), "text": f"Decision {at}."} for at in range(49)]
        + [{"at": 95.0, "text": "Qwen3-VL 8B leaves to make room for Qwen3-Coder 30B-A3B."}],
    }
