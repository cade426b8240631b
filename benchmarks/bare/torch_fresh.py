"""Scripts in PyTorch that run in a process of their own."""

import torch

from benchmarks import data
from benchmarks.bare.torch_models import DEVICE, Cnn, Mlp
from benchmarks.bare.torch_training import classification_epoch, on_device
from benchmarks.workloads.memory import ROWS, peak
from benchmarks.workloads.training import CNN_BATCH


def first_step() -> None:
    """Train the cnn on one batch."""
    x, y = on_device(data.classification(CNN_BATCH, (28, 28, 1)))
    model = Cnn().to(DEVICE)
    optimizer = torch.optim.Adam(model.parameters())
    classification_epoch(model, optimizer, x.permute(0, 3, 1, 2).contiguous(), y, CNN_BATCH, accuracy=False)


def memory() -> None:
    """Train the mlp for one epoch and print the peak in MiB."""
    x, y = on_device(data.classification(ROWS, (784,)))
    model = Mlp().to(DEVICE)
    classification_epoch(model, torch.optim.Adam(model.parameters()), x, y, 128, accuracy=True)
    print(peak())
