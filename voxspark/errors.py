"""The one error tree. Every error has a code to grep for, a sentence to say, and a remedy.

    VoxSparkError
    ├── ConfigError          the configuration cannot be used
    ├── DeviceError          a microphone, speaker, screen, camera or keyboard cannot be used
    ├── EngineError          an engine is missing or broke
    │   ├── TranscriberError
    │   ├── ChatError
    │   ├── SynthesizerError
    │   └── PainterError
    ├── ToolError            a tool was called wrongly or failed
    └── ControlError         a request on the socket cannot be served

Errors of other libraries become one of these where they enter (`raise ... from error`), once.
"""


class VoxSparkError(Exception):
    """Base of everything VoxSpark raises on purpose."""

    stage = "daemon"
    """Which part failed; the `stage` of the error event."""

    def __init__(self, code: str, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.code = code
        """Stable, kebab-case, for scripts and logs: `microphone-not-found`."""
        self.message = message
        """One sentence a person understands when it is spoken."""
        self.remedy = remedy
        """What to do next, or empty when there is nothing to do."""

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".strip()


class ConfigError(VoxSparkError):
    """The configuration file or an environment variable cannot be used."""

    stage = "config"


class DeviceError(VoxSparkError):
    """A microphone, speaker, screen, camera or keyboard cannot be used, or went away."""

    stage = "device"


class EngineError(VoxSparkError):
    """An engine is not installed, cannot load, or failed while working."""

    stage = "engine"


class TranscriberError(EngineError):
    """Speech could not be turned into text."""

    stage = "transcribe"


class ChatError(EngineError):
    """The language model could not answer."""

    stage = "think"


class SynthesizerError(EngineError):
    """Text could not be turned into speech."""

    stage = "synthesize"


class PainterError(EngineError):
    """A picture could not be made."""

    stage = "paint"


class ToolError(VoxSparkError):
    """A tool was called with arguments it cannot use, or failed."""

    stage = "tool"


class ControlError(VoxSparkError):
    """A request from the socket cannot be served."""

    stage = "control"


def root_cause(error: BaseException) -> BaseException:
    """The first of our own errors inside a group, or the first leaf."""
    leaves = _leaves(error)
    return next((leaf for leaf in leaves if isinstance(leaf, VoxSparkError)), leaves[0])


def _leaves(error: BaseException) -> list[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        return [leaf for part in error.exceptions for leaf in _leaves(part)]
    return [error]


def trace(error: BaseException) -> str:
    """Its type and where it was raised, for the log: what it says may be what somebody has said."""
    import traceback  # ten milliseconds, which `voxspark --help` does without

    where = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(error.__traceback__)]
    return " < ".join([type(error).__name__, *reversed(where)])
