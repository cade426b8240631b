"""Dtype policies: in which dtype a layer computes and in which it keeps its variables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from keratin import config, dtypes, registry
from keratin.errors import ArgumentError

_MIXED = {"mixed_bfloat16": "bfloat16", "mixed_float16": "float16"}


class DTypePolicy(registry.Configurable):
    """A compute dtype and a variable dtype under one name.

    Args: name: a dtype for both, or "mixed_bfloat16" or "mixed_float16": half precision over float32 variables.

    Source: Micikevicius et al. 2018, arXiv:1710.03740.  Raises: ArgumentError for another name.

    >>> policy = DTypePolicy("mixed_bfloat16")
    >>> policy.compute_dtype, policy.variable_dtype
    ('bfloat16', 'float32')
    """

    def __init__(self, name: str | None = None) -> None:
        name = config.floatx() if name is None else name
        if not isinstance(name, str):
            raise ArgumentError(
                "A dtype policy is made from a name.", expected="a dtype or mixed_bfloat16", received=name
            )
        if name in _MIXED:
            self._compute_dtype, self._variable_dtype = _MIXED[name], "float32"
        elif name in dtypes.ALLOWED:
            self._compute_dtype = self._variable_dtype = name
        else:
            raise ArgumentError(
                "There is no such dtype policy.", expected="a dtype, mixed_bfloat16 or mixed_float16", received=name
            )
        self.name = name

    @property
    def compute_dtype(self) -> str:
        """The dtype of inputs and outputs."""
        return self._compute_dtype

    @property
    def variable_dtype(self) -> str:
        """The dtype of variables."""
        return self._variable_dtype

    @property
    def quantization_mode(self) -> None:
        """None: this policy does not quantize."""
        return None

    def convert_input(self, x: Any, autocast: bool, dtype: str) -> Any:
        """`x` as a tensor, a float one in `dtype` if `autocast`."""
        from keratin.ops import mechanism

        tensor = mechanism.convert(x)
        return mechanism.convert(tensor, dtype) if autocast and mechanism.dtype_of(tensor) in dtypes.FLOAT else tensor

    def get_config(self) -> dict[str, Any]:
        """The name."""
        return {"name": self.name}

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.name == other.name  # type: ignore[attr-defined]

    def __hash__(self) -> int:
        return hash(self.name)

    def __repr__(self) -> str:
        return f'<DTypePolicy "{self.name}">'


_global: DTypePolicy | None = None


def dtype_policy() -> DTypePolicy:
    """The policy of layers that name none.

    >>> dtype_policy()
    <DTypePolicy "float32">
    """
    return _global or DTypePolicy(config.floatx())


def set_dtype_policy(policy: Any) -> None:
    """Set the policy of layers made from now on that name none.

    >>> set_dtype_policy("float32")
    """
    global _global
    _global = get(policy)


def get(identifier: Any) -> DTypePolicy:
    """The policy meant by a name, a dtype, a policy, serialized data, or None (the global one).

    Raises: ArgumentError if it means none.
    """
    if identifier is None:
        return dtype_policy()
    if isinstance(identifier, DTypePolicy):
        return identifier
    if isinstance(identifier, Mapping):
        found = registry.deserialize(identifier)
        if isinstance(found, DTypePolicy):
            return found
    elif isinstance(identifier, str):
        return DTypePolicy(identifier)
    else:
        return DTypePolicy(dtypes.standardize(identifier))
    raise ArgumentError("This is no dtype policy.", expected="a name or a DTypePolicy", received=identifier)
