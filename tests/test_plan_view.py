"""What the memory plan looks like: arithmetic, bars, pictures, a running ledger, a switch of profile."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from tests.daemon_process import private_env
from tests.memory_sample import everyday, resident
from voxspark.cli import cli
from voxspark.plan_view import change, chart, live, picture
from voxspark.plan_view.models import ProgressLine
from voxspark.vram.catalogue import builtin
from voxspark.vram.profiles import find_profile
from voxspark.vram.state import GIB, Budget
from voxspark.vram.team import Team

SPARK = ("--memory", "121.69")
PROFILES = ("embedded", "everyday", "full-power", "laptop-8gb", "swarm", "workstation-24gb")
MACHINES = (SPARK, ("--memory", "24", "--discrete"), ("--memory", "8", "--discrete"))
BUDGET = Budget(total_bytes=int(121.69 * GIB), floor_bytes=16 * GIB)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No configuration and no daemon but the test's."""
    for name, value in private_env(tmp_path).items():
        monkeypatch.setenv(name, value)


def run(*words: str) -> Result:
    return CliRunner().invoke(cli, words)


def drawn(shown: str) -> list[str]:
    return re.findall(r"\[[^\]]*\]$", shown, re.MULTILINE)


# ── profiles ────────────────────────────────────────────────────────────────────────────────────


def test_all_profiles_fit_a_spark_and_big_ones_no_laptop() -> None:
    spark = run("plan", *SPARK).stdout
    assert all(profile in spark for profile in PROFILES)
    assert "DOES NOT FIT" not in spark
    laptop = {
        line.split()[0]: "DOES NOT FIT" not in line for line in run("plan", "--memory", "8").stdout.splitlines()[2:]
    }
    assert laptop["laptop-8gb"]
    assert not laptop["everyday"]


def test_profiles_for_a_graphics_card_fit_it_with_the_speech_on_the_processor() -> None:
    for profile, size in (("laptop-8gb", "8"), ("workstation-24gb", "24")):
        shown = run("plan", profile, "--memory", size, "--discrete").stdout
        assert "fits with" in shown
        assert "CPU" in shown


@pytest.mark.parametrize("profile", PROFILES)
def test_the_arithmetic_adds_up_and_the_bar_has_its_length(profile: str) -> None:
    told = json.loads(run("plan", profile, *SPARK, "--json").stdout)
    assert sum(model["total_bytes"] for model in told["models"]) == told["total_bytes"] <= told["capacity_bytes"]
    shown = run("plan", profile, *SPARK).stdout
    (bar,) = drawn(shown)
    assert len(bar) == 62
    assert told["reason"] in shown


def test_a_profile_that_does_not_fit_shows_by_how_much() -> None:
    (bar,) = drawn(run("plan", "everyday", "--memory", "64").stdout)
    assert "!" in bar
    assert len(bar) == 62


def test_more_context_takes_more() -> None:
    small, large = (
        json.loads(run("plan", "everyday", *SPARK, "--json", "--context", str(tokens)).stdout)["total_bytes"]
        for tokens in (8192, 32768)
    )
    assert small < large


def test_without_a_daemon_the_profiles_are_shown_and_that_none_runs() -> None:
    shown = run("plan").stdout
    assert shown.startswith("No daemon runs")
    assert all(profile in shown for profile in PROFILES)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("plan", "--svg", "x.svg"), "name it"),
        (("plan", "swarm", "--what-if", "everyday"), "Name one profile"),
        (("plan", "--discrete"), "goes with --memory"),
        (("plan", "everday"), "Did you mean everyday?"),
        (("plan", "--what-if", "everday"), "Did you mean everyday?"),
        (("plan", "swarm", "--svg", "/no/such/folder/x.svg"), "cannot be written: No such file"),
    ],
)
def test_wrong_usage_is_told(words: tuple[str, ...], says: str) -> None:
    done = run(*words)
    assert done.exit_code == 2
    assert says in done.stderr


# ── bars ────────────────────────────────────────────────────────────────────────────────────────


