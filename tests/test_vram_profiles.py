"""Profiles: that each fits the machine it is for, with its arithmetic; what is refused; and what `auto` picks."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.vram_teams import CATALOGUE, LAPTOP, PROFILES, SPARK, WORKSTATION
from voxspark.errors import ConfigError
from voxspark.vram import profiles
from voxspark.vram.catalogue import GB
from voxspark.vram.profiles import check, choose, find_profile, load_profiles, missing_tags
from voxspark.vram.state import GIB, Budget, Request, default_floor_bytes
from voxspark.vram.team import Team

WHOLE_SPARK = Budget(total_bytes=int(121.69 * GIB), floor_bytes=16 * GIB)
UNIFIED_LAPTOP = Budget(total_bytes=8 * GIB, floor_bytes=3 * GIB // 2)


@pytest.mark.parametrize(
    ("key", "context_tokens", "budget", "gigabytes"),
    [
        ("everyday", 8192, SPARK, 96.8),
        ("everyday", 32_768, SPARK, 101.2),
        ("everyday", 32_768, WHOLE_SPARK, 101.2),
        ("full-power", 8192, SPARK, 90.4),
        ("full-power", 32_768, SPARK, 99.2),
        ("swarm", 8192, SPARK, 73.6),
        ("workstation-24gb", 8192, WORKSTATION, 23.2),
        ("laptop-8gb", 8192, LAPTOP, 5.0),
        ("laptop-8gb", 8192, UNIFIED_LAPTOP, 6.1),
        ("embedded", 2048, UNIFIED_LAPTOP, 0.69),
    ],
)
def test_each_profile_fits_the_machine_it_is_for(
    key: str, context_tokens: int, budget: Budget, gigabytes: float
) -> None:
    verdict = check(PROFILES[key].at_context(context_tokens), budget, CATALOGUE)
    assert verdict.fits, verdict.table()
    assert verdict.total_bytes / GB == pytest.approx(gigabytes, rel=0.02)
    verdict.require()


@pytest.mark.parametrize(("context_tokens", "gigabytes"), [(8192, 93.1), (32_768, 101.2)])
def test_everyday_opens_with_what_the_facts_compute(context_tokens: int, gigabytes: float) -> None:
    team = Team(PROFILES["everyday"].at_context(context_tokens), CATALOGUE)
    rungs = [team.ladder(Request(id="", role=role, at=0.0))[0] for role in team.opening()]
    assert {rung.model for rung in rungs} >= {"gpt-oss-120b", "qwen3-8b", "qwen3-vl-8b"}
    assert sum(rung.bytes for rung in rungs) / GB == pytest.approx(gigabytes, rel=0.02)


def test_full_power_without_its_slots_does_not_fit(tmp_path: Path) -> None:
    text = (Path(profiles.__file__).with_name("profiles") / "full-power.toml").read_text("utf-8")
    (tmp_path / "all-at-once.toml").write_text(text.partition("[exclusive]")[0].replace('"demand"', '"resident"'))
    together = load_profiles(CATALOGUE, tmp_path)["all-at-once"]
    verdict = check(together, WHOLE_SPARK, CATALOGUE)
    assert not verdict.fits
    assert verdict.total_bytes / GB == pytest.approx(138.7, rel=0.02)
    with pytest.raises(ConfigError) as caught:
        verdict.require()
    assert caught.value.code == "profile-too-large"
    assert "needs 25.2 GB more than memory has" in caught.value.message
    assert "DeepSeek-R1-Distill Qwen 32B" in caught.value.remedy
    assert "138.70" in caught.value.remedy


def test_the_swarm_is_one_copy_with_eight_slots() -> None:
    rows = {row.model: row for row in check(PROFILES["swarm"], SPARK, CATALOGUE).rows}
    assert rows["qwen3-8b"].need.slots == 8
    assert rows["qwen3-8b"].total_bytes / GB == pytest.approx(16.2, rel=0.02)


def test_roles_that_share_a_model_count_once() -> None:
    rows = check(PROFILES["full-power"], SPARK, CATALOGUE).rows
    assert [row.roles for row in rows if row.model == "qwen3-coder-30b"] == [("worker", "coder")]


def test_a_measured_size_takes_the_place_of_the_estimate() -> None:
    measured: profiles.Measured = {("qwen3-vl-8b", 8192, 1, "f16"): 40_000_000_000}
    verdict = check(PROFILES["everyday"], SPARK, CATALOGUE, measured)
    assert not verdict.fits
    assert "Qwen3-VL 8B" in verdict.table()


def test_models_on_the_processor_need_memory_there() -> None:
    bare = Budget(total_bytes=24 * GIB, floor_bytes=GIB, unified=False)
    verdict = check(PROFILES["workstation-24gb"], bare, CATALOGUE)
    assert not verdict.fits
    assert "the CPU's memory" in verdict.reason


def test_floors() -> None:
    assert default_floor_bytes(int(121.69 * GIB), unified=True) == 16 * GIB
    assert default_floor_bytes(8 * GIB, unified=True) == 3 * GIB // 2
    assert default_floor_bytes(4 * GIB, unified=True) == GIB
    assert default_floor_bytes(24 * GIB, unified=False) == 3 * GIB // 2


# ── auto ────────────────────────────────────────────────────────────────────────────────────────

FIRST_WAVE = ["qwen3:8b", "qwen3-coder:30b", "qwen3-vl:8b", "nomic-embed-text-v2-moe:latest"]


@pytest.mark.parametrize(
    ("budget", "pulled", "key"),
    [
        (SPARK, [*FIRST_WAVE, "gpt-oss:120b"], "everyday"),
        (SPARK, [*FIRST_WAVE, "qwen3:32b", "qwen3-vl:32b"], "full-power"),
        (SPARK, [*FIRST_WAVE, "qwen3:14b"], "swarm"),
        (SPARK, FIRST_WAVE, "workstation-24gb"),
        (WORKSTATION, [*FIRST_WAVE, "gpt-oss:120b"], "workstation-24gb"),
        (WORKSTATION, [], "embedded"),
        (LAPTOP, ["qwen3:4b-instruct", "all-minilm:latest"], "laptop-8gb"),
        (UNIFIED_LAPTOP, [], "embedded"),
    ],
)
def test_auto_picks_by_the_machine_and_what_is_pulled(budget: Budget, pulled: list[str], key: str) -> None:
    choice = choose(PROFILES, CATALOGUE, budget, pulled)
    assert choice.profile.key == key
    assert choice.reasons[-1].startswith(f"The profile {key} fits")


def test_auto_says_what_to_pull_for_more() -> None:
    reasons = choose(PROFILES, CATALOGUE, SPARK, FIRST_WAVE).reasons
    assert "The profile everyday fits, but gpt-oss:120b is not pulled." in reasons


def test_auto_finds_nothing_on_no_memory() -> None:
    with pytest.raises(ConfigError) as caught:
        choose(PROFILES, CATALOGUE, Budget(total_bytes=GIB, floor_bytes=GIB), [])
    assert caught.value.code == "profile-none-fits"


def test_missing_tags_with_and_without_those_on_demand() -> None:
    everyday = PROFILES["everyday"]
    assert missing_tags(everyday, CATALOGUE, [*FIRST_WAVE, "gpt-oss:120b"], on_demand=True) == []
    pulled = ["gpt-oss:120b", "qwen3:8b", "qwen3-vl:8b", "nomic-embed-text-v2-moe"]
    assert missing_tags(everyday, CATALOGUE, pulled, on_demand=False) == []
    assert missing_tags(everyday, CATALOGUE, pulled, on_demand=True) == ["qwen3-coder:30b"]


# ── the user's own ──────────────────────────────────────────────────────────────────────────────

MINE = """
title = "Mine"
[roles.worker]
model = "qwen3:8b"
hold = "resident"
alternatives = ["qwen3:4b"]
[roles.coder]
model = "DeepSeek-Coder-V3"
hold = "demand"
[exclusive]
slot = [["worker"], ["coder"]]
"""


def written(folder: Path, text: str, name: str = "mine") -> Path:
    (folder / f"{name}.toml").write_text(text, "utf-8")
    return folder


def test_users_write_their_own_with_any_name_a_model_has(tmp_path: Path) -> None:
    mine = load_profiles(CATALOGUE, written(tmp_path, MINE))["mine"]
    assert mine.roles["worker"].model == "qwen3-8b"
    assert mine.rivals("coder") == {"worker"}
    assert any("There is no DeepSeek-Coder-V3" in note for note in mine.notes)


def test_users_replace_a_shipped_one(tmp_path: Path) -> None:
    assert load_profiles(CATALOGUE, written(tmp_path, MINE, "everyday"))["everyday"].title == "Mine"


@pytest.mark.parametrize(
    ("change", "code", "says"),
    [
        (("title", "titel"), "config-unknown-key", "Did you mean title?"),
        (("[roles.worker]", "[roles.wroker]"), "config-unknown-key", "Did you mean roles.worker?"),
        (("hold =", "holds ="), "config-unknown-key", "Did you mean roles.worker.hold?"),
        (('"qwen3:8b"', '"qwen3:9b"'), "config-value", "Did you mean qwen3:8b"),
        (('"resident"', '"forever"'), "config-value", "pinned, resident, demand"),
        (('"resident"', '"pinned"'), "config-value", "pins worker and lets it give way"),
        (('["coder"]]', '["worker"]]'), "config-value", "puts worker in two places"),
        (('["coder"]]', '["painter"]]'), "config-unknown-key", "painter"),
        (('slot = [["worker"], ["coder"]]', "slot = 3"), "config-value", "a list"),
        (('title = "Mine"', ""), "config-missing-key", "title"),
        (('title = "Mine"', 'title = "Mine"\nroles = 3'), "config-syntax", "mine.toml"),
    ],
)
def test_mistakes_in_a_profile_are_named(tmp_path: Path, change: tuple[str, str], code: str, says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_profiles(CATALOGUE, written(tmp_path, MINE.replace(*change, 1)))
    assert caught.value.code == code
    assert says in str(caught.value)


def test_a_model_in_two_sizes_is_refused_because_it_would_load_anew_at_every_change(tmp_path: Path) -> None:
    text = MINE.replace("DeepSeek-Coder-V3", "qwen3:8b").replace('"demand"', '"demand"\ncontext_tokens = 4096')
    with pytest.raises(ConfigError) as caught:
        load_profiles(CATALOGUE, written(tmp_path, text))
    assert caught.value.code == "profile-two-sizes"
    assert "worker and coder" in caught.value.message


def test_one_profile_by_name(tmp_path: Path) -> None:
    assert find_profile("mine", CATALOGUE, written(tmp_path, MINE)).title == "Mine"
    assert find_profile("everyday", CATALOGUE, tmp_path) == PROFILES["everyday"]
    for name, hint in (("evryday", "Did you mean everyday?"), ("zzz", "Known: auto, embedded")):
        with pytest.raises(ConfigError) as caught:
            find_profile(name, CATALOGUE, tmp_path)
        assert caught.value.code == "profile-unknown"
        assert hint in caught.value.remedy


def test_a_profile_without_roles_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load_profiles(CATALOGUE, written(tmp_path, 'title = "Empty"'))
    assert caught.value.code == "config-missing-key"
