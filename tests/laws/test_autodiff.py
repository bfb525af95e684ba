"""What PyTorch and JAX differentiate backward, forward and twice is the closed form."""

import jax
import numpy as np
import pytest
import torch
from differences import kept_on, kept_total
from families import CHOSEN_PAIRS, FAMILIES, FIRST, known
from kinds import KINDS

import klosed
from klosed.special import bessel

pairs = pytest.mark.parametrize(
    ("name_q", "name_p"), CHOSEN_PAIRS, ids=[f"{a}-{b}" for a, b in CHOSEN_PAIRS]
)
families = pytest.mark.parametrize("name", FAMILIES)


def pair_function(name_q, name_p):
    """Return f(*arrays) = KL, and the arrays."""
    q, p = FAMILIES[name_q], FAMILIES[name_p]
    n = len(q.parameters)
    names = [*q.parameters, *p.parameters]

    def f(*arrays):
        arrays = [kept_symmetric(name, a) for name, a in zip(names, arrays, strict=True)]
        arrays = [
            kept_total(a) if name == "total_count" else a
            for name, a in zip(names, arrays, strict=True)
        ]
        return klosed.kl_divergence(
            q.family(**dict(zip(q.parameters, arrays[:n], strict=True))),
            p.family(**dict(zip(p.parameters, arrays[n:], strict=True))),
        )

    return f, [*q.parameters.values(), *p.parameters.values()]


def density_function(name):
    """Return f(*arrays, x) = log p(x) + entropy where that is known, and the arrays."""
    instance = FAMILIES[name]
    x = instance(np.asarray).sample(3)
    with_entropy = known(instance(np.asarray).entropy) is not None
    names = [*instance.parameters, "x"]
    # asked here, because torch.compile cannot trace it
    totals = [np.asarray(given).dtype.kind == "i" for given in instance.parameters.values()]

    def f(*arrays):
        *arrays, at = (kept_symmetric(n, a) for n, a in zip(names, arrays, strict=True))
        arrays = [kept_total(a) if t else a for t, a in zip(totals, arrays, strict=True)]
        d = instance.family(**dict(zip(instance.parameters, arrays, strict=True)))
        log_p = d.log_prob(kept_on(d.support, at))
        return log_p + d.entropy() if with_entropy else log_p

    return f, [*instance.parameters.values(), x]


def kept_symmetric(name, array):
    """Let differences move the entries of a symmetric matrix one by one."""
    symmetric = name.startswith(("covariance_matrix", "precision_matrix"))
    return (array + array.mT) / 2 if symmetric else array


def torch_arrays(arrays):
    return [KINDS["torch"].array(a).requires_grad_() for a in arrays]


WEIGHTS = np.array([0.5, -1.0, 2.0])


def summed(given, gradients):
    """Return what closed forms, which are not yet summed, make the gradients of Σ weights · f."""
    wanted = []
    for gradient, parameter in zip(gradients, given, strict=True):
        weighted = np.moveaxis(WEIGHTS * np.moveaxis(np.asarray(gradient), 0, -1), -1, 0)
        # sum over the axes along which the parameter was broadcast
        extra = tuple(range(weighted.ndim - np.ndim(parameter)))
        wanted.append(weighted.sum(axis=extra) if extra else weighted)
    return wanted


def check_backward_of_torch(f, given, wanted, rel):
    arrays = [KINDS["torch"].array(a).requires_grad_() for a in given]
    loss = (torch.asarray(WEIGHTS) * f(*arrays)).sum()
    # with a graph of the backward pass PyTorch takes another way than without
    for graph in (True, False):
        found = torch.autograd.grad(loss, arrays, create_graph=graph, retain_graph=True)
        for got, true in zip(found, wanted, strict=True):
            np.testing.assert_allclose(got.detach().numpy(), true, rtol=rel, atol=rel / 100)


def check_backward_of_jax(f, given, wanted, rel):
    arrays = [KINDS["jax"].array(a) for a in given]
    found = jax.grad(lambda *a: (WEIGHTS * f(*a)).sum(), tuple(range(len(arrays))))(*arrays)
    for got, true in zip(found, wanted, strict=True):
        np.testing.assert_allclose(got, true, rtol=rel, atol=rel / 100)


libraries = pytest.mark.parametrize(
    "check",
    [
        pytest.param(check_backward_of_torch, id="torch"),
        # its other tests here compile each function once; this one, each operation of each
        pytest.param(check_backward_of_jax, id="jax", marks=pytest.mark.slow),
    ],
)