@given(
    sizes=st.lists(st.integers(0, 200 * 10**9), max_size=40),
    capacity=st.integers(0, 300 * 10**9),
)
def test_a_bar_always_has_its_length_and_tells_when_it_overflows(sizes: list[int], capacity: int) -> None:
    shown = chart.bar(zip(chart.letters(len(sizes)), sizes, strict=True), capacity)
    assert len(shown) == 62
    if sum(sizes) <= capacity:
        assert chart.BEYOND not in shown
    elif sum(sizes) > 1.1 * capacity:
        assert chart.BEYOND in shown


# ── pictures ────────────────────────────────────────────────────────────────────────────────────

SVG = "{http://www.w3.org/2000/svg}"


def luminance(colour: str) -> float:
    """Relative luminance of `#rrggbb` (WCAG 2.1)."""
    channels = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def test_text_can_be_read_on_every_colour() -> None:
    plain = [fill for fills in picture.FILLS.values() for fill in fills if fill.startswith("#")]
    assert min(contrast("#ffffff", fill) for fill in (*plain, picture.GOOD, picture.BAD, picture.MUTED)) >= 4.5
    assert contrast(picture.MUTED, "#e9edf1") >= 4.5


def check_picture(file: Path) -> ElementTree.Element:
    """Everything is inside the picture, by the widths of a wide font."""
    root = ElementTree.fromstring(file.read_text())
    width, height = float(root.attrib["width"]), float(root.attrib["height"])
    for rect in root.iter(f"{SVG}rect"):
        assert float(rect.get("x", "0")) + float(rect.get("width", "0")) <= width + 0.1
        assert float(rect.get("y", "0")) + float(rect.get("height", "0")) <= height + 0.1
    lines = [rect for rect in root.iter(f"{SVG}rect") if (rect.get("fill"), rect.get("width")) == (picture.BAD, "2.0")]
    assert lines
    for text in root.iter(f"{SVG}text"):
        room = len("".join(text.itertext())) * 0.6 * float(text.get("font-size", "13"))
        x = float(text.attrib["x"])
        left = x - {"end": room, "middle": room / 2}.get(text.get("text-anchor", "start"), 0.0)
        assert left >= 0, "".join(text.itertext())
        assert left + room <= width, "".join(text.itertext())
        assert float(text.attrib["y"]) <= height
        for line in lines:
            top = float(line.attrib["y"])
            beside = top < float(text.attrib["y"]) < top + float(line.attrib["height"])
            assert not (beside and left < float(line.attrib["x"]) < left + room), "".join(text.itertext())
    return root


@pytest.mark.parametrize("machine", MACHINES, ids="-".join)
@pytest.mark.parametrize("profile", PROFILES)
def test_the_picture_names_every_model_and_nothing_runs_out_of_it(
    profile: str, machine: tuple[str, ...], tmp_path: Path
) -> None:
    file = tmp_path / "plan.svg"
    assert run("plan", profile, *machine, "--svg", str(file)).exit_code == 0
    text = " ".join(check_picture(file).itertext())
    team = find_profile(profile, builtin())
    assert all(builtin().models[post.model].name in text for post in team.roles.values())
    assert "budget" in text
    assert "floor" in text


def test_what_is_exclusive_is_drawn_below_what_it_replaces(tmp_path: Path) -> None:
    file = tmp_path / "plan.svg"
    run("plan", "full-power", *SPARK, "--svg", str(file))
    rects = {rect.findtext(f"{SVG}title", ""): rect for rect in check_picture(file).iter(f"{SVG}rect")}
    (manager,) = [rect for title, rect in rects.items() if "(manager)" in title]
    (reasoner,) = [rect for title, rect in rects.items() if "(reasoner)" in title]
    assert manager.get("x") == reasoner.get("x")
    assert float(manager.attrib["y"]) + float(manager.attrib["height"]) < float(reasoner.attrib["y"])


def test_names_that_are_no_xml_and_too_long_are_drawn(tmp_path: Path) -> None:
    memory = everyday()
    memory["models"][0] |= {"name": "<&>\"'" * 5, "roles": ["manager & more"] * 30}
    file = tmp_path / "now.svg"
    file.write_text(picture.svg(live.chart(memory)))
    assert "<&>" in "".join(check_picture(file).itertext())


