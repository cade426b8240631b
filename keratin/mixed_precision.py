"""Kept for Keras's older name: dtype policies."""

from keratin.state.policy import DTypePolicy as Policy
from keratin.state.policy import dtype_policy as global_policy
from keratin.state.policy import set_dtype_policy as set_global_policy

dtype_policy, set_dtype_policy = global_policy, set_global_policy

__all__ = ["Policy", "dtype_policy", "global_policy", "set_dtype_policy", "set_global_policy"]