@libraries
@pairs
def test_backward_of_kl_is_the_closed_form(name_q, name_p, check):
    f, given = pair_function(name_q, name_p)
    q, p = (FAMILIES[n](np.asarray) for n in (name_q, name_p))
    _, of_q, of_p = klosed.kl_value_and_grad(q, p)
    check(f, given, summed(given, [*of_q.values(), *of_p.values()]), rel=1e-12)


@libraries
@families
def test_backward_of_density_and_entropy_is_the_closed_form(name, check):
    f, given = density_function(name)
    d = FAMILIES[name](np.asarray)
    _, of_density, of_x = d.log_prob_value_and_grad(given[-1])
    if known(d.entropy) is not None:
        _, of_entropy = d.entropy_value_and_grad()
        of_density = {name: g + of_entropy[name] for name, g in of_density.items()}
    check(f, given, summed(given, [*(of_density[n] for n in d.parameters), of_x]), rel=1e-11)


def functions():
    """Yield one KL of each pair of families and one density of each family."""
    for name_q, name_p in CHOSEN_PAIRS:
        if name_q in FIRST.values() and name_p in FIRST.values():
            yield pytest.param(*pair_function(name_q, name_p), id=f"{name_q}-{name_p}")
    for name in FIRST.values():
        yield pytest.param(*density_function(name), id=name)


every_function = pytest.mark.parametrize(("f", "given"), tuple(functions()))


@every_function
def test_second_derivatives_follow(f, given):
    arrays = torch_arrays(given)
    # matrices have many entries: along random directions instead of one by one
    many = sum(a.numel() for a in arrays) > 20
    assert torch.autograd.gradgradcheck(f, arrays, rtol=1e-4, atol=1e-6, fast_mode=many)


@every_function
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch's own forward mode
def test_forward_mode_and_vmap_agree_with_backward(f, given):
    arrays = [KINDS["torch"].array(a) for a in given]
    tangents = [torch.linspace(0.5, 1.5, a.numel(), dtype=a.dtype).reshape(a.shape) for a in arrays]
    value, forward = torch.func.jvp(f, tuple(arrays), tuple(tangents))
    gradients = torch.func.grad(lambda *a: f(*a).sum(), tuple(range(len(arrays))))(*arrays)
    backward = sum((g * t).sum() for g, t in zip(gradients, tangents, strict=True))
    torch.testing.assert_close(forward.sum(), backward, rtol=1e-11, atol=1e-12)

    axes = tuple(0 if a.shape[:1] == value.shape else None for a in arrays)
    each = torch.func.vmap(torch.func.grad(f, tuple(range(len(arrays)))), in_dims=axes)(*arrays)
    for one, whole, axis in zip(each, gradients, axes, strict=True):
        torch.testing.assert_close(one if axis == 0 else one.sum(0), whole, rtol=1e-11, atol=1e-12)


@every_function
def test_jax_traces_gradients(f, given):
    every = tuple(range(len(given)))
    arrays = [KINDS["jax"].array(a) for a in given]
    shapes = jax.eval_shape(jax.grad(lambda *a: f(*a).sum(), every), *arrays)
    assert [s.shape for s in shapes] == [np.shape(a) for a in given]


# Of each family two members that differ, to be compiled: that takes long. In a long run every pair.
BETWEEN_MEMBERS = {
    type(FAMILIES[a]()): (a, b) for a, b in CHOSEN_PAIRS if a != b == FIRST[type(FAMILIES[a]())]
}


@pytest.mark.parametrize(
    ("name_q", "name_p"),
    [
        pytest.param(
            *pair,
            id="-".join(pair),
            marks=() if pair in BETWEEN_MEMBERS.values() else pytest.mark.slow,
        )
        for pair in CHOSEN_PAIRS
    ],
)
def test_gradients_that_jax_compiles_are_the_closed_form(name_q, name_p):
    f, given = pair_function(name_q, name_p)
    q, p = (FAMILIES[n](np.asarray) for n in (name_q, name_p))
    _, of_q, of_p = klosed.kl_value_and_grad(q, p)
    arrays = [KINDS["jax"].array(a) for a in given]
    events = (*q.parameter_shapes.values(), *p.parameter_shapes.values())
    axes = tuple(0 if a.ndim > len(e) else None for a, e in zip(arrays, events, strict=True))
    every = tuple(range(len(arrays)))
    # compiled in half the time, to code that runs longer
    quickly = {"xla_backend_optimization_level": 0, "xla_llvm_disable_expensive_passes": True}
    found = jax.jit(jax.vmap(jax.grad(f, every), in_axes=axes), compiler_options=quickly)(*arrays)
    for got, wanted in zip(found, [*of_q.values(), *of_p.values()], strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-11, atol=1e-12)


