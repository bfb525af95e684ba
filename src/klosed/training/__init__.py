"""Training: optimizers, the loop, checkpoints, the run folder.

Floor 6: imports nothing of evaluation, plots or the command line.
"""

from klosed.training.config import TrainingConfig
from klosed.training.data import TrainingData, check_rows
from klosed.training.loop import Callback, EpochRecord, Progress, fit, mean_loss
from klosed.training.optimizers import OPTIMIZERS, SGD, Adagrad, Adam, Optimizer
from klosed.training.run_folder import RunFolder
from klosed.training.session import train
from klosed.training.state import TrainingState

__all__ = [
    "OPTIMIZERS",
    "SGD",
    "Adagrad",
    "Adam",
    "Callback",
    "EpochRecord",
    "Optimizer",
    "Progress",
    "RunFolder",
    "TrainingConfig",
    "TrainingData",
    "TrainingState",
    "check_rows",
    "fit",
    "mean_loss",
    "train",
]
