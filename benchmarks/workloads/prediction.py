"""Time of `predict`."""

from benchmarks import data, models
from benchmarks.contenders import Contender
from benchmarks.registry import quicker, within, workload
from benchmarks.timing import Timed


@workload(
    "predict of one row, 8-16-1",
    quicker(5), within(1.1, on="torch"), quicker(100, on="tensorflow"), unit="ms/call",
)  # fmt: skip
def predict_one(contender: Contender) -> Timed:
    """What one call costs when the model costs nothing."""
    model = models.tiny(contender.load())
    model.compile("adam", "mse", **contender.compile_options)
    row = data.regression(1)[0]
    return Timed(lambda: model.predict(row, verbose=0))
