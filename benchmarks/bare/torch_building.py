"""Building a large model in PyTorch, whose modules make their weights at once."""

from benchmarks.bare.torch_models import DEVICE, ResNet50
from benchmarks.contenders import Contender
from benchmarks.timing import Round
from benchmarks.workloads.building import build_round


def build_weights(contender: Contender) -> Round:
    """ResNet50 with its weights as arrays."""

    def build() -> object:
        model = ResNet50().to(DEVICE)
        return [value.cpu().numpy() for value in model.state_dict().values()]

    return build_round(build)
