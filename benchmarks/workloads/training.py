"""Time of a training step inside `fit`, the cost of calling `fit` included."""

from typing import Any

from benchmarks import data, models
from benchmarks.contenders import Contender
from benchmarks.registry import quicker, within, workload
from benchmarks.timing import Timed

TINY_ROWS, TINY_BATCH, TINY_EPOCHS = 16_000, 32, 5
MLP_ROWS, MLP_BATCH, MLP_EPOCHS = 12_800, 128, 2
CNN_ROWS, CNN_BATCH, CNN_EPOCHS = 1_280, 128, 1


@workload(
    "fit 8-16-1, batch 32, Adam, mean squared error, 16,000 rows",
    quicker(20), within(2.5), quicker(5, on="torch"), within(1.1, on="torch"), quicker(1, on="tensorflow"),
)  # fmt: skip
def tiny(contender: Contender) -> Timed:
    """Where a step costs next to nothing: what is left is the loop."""
    model = models.tiny(contender.load())
    model.compile("adam", "mse", **contender.compile_options)
    return fit_epochs(model, data.regression(TINY_ROWS), TINY_BATCH, TINY_EPOCHS)


@workload(
    "fit 784-512-512-10, batch 128, Adam, accuracy",
    quicker(1.1), quicker(2, on="torch"), within(1.1, on="torch"), quicker(1, on="tensorflow"),
)  # fmt: skip
def mlp(contender: Contender) -> Timed:
    """Where matrix products are most of a step."""
    model = models.mlp(contender.load())
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"], **contender.compile_options)
    return fit_epochs(model, data.classification(MLP_ROWS, (784,)), MLP_BATCH, MLP_EPOCHS)


@workload(
    "fit Conv32-pool-Conv64-pool-Dropout-Dense10 on 28x28x1, batch 128, Adam",
    quicker(3), within(1.1, on="torch"), quicker(1, on="tensorflow"),
)  # fmt: skip
def cnn(contender: Contender) -> Timed:
    """Where convolutions and the gradient of pooling are most of a step."""
    model = models.cnn(contender.load())
    model.compile("adam", "sparse_categorical_crossentropy", **contender.compile_options)
    return fit_epochs(model, data.classification(CNN_ROWS, (28, 28, 1)), CNN_BATCH, CNN_EPOCHS)


def fit_epochs(model: Any, arrays: data.Arrays, batch_size: int, epochs: int) -> Timed:
    """A call of `fit` as the action.  All contenders run the same number of epochs in a call, so that what a call
    costs by itself weighs the same."""
    x, y = arrays
    steps = -(-len(x) // batch_size) * epochs
    return Timed(lambda: model.fit(x, y, batch_size=batch_size, epochs=epochs, verbose=0), count=steps)
