"""F5-TTS, true in everything but size: the real engine alone, and in a worker."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import aclosing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import anyio
import numpy as np
import pytest

from tests.test_runner_engines import FakeGpus, children
from tests.test_runners import PRIMING, rung, until
from tests.tiny_f5 import write_voice
from tests.vram_teams import CATALOGUE, PROFILES
from voxspark.audio import join
from voxspark.config import Config
from voxspark.errors import SynthesizerError
from voxspark.protocols import Synthesizer
from voxspark.roster import Roster
from voxspark.runners.process import ProcessRunner
from voxspark.types import Pcm
from voxspark.vram.profiles import Post

pytestmark = pytest.mark.real

SENTENCE = "It is ten past nine."
LONG = "Well, I looked at the calendar, and there is a meeting at nine, another at ten, and then nothing."
BYTES_SECONDS = 5.32 / 51
"""The pace of the recording."""


ALONE = f"""
import json, shutil, sys, anyio, numpy as np
from contextlib import aclosing
from pathlib import Path
from voxspark.config_speech import VoiceSettings
from voxspark.engines.tts.f5 import F5Synthesizer
from voxspark.errors import SynthesizerError
from tests.tiny_f5 import write_models

folder, SENTENCE, LONG = Path(sys.argv[1]), {SENTENCE!r}, {LONG!r}

def voice(weights="weights", **own):
    f5 = {{"vocoder": str(folder / "vocos"), "steps": 5, **own.pop("f5_tts", {{}})}}
    return F5Synthesizer(VoiceSettings(voice="nature", model=str(folder / weights), f5_tts=f5, **own))

async def said(voice, text):
    async with aclosing(voice.synthesize(text)) as pieces:
        made = [piece async for piece in pieces]
    assert {{rate for _, rate in made}} == {{24_000}}
    assert all(each.dtype == np.float32 and np.isfinite(each).all() for each, _ in made)
    assert max(np.abs(each).max() for each, _ in made) > 0.001
    return [each for each, _ in made]

async def error(voice):
    try:
        await said(voice, SENTENCE)
    except SynthesizerError as error:
        return [error.code, error.remedy]

async def main():
    write_models(folder)
    told, one = {{}}, voice()
    for name, text in {{"sentence": SENTENCE, "ok": "OK.", "chinese": "你好，世界。", "long": LONG}}.items():
        told[name] = [len(each) / 24_000 for each in await said(one, text)]
    (first,), (again,) = await said(one, SENTENCE), await said(one, SENTENCE)
    told["again"] = bool((first == again).all())
    others = {{"slow": {{"speed": 0.5}}, "seeded": {{"seed": 1}}, "seven": {{"f5_tts": {{"steps": 7}}}}}}
    for name, own in others.items():
        (other,) = await said(voice(**own), SENTENCE)
        told[name] = [len(other) / 24_000, len(other) == len(first) and bool((other == first).all())]

    patient, layers = voice(f5_tts={{"steps": 32}}), []
    (before,) = await said(patient, SENTENCE)
    block = patient._model._model.transformer.transformer_blocks[0]
    block.register_forward_hook(lambda *_: layers.append(1))
    async with aclosing(patient.synthesize(LONG)) as pieces:
        await anext(pieces)
        done = len(layers)
    await patient._thread.call(lambda: None)
    told["abandoned"] = [done, len(layers)]
    (after,) = await said(patient, SENTENCE)
    told["after"] = bool((before == after).all())

    import torch
    from safetensors.torch import load_file
    tensors = load_file(folder / "weights" / "model_7.safetensors")
    for name in ("pt", "empty", "cut", "other"):
        (folder / name).mkdir()
        for file in ("vocab.txt", "model.yaml"):
            shutil.copy(folder / "weights" / file, folder / name)
    torch.save({{"ema_model_state_dict": tensors}}, folder / "pt" / "model_8.pt")
    (same,) = await said(voice("pt"), SENTENCE)
    told["pt"] = bool((same == first).all())
    whole = (folder / "weights" / "model_7.safetensors").read_bytes()
    (folder / "cut" / "model_7.safetensors").write_bytes(whole[:9999])
    (folder / "other" / "model.yaml").write_text("model: {{backbone: UNetT}}")
    told["errors"] = {{name: await error(voice(name)) for name in ("empty", "cut", "other")}}
    print(json.dumps(told))

