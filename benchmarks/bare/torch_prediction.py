"""Prediction as one writes it in PyTorch: arrays in, arrays out, in batches and without gradients."""

import numpy as np
import torch
from torch import nn

from benchmarks import data
from benchmarks.bare.torch_models import DEVICE, Tiny
from benchmarks.contenders import Contender
from benchmarks.timing import Timed


def predict_one(contender: Contender) -> Timed:
    """One row of 8-16-1."""
    model = Tiny().to(DEVICE)
    row = data.regression(1)[0]
    return Timed(lambda: predict(model, row))


def predict(model: nn.Module, x: np.ndarray, batch_size: int = 32) -> np.ndarray:
    """The outputs for all rows."""
    model.eval()
    with torch.no_grad():
        outputs = [model(rows.to(DEVICE)) for rows in torch.from_numpy(x).split(batch_size)]
        return torch.cat(outputs).cpu().numpy()
