"""Layer calls as modules of PyTorch."""

import torch
from torch import nn

from benchmarks.bare.torch_models import DEVICE
from benchmarks.contenders import Contender
from benchmarks.timing import MICROSECONDS, Timed
from benchmarks.workloads.eager import CALLS, ROWS, UNITS


def identity(contender: Contender) -> Timed:
    """`nn.Identity`."""
    return calls_of(nn.Identity())


def dense(contender: Contender) -> Timed:
    """`nn.Linear`, which records its part of the graph for a gradient, as a layer of Keras does."""
    return calls_of(nn.Linear(UNITS, UNITS))


def calls_of(module: nn.Module) -> Timed:
    """Calls of the module on one tensor; the last result is awaited."""
    module = module.to(DEVICE)
    x = torch.ones(ROWS, UNITS, device=DEVICE)

    def action() -> None:
        for _ in range(CALLS - 1):
            module(x)
        module(x).detach().cpu().numpy()

    return Timed(action, count=CALLS, scale=MICROSECONDS)