def test_nothing_in_memory_is_a_picture_too(tmp_path: Path) -> None:
    memory = everyday() | {"models": [], "foreign": [], "kept_for_pins_bytes": 0}
    memory |= {"total_bytes": 0, "floor_bytes": 0, "capacity_bytes": 0}
    file = tmp_path / "now.svg"
    file.write_text(picture.svg(live.chart(memory)))
    check_picture(file)


# ── a running ledger ────────────────────────────────────────────────────────────────────────────


def test_the_ledger_shows_who_is_there_who_waits_and_what_failed() -> None:
    shown = live.text(everyday(), 100.0)
    rows = {line.split()[0]: line for line in shown.splitlines() if re.match(r"[A-Za-z#=·] ", line)}
    assert re.search(r"GPT-OSS 120B +manager, reasoner +resident +8,192 +yes +in use by 2 +There is room", rows["A"])
    assert "loading" in rows["c"]
    assert "draining" in rows["d"]
    assert "7 min" in rows["E"]
    assert "mistral:7b" in rows["#"]
    assert rows["="].split()[1] == "4.00"
    (bar,) = drawn(shown)
    assert list(dict.fromkeys(bar[1:-1])) == ["A", "B", "c", "d", "E", "#", "=", "·"]
    assert "Memory is short: nothing more is loaded. The machine has 21.0 GB left." in shown
    assert "coder (qwen3-coder-30b), 4 s: It waits until memory is back." in shown
    assert "whisper-turbo: Whisper died. See its log. It is tried again in 30 s. (worker-died)" in shown
    assert re.search(r"  5 s ago  Qwen3-VL 8B leaves to make room for Qwen3-Coder 30B-A3B.$", shown)
    assert "Decision 1." not in shown


def test_a_ledger_where_nothing_is_wrong_says_no_more_than_it_must() -> None:
    calm = everyday() | {"pressure": "ok", "waiting": [], "failures": [], "decisions": [], "kept_for_pins_bytes": 0}
    calm["models"] = calm["models"][:1]
    shown = live.text(calm, None)
    assert not re.search("Waiting|Failed|Decided|short|Small letters|kept free", shown)
    assert shown.startswith("everyday: 101.1 of 113.5 GB, 1 model\n")


def test_what_the_processor_holds_beside_a_card_is_not_in_its_bar() -> None:
    models = [resident("a", "Big", ["worker"], 10**10), resident("b", "Small", ["ears"], 10**9, device="cpu")]
    memory = everyday() | {"unified": False, "models": models, "foreign": []}
    (bar,) = drawn(live.text(memory, None))
    assert "B" not in bar
    assert "resident, CPU" in live.text(memory, None)
    assert [strip.kind for strip in live.chart(memory).strips] == ["pool", "beside"]


@pytest.mark.parametrize(
    ("model", "name", "says"),
    [
        ("gpt-oss-120b", "GPT-OSS 120B", "In memory for manager, reasoner: resident, 67.13 GB, in use by 2."),
        ("whisper-turbo", "Whisper", "Not in memory: whisper-turbo: Whisper died."),
        ("flux1-dev", "FLUX.1 dev", "Not in memory: nobody has asked for it."),
    ],
)
def test_why_a_model_is_or_is_not_in_memory(model: str, name: str, says: str) -> None:
    assert live.whereabouts(everyday(), model, name).startswith(says)


def test_a_model_that_left_or_waits_is_told_by_the_last_decision() -> None:
    memory = everyday()
    del memory["models"][2:]
    assert live.whereabouts(memory, "qwen3-vl-8b", "Qwen3-VL 8B").endswith(
        "leaves to make room for Qwen3-Coder 30B-A3B."
    )
    assert "coder has waited for it for 4 s" in live.whereabouts(memory, "qwen3-coder-30b", "Qwen3-Coder 30B-A3B")


# ── a switch of profile ─────────────────────────────────────────────────────────────────────────


def switch(key: str, memory: dict[str, object] | None, pulled: list[str] | None = None) -> change.Change:
    return change.switch(Team(find_profile(key, builtin()), builtin()), builtin(), BUDGET, memory, pulled)


