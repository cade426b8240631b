"""The callbacks, under Keras's name."""

from keratin.training import callbacks as _callbacks
from keratin.training.callbacks import *

__all__ = list(_callbacks.__all__)