anyio.run(main)
"""


@dataclass(frozen=True)
class Tiny:
    """The models, and what came of using them alone."""

    folder: Path
    told: dict[str, Any]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tiny]:
    """On a shelf with one voice to clone, with nothing in the hub's cache. Threads cost small models more than they
    give."""
    folder = tmp_path_factory.mktemp("f5")
    write_voice(folder / "voxspark" / "voices" / "nature")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "1")
        patch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
        patch.setenv("HF_HOME", str(folder / "hub"))
        patch.setenv("XDG_DATA_HOME", str(folder))
        command = [sys.executable, "-W", "error", "-c", ALONE, str(folder)]
        output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
        yield Tiny(folder, json.loads(output))


def test_it_speaks_at_its_pace_in_pieces_the_same_every_time_and_stops_when_told(tiny: Tiny) -> None:
    told = tiny.told
    assert told["sentence"] == [pytest.approx(20 * BYTES_SECONDS, abs=0.1)]
    assert told["ok"] == [pytest.approx(10 * BYTES_SECONDS, abs=0.1)]
    assert told["chinese"] == [pytest.approx(18 * BYTES_SECONDS, abs=0.1)]
    assert len(told["long"]) == 2
    assert sum(told["long"]) == pytest.approx((len(LONG) - 1) * BYTES_SECONDS - 0.15, abs=0.2)

    assert told["again"]
    assert told["slow"] == [pytest.approx(40 * BYTES_SECONDS, abs=0.1), False]
    assert told["seeded"] == [pytest.approx(20 * BYTES_SECONDS, abs=0.1), False]
    assert told["seven"] == [pytest.approx(20 * BYTES_SECONDS, abs=0.1), False]

    done, in_all = told["abandoned"]
    assert 32 <= done <= in_all < 64  # of the 32 steps of each piece
    assert told["after"]

    assert told["pt"]
    assert told["errors"]["empty"][0] == "voice-weights-missing"
    assert told["errors"]["cut"][0] == "voice-failed"
    assert told["errors"]["other"][0] == "f5-architecture-unknown"
    assert "F5TTS_v1_Base" in told["errors"]["other"][1]


async def said(voice: Synthesizer, text: str) -> Pcm:
    async with aclosing(voice.synthesize(text)) as pieces:
        return join(*[samples async for samples, _ in pieces])


@pytest.mark.anyio
async def test_in_its_worker_it_is_stopped_evicted_killed_and_speaks_again(
    tiny: Tiny, caplog: pytest.LogCaptureFixture
) -> None:
    f5 = {"vocoder": str(tiny.folder / "vocos"), "steps": 8}
    own = {"engine": "f5_tts", "voice": "nature", "model": str(tiny.folder / "weights"), "f5_tts": f5}
    roster = Roster(replace(PROFILES["embedded"], roles={"voice": Post(model="f5-tts", hold="pinned")}), CATALOGUE)
    runner, lost = ProcessRunner(Config.model_validate({"voice": own}), roster, PRIMING, FakeGpus()), list[str]()
    runner.on_lost(lambda _, reason: lost.append(reason))
    with anyio.fail_after(120), caplog.at_level(logging.WARNING):
        async with anyio.create_task_group() as group:
            await group.start(runner.run)
            voice: Synthesizer = (await runner.load(rung("voice", roster))).engine
            (worker,) = children()
            sentence = await said(voice, SENTENCE)
            async with aclosing(voice.synthesize(LONG)) as pieces:
                await anext(pieces)
            assert np.array_equal(await said(voice, SENTENCE), sentence)
            assert (children(), lost) == ([worker], [])

            await runner.unload("f5-tts")
            assert children() == []
            voice = (await runner.load(rung("voice", roster))).engine
            assert np.array_equal(await said(voice, SENTENCE), sentence)

            async with aclosing(voice.synthesize(LONG)) as pieces:
                await anext(pieces)
                os.kill(children()[0], signal.SIGKILL)
                with pytest.raises(SynthesizerError):
                    async for _ in pieces:
                        pass
            await until(lambda: lost)
            group.cancel_scope.cancel()
    notices = [record.getMessage() for record in caplog.records if record.name.startswith("voxspark.runners")]
    assert notices == ["F5-TTS is not for commercial use: MIT code; CC-BY-NC-4.0 weights"]
