"""Time to build a large functional model in a process that has built it before."""

import gc
from collections.abc import Callable
from time import perf_counter

from benchmarks import models
from benchmarks.contenders import Contender
from benchmarks.registry import quicker, within, workload
from benchmarks.timing import Round


@workload("functional graph of ResNet50's size", quicker(5), quicker(1, on="tensorflow"), unit="ms", slow=True)
def build(contender: Contender) -> Round:
    """The graph and its variables, whose values a package may leave for later."""
    keras = contender.load()
    return build_round(lambda: models.resnet50(keras))


@workload(
    "the same, with the weights as arrays",
    within(1.1, on="torch"), quicker(1, on="tensorflow"), unit="ms", slow=True,
)  # fmt: skip
def build_weights(contender: Contender) -> Round:
    """The graph and the values of its 25.6 million weights, so that laziness gains nothing."""
    keras = contender.load()
    return build_round(lambda: models.resnet50(keras).get_weights())


def build_round(action: Callable[[], object]) -> Round:
    """The milliseconds of one run of `action`, with no garbage of the run before."""

    def measure() -> float:
        gc.collect()  # the model before, which is not this round's cost
        start = perf_counter()
        action()
        return (perf_counter() - start) * 1e3

    return measure
