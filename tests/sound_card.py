"""A virtual sound card: a PulseAudio server of one's own, which no other program sees or hears.

    with sound_card() as card:
        subprocess.run([...], env=card.env)      # its default devices are the card's
        card.play_into_microphone(Path("question.wav"))
        recording = card.record_speaker(2.0)

ALSA (and so PortAudio) knows three devices: `mic`, `speaker`, and `default`, which is both. PortAudio reads the
environment when it is imported, so code under test runs in a process of its own with `card.env`.

Needs the packages pulseaudio, pulseaudio-utils, libasound2-plugins and libportaudio2. Works as root and without a
session bus.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from voxspark.types import Pcm16

RATE_HZ = 48_000
READY_SECONDS = 20.0
BLOCK_BYTES = RATE_HZ // 50 * 2
"""20 ms of a recording."""

ALSA_CONFIG = """
</usr/share/alsa/alsa.conf>
pcm.!default { type pulse }
ctl.!default { type pulse }
pcm.mic { type pulse device "mic.monitor" hint { show on description "Virtual microphone" } }
pcm.speaker { type pulse device "speaker" hint { show on description "Virtual speaker" } }
"""


@dataclass(frozen=True)
class Recording:
    """What a speaker played: mono int16 at 48 kHz."""

    samples: Pcm16
    times: list[float]
    """`time.monotonic()` at which each 20 ms block had arrived; about the latency of the server late."""

    def loud_seconds(self, above: int = 300) -> float:
        """Seconds from the first loud sample to the last."""
        loud = np.flatnonzero(np.abs(self.samples.astype(np.int32)) > above)
        return (int(loud[-1]) - int(loud[0]) + 1) / RATE_HZ if len(loud) else 0.0

    def last_loud_at(self, above: int = 300) -> float:
        """`time.monotonic()` by which the last loud sample had arrived."""
        loud = np.flatnonzero(np.abs(self.samples.astype(np.int32)) > above)
        return self.times[int(loud[-1]) * 2 // BLOCK_BYTES]


class Recorder:
    """A recording that goes on until `stop()`."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._blocks: list[bytes] = []
        self._times: list[float] = []
        self._begun = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        if not self._begun.wait(READY_SECONDS):
            self.stop()
            raise TimeoutError("parec records nothing")

    def stop(self) -> Recording:
        """End it."""
        _end(self._process)
        self._reader.join()
        assert self._process.stdout is not None
        self._process.stdout.close()
        return Recording(np.frombuffer(b"".join(self._blocks), "<i2"), self._times)

    def _read(self) -> None:
        assert self._process.stdout is not None
        while len(block := self._process.stdout.read(BLOCK_BYTES)) == BLOCK_BYTES:
            self._blocks.append(block)
            self._times.append(time.monotonic())
            self._begun.set()


@dataclass
class SoundCard:
    """The server and ways to use it. `mic` is what programs hear, `speaker` where they play."""

    folder: Path
    mic: str = "mic"
    speaker: str = "speaker"
    _server: subprocess.Popen[bytes] | None = field(default=None)

    @property
    def env(self) -> dict[str, str]:
        """The environment of programs that use this card."""
        ours = {
            "HOME": self.folder / "home",
            "XDG_RUNTIME_DIR": self.folder / "run",
            "PULSE_SERVER": f"unix:{self._socket}",
            "PULSE_COOKIE": self.folder / "cookie",
            "ALSA_CONFIG_PATH": self.folder / "asound.conf",
        }
        return {**os.environ, **{name: str(value) for name, value in ours.items()}}

    def start(self) -> None:
        """Start the server and wait until it answers."""
        self._socket.unlink(missing_ok=True)
        # Without norewinds a null sink plays up to two seconds at once and then waits, as no sound card does.
        modules = [
            f"module-native-protocol-unix socket={self._socket} auth-anonymous=1",
            *(f"module-null-sink sink_name={n} rate={RATE_HZ} norewinds=1" for n in (self.mic, self.speaker)),
        ]
        loads = [part for module in modules for part in ("--load", module)]
        options = ["-n", "--exit-idle-time=-1", "--daemonize=no", "--use-pid-file=no", "--disable-shm=yes"]
        with (self.folder / "pulseaudio.log").open("ab") as log:
            self._server = subprocess.Popen(["pulseaudio", *options, *loads], env=self.env, stdout=log, stderr=log)
        self._wait_until_ready()
        self._pactl("set-default-sink", self.speaker)
        self._pactl("set-default-source", f"{self.mic}.monitor")

    def kill(self) -> None:
        """End the server without a goodbye, as when it crashes."""
        if self._server is not None:
            self._server.kill()
            self._server.wait()
            self._server = None

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """The server hangs meanwhile: its connections stay open and nothing moves."""
        assert self._server is not None
        self._server.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._server.send_signal(signal.SIGCONT)

    def play_into_microphone(self, path: Path) -> None:
        """Say a WAV file into the microphone; returns when it has been said."""
        subprocess.run(["paplay", f"--device={self.mic}", str(path)], env=self.env, check=True, timeout=120)

    def start_recording(self) -> Recorder:
        """Record what the speaker plays from now on."""
        form = ["--format=s16le", "--channels=1", f"--rate={RATE_HZ}", "--latency-msec=20", "--raw"]
        command = ["parec", f"--device={self.speaker}.monitor", *form]
        return Recorder(subprocess.Popen(command, env=self.env, stdout=subprocess.PIPE))

    def record_speaker(self, seconds: float, until: threading.Event | None = None) -> Recording:
        """Record what the speaker plays for so long, or until something has happened."""
        recorder = self.start_recording()
        (until or threading.Event()).wait(seconds)
        return recorder.stop()

    def recorders(self) -> int:
        """How many streams record, as the server knows."""
        return len(self._pactl("list", "short", "source-outputs").splitlines())

    @property
    def _socket(self) -> Path:
        return self.folder / "run" / "native"

    def _wait_until_ready(self) -> None:
        assert self._server is not None
        end = time.monotonic() + READY_SECONDS
        while self._server.poll() is None and time.monotonic() < end:
            with suppress(subprocess.SubprocessError):
                self._pactl("info")
                return
            threading.Event().wait(0.05)
        self.kill()
        raise RuntimeError(f"PulseAudio does not start:\n{(self.folder / 'pulseaudio.log').read_text()[-2000:]}")

    def _pactl(self, *words: str) -> str:
        return subprocess.run(
            ["pactl", *words], env=self.env, check=True, capture_output=True, timeout=5, text=True
        ).stdout


@contextmanager
def sound_card() -> Iterator[SoundCard]:
    """A running virtual sound card; ends what it started, and nothing else."""
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="voxspark-sound-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        for name in ("home", "run"):
            (folder / name).mkdir(mode=0o700)
        (folder / "asound.conf").write_text(ALSA_CONFIG)
        card = SoundCard(folder)
        stack.callback(card.kill)
        card.start()
        yield card


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