@pytest.mark.slow
@every_function
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch's own tracer
def test_torch_compile_makes_one_graph(f, given):
    torch.compiler.reset()
    arrays = torch_arrays(given)
    compiled = torch.compile(f, fullgraph=True, backend="aot_eager")
    wanted = torch.autograd.grad(f(*arrays).sum(), arrays)
    got = torch.autograd.grad(compiled(*arrays).sum(), arrays)
    for g, w in zip(got, wanted, strict=True):
        torch.testing.assert_close(g, w, rtol=1e-11, atol=1e-12)


def check_compiled(f, *batches, dynamic=None):
    """Compile once, for each of several batches, of which the second is of another size."""
    torch.compiler.reset()
    compiled = torch.compile(f, fullgraph=True, backend="aot_eager", dynamic=dynamic)
    for arrays in batches:
        wanted = torch.autograd.grad(f(*arrays).sum(), arrays)
        got = torch.autograd.grad(compiled(*arrays).sum(), arrays)
        for g, w in zip(got, wanted, strict=True):
            torch.testing.assert_close(g, w)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch's own tracer
def test_torch_compile_takes_batches_of_any_size_and_an_argument_twice():
    log_scale = torch.randn(3, requires_grad=True)

    def f(loc, log_scale):
        q = klosed.Normal(loc, log_scale=log_scale)
        return klosed.kl_divergence(q, klosed.Normal(2.0 * loc, log_scale=log_scale))

    check_compiled(f, *((torch.randn(n, 3, requires_grad=True), log_scale) for n in (4, 5)))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch's own tracer
def test_torch_compile_takes_two_divergences_of_dynamic_shapes():
    """Then PyTorch makes symbols of a module's numbers, and loses one met inside a Function."""

    def f(loc, log_scale):
        q, p = klosed.Normal(loc, log_scale=log_scale), klosed.Normal(0.0, 1.0)
        return klosed.kl_divergence(q, p) + klosed.kl_divergence(p, q)

    batches = [[torch.randn(n, 3, requires_grad=True) for _ in range(2)] for n in (4, 5)]
    check_compiled(f, *batches, dynamic=True)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch's own tracer
@pytest.mark.parametrize("transform", ["grad", "grad of grad", "vmap of grad"])
def test_torch_compiles_what_torch_func_transforms(transform):
    """There an argument denies that it has a gradient, and one gradient of two came out 0."""

    def f(loc, log_scale):
        q = klosed.Normal(loc, log_variance=2.0 * log_scale)
        return klosed.kl_divergence(q, klosed.Normal(0.5, 1.5))

    def total(*arrays):
        return f(*arrays).sum()

    grad, both = torch.func.grad, (0, 1)
    transformed = {
        "grad": grad(total, both),
        "grad of grad": grad(lambda *arrays: grad(total)(*arrays).sum(), both),
        "vmap of grad": torch.func.vmap(grad(f, both)),
    }[transform]
    torch.compiler.reset()
    arrays = torch.randn(3, dtype=torch.float64), torch.randn(3, dtype=torch.float64)
    compiled = torch.compile(transformed, fullgraph=True, backend="aot_eager")
    torch.testing.assert_close(compiled(*arrays), transformed(*arrays))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch's own tracer
def test_torch_compile_may_be_the_first_to_ask_for_a_dimension(monkeypatch):
    monkeypatch.setattr(bessel, "_KNOWN", {})

    def f(direction, log_concentration):
        q = klosed.VonMisesFisher(direction, log_concentration=log_concentration)
        return klosed.kl_divergence(q, klosed.SphericalUniform(5))

    direction = torch.randn(4, 5, dtype=torch.float64, requires_grad=True)
    compiled = torch.compile(f, fullgraph=True, backend="aot_eager")
    torch.compiler.reset()
    log_concentration = torch.zeros(4, dtype=torch.float64, requires_grad=True)
    got = compiled(direction, log_concentration)
    torch.testing.assert_close(got, f(direction, log_concentration))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch's own tracer
def test_torch_compiles_bounds():
    def f(loc):
        weights = klosed.Categorical(logits=torch.zeros(2))
        q = klosed.MixtureSameFamily(weights, klosed.Normal(loc, 0.5))
        return klosed.kl_bounds(q, klosed.Normal(0.0, 1.0)).upper

    check_compiled(f, (torch.randn(3, 2, requires_grad=True),))