def test_a_switch_keeps_what_serves_and_loads_the_rest() -> None:
    found = switch("full-power", everyday(), ["nomic-embed-text-v2-moe:latest", "qwen3:32b"])
    assert [move.model for move in found.stays] == ["csm-1b", "qwen3-coder-30b"]
    assert {move.model: move.reason for move in found.leaves} == {
        "gpt-oss-120b": "not in that profile",
        "qwen3-vl-8b": "not in that profile",
        "qwen3-8b": "not in that profile",
    }
    assert {move.model for move in found.loads} == {"qwen3-32b", "qwen3-vl-32b", "nomic-embed-v2", "whisper-turbo"}
    assert found.fits
    assert found.missing == ("deepseek-r1:32b", "qwen3-coder:30b", "qwen3-vl:32b")
    shown = change.text(found, builtin())
    assert "in use by 2 now" in shown
    assert ["".join(dict.fromkeys(bar)) for bar in drawn(shown)] == ["[ABCDE#·]", "[ABFGHI#·]"]
    assert "qwen3-vl:32b (20.9 GB)" in shown
    assert "voxspark models pull --profile full-power" in shown


def test_a_model_in_another_size_is_loaded_again() -> None:
    found = switch("swarm", everyday())
    assert {move.model: move.reason for move in found.leaves}["qwen3-8b"] == "needed with 8,192 tokens * 8"
    assert "qwen3-8b" in {move.model for move in found.loads}


def test_what_is_on_demand_stays_only_where_there_is_room() -> None:
    coder = resident("qwen3-coder-30b", "Qwen3-Coder 30B-A3B", ["coder"], 20_710_000_000)
    memory = everyday() | {"models": [coder], "foreign": []}
    assert [move.reason for move in switch("everyday", memory).leaves] == ["no room beside the others"]
    memory["models"] = [coder | {"bytes": 15_000_000_000}]
    assert [move.model for move in switch("everyday", memory).stays] == ["qwen3-coder-30b"]


def test_other_programs_may_leave_too_little_room() -> None:
    memory = everyday() | {"foreign": [{"name": "mistral:7b", "bytes": 40_000_000_000}]}
    found = switch("everyday", memory)
    assert not found.fits
    assert "Other programs hold 40.0 GB" in found.reason


def test_a_switch_is_drawn_as_now_and_then(tmp_path: Path) -> None:
    file = tmp_path / "switch.svg"
    done = run("plan", "--what-if", "everyday", *SPARK, "--svg", str(file))
    assert "93.1 of 113.5 GB at start" in done.stdout
    assert "Ollama does not answer" in done.stdout
    assert len({len(bar) for bar in drawn(done.stdout)}) == 1
    assert "Then, as everyday" in "".join(check_picture(file).itertext())
    file.write_text(picture.svg(change.chart(switch("full-power", everyday()), "A Spark.")))
    assert "everyday → full-power" in "".join(check_picture(file).itertext())
    told = json.loads(run("plan", "--what-if", "everyday", *SPARK, "--json").stdout)
    assert told["missing"] is None
    assert {move["model"] for move in told["loads"]} >= {"gpt-oss-120b", "csm-1b"}


# ── downloads ───────────────────────────────────────────────────────────────────────────────────


def test_a_download_is_one_moving_line_in_a_terminal_and_a_line_per_status_elsewhere() -> None:
    steps = (("pulling manifest", 0, 0), ("pulling 5ee4", 1, 4), ("pulling 5ee4", 4, 4), ("success", 4, 4))
    texts = {}
    for at_terminal in (True, False):
        out = io.StringIO()
        with ProgressLine("qwen3:8b", out, live=at_terminal) as line:
            for status, completed, total in steps:
                line.show(status, completed * 10**9, total * 10**9)
        texts[at_terminal] = out.getvalue()
    assert texts[False] == "qwen3:8b: pulling manifest\nqwen3:8b: pulling 5ee4\nqwen3:8b: success\n"
    first, *_, last = texts[True].split("\r")[1:]
    assert first.rstrip() == "qwen3:8b  pulling manifest"
    assert "1.00 of 4.00 GB  25 %" in texts[True]
    assert last.rstrip(" \n") == "qwen3:8b  done, 4.0 GB"
    assert texts[True].endswith("\n")
