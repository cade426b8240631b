"""Variables."""

import numpy as np
import pytest

import keratin
from keratin.backends import select
from keratin.errors import ArgumentError, DtypeError, ShapeError


def test_a_tensor_from_the_host_is_a_copy_at_once():
    """An engine may copy in another thread; what the caller writes afterwards must not show."""
    array = np.zeros(10_000_000, "float32")
    tensor = select.current().from_host(array)
    array[:] = 1
    assert float(select.current().to_host(tensor).sum()) == 0


def test_values_are_assigned_in_the_variables_dtype_and_shape():
    v = keratin.Variable(np.zeros(3), dtype="float32", name="v")
    v.assign([1, 2, 3])
    v.assign_add(np.ones(3))
    v.assign_sub(0.5)
    assert v.numpy().tolist() == [1.5, 2.5, 3.5] and v.dtype == "float32"
    with pytest.raises(ShapeError, match=r"v(.|\n)*\(3,\)(.|\n)*\(2,\)"):
        v.assign([1.0, 2.0])
    with pytest.raises(DtypeError, match="complex"):
        v.assign(np.ones(3) * 1j)


def test_what_numpy_gives_is_the_callers_own():
    v = keratin.Variable([1.0, 2.0])
    copy = v.numpy()
    copy[:] = 9
    assert v.numpy().tolist() == [1, 2]


def test_variables_are_lazy_and_need_a_full_shape():
    made = []

    def initializer(shape, dtype=None):
        made.append(shape)
        return np.ones(shape, "float32")

    v = keratin.Variable(initializer, shape=(2,), dtype="float32")
    assert made == [] and v.shape == (2,)
    assert v.numpy().tolist() == [1, 1] and made == [(2,)]
    with pytest.raises(ShapeError, match="fully known"):
        keratin.Variable(initializer, shape=(None, 2))
    with pytest.raises(ArgumentError, match="needs a `shape`"):
        keratin.Variable(initializer)
    with pytest.raises(ArgumentError, match="no such argument(.|\n)*colour"):
        keratin.Variable(1.0, colour="red")


def test_operators_and_conversions():
    v = keratin.Variable([1.0, 2.0])
    assert (v + 1).tolist() == [2, 3] and (2 * v).tolist() == [2, 4] and (v @ v) == 5
    assert np.asarray(v).tolist() == [1, 2] and len(v) == 2 and float(keratin.Variable(3.0)) == 3
    with pytest.raises(ArgumentError, match="truth"):
        bool(v)


def test_paths_and_scopes():
    with keratin.name_scope("outer"), keratin.name_scope("inner"):
        v = keratin.Variable(0.0, name="w")
    assert v.path == "outer/inner/w"
    with pytest.raises(ArgumentError, match="/"):
        keratin.Variable(0.0, name="a/b")


def test_stateless_scope():
    v = keratin.Variable(1.0)
    with keratin.StatelessScope([(v, 5.0)]) as scope:
        v.assign_add(1.0)
        assert float(v.value) == 6
    assert float(scope.get_current_value(v)) == 6 and float(v) == 1
