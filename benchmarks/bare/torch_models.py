"""The models of the workloads as `torch.nn.Module`s, with logits for outputs."""

import torch
from torch import Tensor, nn

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
STACKS = ((64, 3), (128, 4), (256, 6), (512, 3))


class Tiny(nn.Module):
    """8-16-1."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden = nn.Linear(8, 16)
        self.output = nn.Linear(16, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.output(torch.relu(self.hidden(x)))


class Mlp(nn.Module):
    """784-512-512-10."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(784, 512)
        self.second = nn.Linear(512, 512)
        self.output = nn.Linear(512, 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.output(torch.relu(self.second(torch.relu(self.first(x)))))


class Cnn(nn.Module):
    """A small convolutional network for (1, 28, 28)."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(1, 32, 3)
        self.second = nn.Conv2d(32, 64, 3)
        self.pool = nn.MaxPool2d(2)
        self.dropout = nn.Dropout(0.5)
        self.output = nn.Linear(1600, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.pool(torch.relu(self.first(x)))
        x = self.pool(torch.relu(self.second(x)))
        return self.output(self.dropout(x.flatten(1)))


class ResNet50(nn.Module):
    """The layers and weights of `models.resnet50`, biases of the convolutions included."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(*_convolution(3, 64, 7, stride=2), nn.ReLU(), nn.MaxPool2d(3, stride=2, padding=1))
        blocks: list[nn.Module] = []
        channels = 64
        for stack, (filters, count) in enumerate(STACKS):
            for block in range(count):
                blocks.append(Bottleneck(channels, filters, stride=2 if stack and not block else 1))
                channels = 4 * filters
        self.blocks = nn.Sequential(*blocks)
        self.output = nn.Linear(channels, 1000)

    def forward(self, x: Tensor) -> Tensor:
        return self.output(self.blocks(self.stem(x)).mean(dim=(2, 3)))


class Bottleneck(nn.Module):
    """Three convolutions beside a shortcut, which is a projection where the shape changes."""

    def __init__(self, channels: int, filters: int, *, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            *_convolution(channels, filters, 1, stride=stride), nn.ReLU(),
            *_convolution(filters, filters, 3), nn.ReLU(),
            *_convolution(filters, 4 * filters, 1),
        )  # fmt: skip
        project = channels != 4 * filters
        self.shortcut = nn.Sequential(*_convolution(channels, 4 * filters, 1, stride=stride)) if project else None

    def forward(self, x: Tensor) -> Tensor:
        shortcut = x if self.shortcut is None else self.shortcut(x)
        return torch.relu(self.body(x) + shortcut)


def _convolution(channels: int, filters: int, size: int, *, stride: int = 1) -> tuple[nn.Module, nn.Module]:
    return nn.Conv2d(channels, filters, size, stride=stride, padding=size // 2), nn.BatchNorm2d(filters)
