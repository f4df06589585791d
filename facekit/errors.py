"""The errors facekit raises: what happened, where, and what to do about it.

Each child is also the built-in error a caller would expect, so ``except OSError`` around an
extraction catches an unreadable video without knowing facekit's names.
"""


class FacekitError(Exception):
    """Base of every error that a user can act on.

    Attributes:
        what: what went wrong, in one clause.
        where: the file, option or device concerned; empty when there is none.
        advice: what to do about it; empty when there is nothing to add.
    """

    def __init__(self, what: str, *, where: object = "", advice: str = "") -> None:
        """Compose the message ``WHERE: WHAT. ADVICE``."""
        self.what = what
        self.where = str(where)
        self.advice = advice
        message = f"{self.where}: {what}" if self.where else what
        super().__init__(f"{message}. {advice}" if advice else message)

    def __str__(self) -> str:
        """The whole message (OSError would otherwise format its own)."""
        return str(self.args[0])


class SourceError(FacekitError, OSError):
    """An input cannot be opened or holds no picture at all."""


class OutputError(FacekitError, OSError):
    """A table, sidecar or video cannot be written."""


class WeightsError(FacekitError, OSError):
    """A weights file is missing, damaged, or not the one the manifest names."""


class OptionsError(FacekitError, ValueError):
    """An option has a value that makes no sense; the message shows it."""


class DeviceError(FacekitError, RuntimeError):
    """The requested compute device is not available."""


class MissingExtraError(FacekitError, ImportError):
    """An optional package is needed for what was asked."""
