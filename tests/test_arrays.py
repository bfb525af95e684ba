"""Kinds, dtypes, shapes and domains of the arrays that users pass."""

import array_api_strict
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
from kinds import KINDS

from klosed._arrays import (
    broadcast_shapes,
    check_domain,
    gather,
    is_nowhere,
    kind,
    like,
    namespace,
    same_kind,
    sum_to_shape,
    weakness,
)
from klosed.errors import ArrayKindError, ParameterError, ShapeError

kinds = pytest.mark.parametrize("xp", KINDS.values(), ids=KINDS)


def positive(x):
    return x > 0


def test_kinds_have_names():
    assert kind(np.ones(2)) == kind(np.float64(1.0)) == "NumPy"
    assert kind(torch.ones(2)) == "PyTorch"
    assert kind(jnp.ones(2)) == "JAX"
    assert kind(array_api_strict.ones(2)) == "array_api_strict"
    assert kind(1.0) is kind([1.0]) is None
    assert weakness(1.0, [2]) == 2
    assert weakness(1.0, np.float32(2)) == 1
    assert weakness(1.0, np.ones(2)) == 0


@kinds
def test_plain_numbers_and_integers_take_the_dtype_beside_them(xp):
    single = xp.array([1.0, 2.0], "float32")
    got = gather(a=single, b=0.1, c=[1, 2], d=xp.array([3, 4], "int32"))
    assert {xp.dtype(x) for x in got.values()} == {"float32"}
    assert got["a"] is single
    assert xp.numpy(got["d"]).tolist() == [3.0, 4.0]
    double = gather(a=single, b=xp.array([1.0], "float64"))
    assert {xp.dtype(x) for x in double.values()} == {"float64"}


@kinds
def test_integers_alone_take_the_default_float(xp):
    got = gather(a=xp.array([1, 2], "int32"))["a"]
    assert got.dtype == namespace(got).asarray(0.0).dtype


def test_numpy_scalars_follow_arrays_but_keep_their_dtype_alone():
    assert gather(a=np.ones(2, np.float32), b=np.float64(0.1))["b"].dtype == np.float32
    assert gather(a=torch.ones(2), b=np.float64(0.1))["b"].dtype == torch.float32
    assert gather(a=np.float32(0.1), b=1.0)["b"].dtype == np.float32
    assert gather(a=1, b=0.5)["a"].dtype == np.float64


def test_a_torch_gradient_survives_conversion():
    x = torch.ones(2, requires_grad=True)
    gather(x=x, y=torch.ones(2, dtype=torch.float64))["x"].sum().backward()
    assert x.grad.tolist() == [1.0, 1.0]


def test_mixed_kinds_name_both():
    with pytest.raises(ArrayKindError, match=r"loc is NumPy, scale is PyTorch\. Convert them"):
        gather(loc=np.ones(2), scale=torch.ones(2))
    with pytest.raises(ArrayKindError, match="q is JAX, p is PyTorch"):
        same_kind({"q": [jnp.ones(2)], "p": [torch.ones(2)]}, {"q": 0, "p": 0})


def test_integers_of_any_size_are_numbers():
    assert gather(rate=10**30)["rate"] == 1e30
    with pytest.raises(ParameterError, match="rate must be numbers that a float holds"):
        gather(rate=10**400)


def test_long_doubles_are_refused():
    for given in (np.ones(2, np.longdouble), np.longdouble(1)):
        with pytest.raises(ArrayKindError, match=r"a must be real numbers; got dtype .*float128"):
            gather(a=given)


def test_a_list_of_tensors_is_not_torn_from_its_gradient():
    with pytest.raises(ArrayKindError, match="got a list of arrays"):
        gather(loc=[torch.ones((), requires_grad=True), torch.ones(())])


@pytest.mark.parametrize(
    "bad", [1j, True, "a", None, object(), [1, None], np.ones(2, bool), np.ones(2, complex)]
)
def test_what_is_no_real_number_is_refused(bad):
    with pytest.raises(ArrayKindError, match="scale must be real numbers; got"):
        gather(scale=bad)


def test_ragged_lists_are_refused():
    with pytest.raises(ShapeError, match=r"regular nest of numbers.*rows equally long"):
        gather(scale=[[1], [1, 2]])


