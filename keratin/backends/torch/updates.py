"""The fused optimizer kernels: one call updates all parameters.  They write in place, into copies.

A program drops the copies again where nothing reads the old values afterwards (`programs._reuse_memory`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

from keratin.backends.torch.programs import is_optimizing

Tensors = Sequence[torch.Tensor]


def _followed(*groups: Tensors) -> bool:
    """Whether autograd follows one of the tensors: writing in place would break it."""
    return torch.is_grad_enabled() and any(x.requires_grad for group in groups for x in group)


def _copies(tensors: Tensors) -> list[torch.Tensor]:
    return [x.clone(memory_format=torch.contiguous_format) for x in tensors]


def adam(
    values: Tensors,
    gradients: Tensors,
    slots: dict[str, Tensors],
    rate: torch.Tensor,
    beta_1: float,
    beta_2: float,
    epsilon: float,
) -> tuple[list[torch.Tensor], dict[str, list[torch.Tensor]]] | None:
    """Adam in the paper's efficient form: `rate` has the corrections in it, so the kernel's own are switched off.

    They are `1 - beta ** step`, which is 1 at a step without end.
    None where autograd follows a tensor, or for a compiler.
    """
    if is_optimizing() or _followed(values, gradients, *slots.values()):
        return None  # `torch.compile` knows no `_fused_adam_` with a rate that is a tensor
    new = _copies(values)
    kept = {name: _copies(tensors) for name, tensors in slots.items()}
    endless = torch.full((), 1e9, device=new[0].device)
    torch._fused_adam_(
        new, [g.contiguous() for g in gradients], kept["momentum"], kept["velocity"], kept.get("velocity_hat", []),
        [endless] * len(new), lr=rate, beta1=beta_1, beta2=beta_2, weight_decay=0.0, eps=epsilon,
        amsgrad="velocity_hat" in kept, maximize=False,
    )  # fmt: skip
    return new, kept


UPDATES: dict[str, Callable[..., Any]] = {"adam_update": adam}
