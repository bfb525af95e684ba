"""Every error a user can meet. Floor 0: imports nothing from klosed.

Each message carries four things: the name, the rule, what was received, and what to do.
Every class also derives from the built-in that a caller would expect to catch.
"""

__all__ = [
    "ArrayKindError",
    "CheckpointError",
    "DataError",
    "DownloadError",
    "FileFormatError",
    "KlosedError",
    "KlosedWarning",
    "LikelihoodMismatchWarning",
    "MissingExtraError",
    "NoClosedFormError",
    "NonFiniteLossError",
    "NotConvergedWarning",
    "ParameterError",
    "PeerError",
    "PosteriorCollapseWarning",
    "RunFolderError",
    "ShapeError",
    "SpecError",
    "TrainingInterrupted",
    "UnusedComponentsWarning",
]


class KlosedError(Exception):
    """Base of every error that klosed raises on purpose."""


class KlosedWarning(UserWarning):
    """Base of every warning that klosed issues on purpose."""


class PosteriorCollapseWarning(KlosedWarning):
    """The latent space carries no information about the data."""


class UnusedComponentsWarning(KlosedWarning):
    """Most latent numbers carry no information about the data."""


class LikelihoodMismatchWarning(KlosedWarning):
    """A column's likelihood does not fit it."""


class NotConvergedWarning(KlosedWarning):
    """Training ended before the held-out loss stopped improving."""


class ParameterError(KlosedError, ValueError):
    """A parameter lies outside its domain, or its alternatives contradict each other."""


class ShapeError(KlosedError, ValueError):
    """Shapes do not broadcast, or do not match what an operation needs."""


class ArrayKindError(KlosedError, TypeError):
    """Arrays of different kinds were mixed, or the kind is not supported."""


class SpecError(KlosedError, ValueError):
    """A model description is inconsistent or names something unknown."""


class DataError(KlosedError, ValueError):
    """Data cannot be used: empty, not finite, outside the support, wrong shape."""


class FileFormatError(DataError):
    """A file is truncated, hostile, or not what its name says."""


class DownloadError(KlosedError, OSError):
    """A data set could not be fetched from any mirror, or its checksum is wrong."""


class CheckpointError(KlosedError, ValueError):
    """A checkpoint is missing, damaged, or belongs to a different run."""


class RunFolderError(KlosedError, FileExistsError):
    """A run folder is in the way, or is not a run folder."""


class MissingExtraError(KlosedError, ImportError):
    """An optional part is not installed; the message names the extra that brings it."""

    def __init__(self, feature: str, extra: str) -> None:
        super().__init__(f"{feature} needs an optional part: pip install 'klosed[{extra}]'")


class NoClosedFormError(KlosedError, NotImplementedError):
    """No closed form is known for this pair of distributions."""


class NonFiniteLossError(KlosedError, ArithmeticError):
    """The loss or a parameter became NaN or infinite; the last good checkpoint is kept."""


class PeerError(KlosedError, ConnectionError):
    """A process that trains together with others cannot reach them."""


class TrainingInterrupted(KlosedError):  # noqa: N818  (an interruption is not an error)
    """Training stopped on a signal after saving a checkpoint."""