def test_weak_groups_follow_the_others():
    q, p = same_kind({"q": [torch.ones(2)], "p": [np.asarray(0.5)]}, {"q": 0, "p": 2})
    assert p[0].dtype == q[0].dtype == torch.float32
    # NumPy's scalars, which np.sqrt(2) makes of a plain number, follow arrays but no plain numbers
    q, p = same_kind({"q": [torch.ones(2)], "p": [np.asarray(0.5)]}, {"q": 0, "p": 1})
    assert p[0].dtype == q[0].dtype == torch.float32
    q, p = same_kind({"q": [np.float32(1)], "p": [np.asarray(0.5)]}, {"q": 1, "p": 2})
    assert p[0].dtype == q[0].dtype == np.float32
    q, p = same_kind({"q": [np.ones(2, np.float32)], "p": [np.ones(2)]}, {"q": 0, "p": 0})
    assert q[0].dtype == p[0].dtype == np.float64


def test_like_leaves_arrays_of_the_right_dtype_alone():
    x = torch.ones(2, dtype=torch.float64)
    assert like(x, x) is x
    assert like(torch.ones(2), x).dtype == torch.float64


def test_shapes_that_do_not_broadcast_are_named():
    assert broadcast_shapes({"loc": (3, 1), "scale": (4,)}) == (3, 4)
    with pytest.raises(ShapeError, match=r"loc has \(3,\), scale has \(4,\)"):
        broadcast_shapes({"loc": (3,), "scale": (4,)})


@kinds
def test_domain_errors_name_rule_value_index_and_cure(xp):
    x = xp.array([[1.0, 2.0], [3.0, -0.3]])
    with pytest.raises(
        ParameterError, match=r"^scale must be > 0; got -0.3 at index \(1, 1\). Do.$"
    ):
        check_domain("scale", x, positive, "> 0", "Do.")
    check_domain("scale", x[:1, :], positive, "> 0")
    with pytest.raises(ParameterError, match=r"got nan\.$"):
        check_domain("scale", xp.array(float("nan")), positive, "> 0")


@kinds
def test_domain_errors_show_the_vector_or_matrix_that_is_wrong(xp):
    def check(values):
        rows = xp.array(values)
        check_domain("probs", rows, lambda x: namespace(x).all(x > 0, axis=-1), "positive")

    with pytest.raises(ParameterError, match=r"got \[0.5, -0.25\] at index \(1,\)\.$"):
        check([[1.0, 2.0], [0.5, -0.25]])
    with pytest.raises(ParameterError, match=r"got numbers of shape \(10,\)\.$"):
        check([-1.0] * 10)


def test_domains_are_not_checked_while_tracing():
    def checked(x):
        check_domain("x", x, positive, "> 0")
        return x * 2.0

    assert float(jax.jit(checked)(-1.0)) == -2.0
    assert float(jax.grad(checked)(-1.0)) == 2.0
    assert jax.vmap(checked)(-jnp.ones(2)).tolist() == [-2.0, -2.0]
    assert torch.func.vmap(checked)(-torch.ones(2)).tolist() == [-2.0, -2.0]


def test_nothing_is_known_of_a_mask_while_tracing():
    assert is_nowhere(False)
    assert not is_nowhere(True)
    assert is_nowhere(np.zeros(2, bool))
    assert not is_nowhere(np.array([True, False]))
    seen = []
    jax.jit(lambda x: seen.append(is_nowhere(x > 0)) or x)(-1.0)
    torch.func.vmap(lambda x: seen.append(is_nowhere(x > 0)) or x)(-torch.ones(2))
    assert seen == [False, False]


@kinds
@pytest.mark.parametrize("shape", [(), (3,), (1,), (2, 1), (2, 3), (1, 1)])
def test_sums_undo_broadcasting(xp, shape):
    x = xp.array(np.arange(6.0).reshape(2, 3))
    wanted = np.zeros(shape)
    # the adjoint of broadcasting, entry by entry
    for index in np.ndindex(shape):
        unit = np.zeros(shape)
        unit[index] = 1.0
        wanted[index] = np.sum(np.broadcast_to(unit, (2, 3)) * np.arange(6.0).reshape(2, 3))
    assert xp.numpy(sum_to_shape(x, shape)).tolist() == wanted.tolist()
