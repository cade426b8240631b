"""How often the body of a user's layer is run by `fit`: a count, not a time."""

from typing import Any

from benchmarks import data
from benchmarks.contenders import Contender
from benchmarks.registry import workload
from benchmarks.timing import Round

ROWS, BATCH, EPOCHS = 100, 32, 3  # the last batch has 4 rows: two shapes


@workload("runs of a custom layer's body in a fit with a short last batch (two shapes)", unit="calls", slow=True)
def traces(contender: Contender) -> Round:
    """Each run beyond one for a shape is compile time that the user waits for."""
    return lambda: float(_calls_of_two_fits(contender)[0])


@workload("the same in a second fit of that model", unit="calls", slow=True)
def traces_again(contender: Contender) -> Round:
    """A second `fit` with the same shapes has nothing to trace."""
    return lambda: float(_calls_of_two_fits(contender)[1])


def _calls_of_two_fits(contender: Contender) -> tuple[int, int]:
    keras = contender.load()
    calls: list[tuple[Any, ...]] = []

    class Recorded(keras.layers.Layer):
        """Doubles its input and remembers the shape of each run of its body."""

        def call(self, x: Any) -> Any:
            calls.append(tuple(x.shape))
            return 2.0 * x

    model = keras.Sequential([keras.Input((8,)), Recorded(), keras.layers.Dense(1)])
    model.compile("adam", "mse", **contender.compile_options)
    x, y = data.regression(ROWS)
    calls.clear()
    model.fit(x, y, batch_size=BATCH, epochs=EPOCHS, verbose=0)
    first = len(calls)
    model.fit(x, y, batch_size=BATCH, epochs=EPOCHS, verbose=0)
    return first, len(calls) - first
