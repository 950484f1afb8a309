"""What an exercise promises to return: cast where nothing is lost, refused in words where something would be."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from binpack.course.exercises import Mistake, promise


@pytest.mark.parametrize(
    ("promised", "value", "kept"),
    [
        (promise.an_int(), np.int16(3), 3),
        (promise.an_int(), 3.0, 3),
        (promise.an_int(), np.array(3), 3),
        (promise.an_int(), torch.tensor(3), 3),
        (promise.an_int(), 11**100, 11**100),
        (promise.a_float(), 2, 2.0),
        (promise.a_float(), np.float32(0.5), 0.5),
        (promise.a_float(), torch.tensor(0.5), 0.5),
        (promise.a_bool(), np.bool_(True), True),
        (promise.a_bool(), 0, False),
        (promise.a_tuple("it", promise.an_int(), promise.a_float()), np.array([1.0, 2.0]), (1, 2.0)),
        (promise.a_list("it", promise.a_float()), (each for each in (1, 2)), [1.0, 2.0]),
        (promise.nothing(), "whatever", None),
        (promise.anything(), "whatever", "whatever"),
        (promise.an_instance("it", torch.nn.Module), None, Mistake),
    ],
)
def test_a_value_is_cast_to_what_was_promised(promised, value, kept):
    if kept is Mistake:
        with pytest.raises(Mistake):
            promised.cast(value)
        return
    got = promised.cast(value)
    assert got == kept and type(got) is type(kept)


@pytest.mark.parametrize(
    ("promised", "value", "message"),
    [
        (promise.an_int("the action"), 2.5, "the action should be a whole number (int), not 2.5 (float)"),
        (promise.an_int("the action"), True, "the action should be a whole number (int), not True (bool)"),
        (promise.an_int("the action"), None, "the action should be a whole number (int), not None: is there a return?"),
        (promise.an_int(), 1e30, "1e+30 is a float, which has lost digits: compute with Python ints"),
        (promise.a_float(), np.zeros(2), "the result should be one number, not an array of float64 of shape (2,)"),
        (promise.a_float(), "2", "the result should be one number, not '2' (str)"),
        (promise.a_bool(), 2, "the result should be True or False, not 2 (int)"),
        (promise.an_array("it", int), [[1], [1, 2]], "it should be an array of whole numbers, not a list"),
        (
            promise.an_array("it", int),
            np.array([0.5]),
            "it should be an array of whole numbers, not an array of float64 of shape (1,)",
        ),
        (
            promise.an_array("it", int),
            np.array([np.inf]),
            "it should be an array of whole numbers, not an array of float64",
        ),
        (promise.an_array("it", bool), [0, 2], "it should be an array of True and False, not a list"),
        (promise.an_array("it", float), ["a"], "it should be an array of numbers, not a list"),
        (promise.an_array("it", float), [1.0, None], "it should be an array of numbers, not a list that holds None"),
        (promise.a_tensor("the loss"), np.zeros(1), "the loss should be a torch tensor, not an array of float64"),
        (promise.a_tuple("it", promise.an_int()), (1, 2), "it should hold 1 values, not 2"),
        (promise.a_tuple("it", promise.an_int("x")), (1.5,), "x should be a whole number (int), not 1.5 (float)"),
        (promise.a_list("it", promise.an_int()), 3, "it should be a list, not 3 (int)"),
        (promise.an_instance("the network", torch.nn.Module), 3, "the network should be a Module, not 3 (int)"),
    ],
)
def test_what_cannot_be_cast_is_named(promised, value, message):
    with pytest.raises(Mistake) as caught:
        promised.cast(value)
    assert str(caught.value).startswith(message)


@given(
    hnp.arrays(
        st.sampled_from([np.int8, np.int64, np.uint16]), hnp.array_shapes(max_dims=3), elements=st.integers(0, 99)
    )
)
def test_whole_numbers_survive_as_lists_and_as_floats(array):
    promised = promise.an_array("it", int)
    for form in (array, array.tolist(), array.astype(float), torch.from_numpy(array.astype(np.int64))):
        got = promised.cast(form)
        assert got.dtype == np.int64
        np.testing.assert_array_equal(got, array)


def test_a_gradient_still_flows_through_a_tensor():
    weight = torch.ones(2, dtype=torch.float64, requires_grad=True)
    got = promise.a_tensor("the loss", torch.float32).cast(weight * 2)
    assert got.dtype == torch.float32 and got.requires_grad
