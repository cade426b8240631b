"""TensorFlow's own form of ops, where it is quicker and equal in value and gradient."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf

native: dict[str, Callable[..., Any]] = {
    "relu": tf.nn.relu,
}
