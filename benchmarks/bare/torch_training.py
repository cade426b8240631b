"""Training loops as one writes them in PyTorch: batches indexed from tensors on the device, autograd, `torch.optim`."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks import data
from benchmarks.bare.torch_models import DEVICE, Cnn, Mlp, Tiny
from benchmarks.contenders import Contender
from benchmarks.timing import Timed
from benchmarks.workloads import training


def tiny(contender: Contender) -> Timed:
    """8-16-1, mean squared error."""
    x, y = on_device(data.regression(training.TINY_ROWS))
    model = Tiny().to(DEVICE)
    optimizer = torch.optim.Adam(model.parameters(), **contender.compile_options)

    def action() -> None:
        for _ in range(training.TINY_EPOCHS):
            regression_epoch(model, optimizer, x, y, training.TINY_BATCH)

    return Timed(action, count=training.TINY_EPOCHS * -(-len(x) // training.TINY_BATCH))


def mlp(contender: Contender) -> Timed:
    """784-512-512-10, cross-entropy and accuracy."""
    x, y = on_device(data.classification(training.MLP_ROWS, (784,)))
    model = Mlp().to(DEVICE)
    optimizer = torch.optim.Adam(model.parameters(), **contender.compile_options)

    def action() -> None:
        for _ in range(training.MLP_EPOCHS):
            classification_epoch(model, optimizer, x, y, training.MLP_BATCH, accuracy=True)

    return Timed(action, count=training.MLP_EPOCHS * -(-len(x) // training.MLP_BATCH))


def cnn(contender: Contender) -> Timed:
    """Two convolutions with pooling, dropout, cross-entropy; channels first, as PyTorch has them, or last in memory."""
    options = dict(contender.compile_options)
    layout = torch.channels_last if options.pop("channels_last", False) else torch.contiguous_format
    x, y = on_device(data.classification(training.CNN_ROWS, (28, 28, 1)))
    x = x.permute(0, 3, 1, 2).contiguous(memory_format=layout)
    model = Cnn().to(DEVICE, memory_format=layout)
    optimizer = torch.optim.Adam(model.parameters(), **options)

    def action() -> None:
        for _ in range(training.CNN_EPOCHS):
            classification_epoch(model, optimizer, x, y, training.CNN_BATCH, accuracy=False)

    return Timed(action, count=training.CNN_EPOCHS * -(-len(x) // training.CNN_BATCH))


def on_device(arrays: data.Arrays) -> tuple[Tensor, Tensor]:
    """The arrays as tensors, with labels in the dtype that the cross-entropy takes."""
    x, y = (torch.from_numpy(array).to(DEVICE) for array in arrays)
    return x, y if y.is_floating_point() else y.long()


def regression_epoch(
    model: nn.Module, optimizer: torch.optim.Optimizer, x: Tensor, y: Tensor, batch_size: int
) -> float:
    """One epoch over shuffled rows.  Returns the mean loss."""
    model.train()
    total = torch.zeros((), device=DEVICE)
    for rows in torch.randperm(len(x), device=DEVICE).split(batch_size):
        loss = functional.mse_loss(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.detach() * len(rows)
    return total.item() / len(x)


def classification_epoch(
    model: nn.Module, optimizer: torch.optim.Optimizer, x: Tensor, y: Tensor, batch_size: int, *, accuracy: bool
) -> tuple[float, float]:
    """One epoch over shuffled rows.  Returns the mean loss and the accuracy, 0 where it is not asked for."""
    model.train()
    total = torch.zeros((), device=DEVICE)
    correct = torch.zeros((), device=DEVICE, dtype=torch.int64)
    for rows in torch.randperm(len(x), device=DEVICE).split(batch_size):
        labels = y[rows]
        logits = model(x[rows])
        loss = functional.cross_entropy(logits, labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.detach() * len(rows)
        if accuracy:
            correct += (logits.detach().argmax(dim=1) == labels).sum()
    return total.item() / len(x), correct.item() / len(x)
