"""What is told of the course of training: history, progress, checkpoints, and stopping in time."""

from keratin.training.callbacks.base import Callback
from keratin.training.callbacks.container import CallbackList
from keratin.training.callbacks.csv_logger import CSVLogger
from keratin.training.callbacks.early_stopping import EarlyStopping
from keratin.training.callbacks.history import History
from keratin.training.callbacks.lambda_callback import LambdaCallback
from keratin.training.callbacks.learning_rate_scheduler import LearningRateScheduler
from keratin.training.callbacks.model_checkpoint import ModelCheckpoint
from keratin.training.callbacks.monitor import MonitorCallback
from keratin.training.callbacks.progbar_logger import ProgbarLogger
from keratin.training.callbacks.reduce_lr_on_plateau import ReduceLROnPlateau
from keratin.training.callbacks.terminate_on_nan import TerminateOnNaN

__all__ = [
    "CSVLogger",
    "Callback",
    "CallbackList",
    "EarlyStopping",
    "History",
    "LambdaCallback",
    "LearningRateScheduler",
    "ModelCheckpoint",
    "MonitorCallback",
    "ProgbarLogger",
    "ReduceLROnPlateau",
    "TerminateOnNaN",
]
