"""The gradient tests can fail: each term of each gradient, dropped or flipped, turns them red.

Every sum, difference, product, quotient and sign in the gradient code is changed, one at a
time, in the syntax tree of the shipped source; the mutant replaces the original and the same
checks as in the other files of this folder must notice.
"""

import ast
import copy
import inspect
import sys
import textwrap

import numpy as np
import pytest

from klosed.divergences import normal
from klosed.engines.reference import ReferenceEngine
from klosed.models import likelihoods
from klosed.networks import ACTIVATIONS, dense_grad_input, dense_grad_params, mlp_backward

from .cases import SPECS, vae_error
from .differences import TOLERANCE, central_differences, relative_error


def mutants(function):
    """Yield (what was changed, mutated function) for each arithmetic node of `function`."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    sites = [
        i
        for i, node in enumerate(ast.walk(tree))
        if isinstance(node, (ast.BinOp, ast.AugAssign, ast.UnaryOp))
    ]
    for site in sites:
        node = list(ast.walk(tree))[site]
        for label, change in _changes(node):
            mutated = copy.deepcopy(tree)
            changed = _Replace(list(ast.walk(mutated))[site], change).visit(mutated)
            definition = ast.fix_missing_locations(changed)
            definition.body[0].decorator_list = []
            namespace = dict(function.__globals__)
            exec(compile(definition, "<mutant>", "exec"), namespace)
            mutant = namespace[function.__name__]
            yield f"{function.__qualname__}: {ast.unparse(node)} -> {label}", mutant


class _Replace(ast.NodeTransformer):
    def __init__(self, target, change):
        self.target, self.change = target, change

    def visit(self, node):
        return self.change(node) if node is self.target else super().generic_visit(node)


def _changes(node):
    if isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Add):
        yield "flipped", lambda n: ast.AugAssign(n.target, ast.Sub(), n.value)
        yield "dropped", lambda n: ast.Pass()
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield "sign dropped", lambda n: n.operand
    elif isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Sub)):
        other = ast.Sub() if isinstance(node.op, ast.Add) else ast.Add()
        yield "flipped", lambda n: ast.BinOp(n.left, other, n.right)
        yield "left term alone", lambda n: n.left
        yield "right term alone", lambda n: n.right
    elif isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Mult, ast.Div)):
        yield "right factor dropped", lambda n: n.left


def install(monkeypatch, original, mutant):
    """Put `mutant` wherever a klosed module knows `original` by name."""
    for name, module in list(sys.modules.items()):
        if name.startswith("klosed") and getattr(module, original.__name__, None) is original:
            monkeypatch.setattr(module, original.__name__, mutant)


def notices(check) -> bool:
    """True if the check sees an error, or the mutant does not even run."""
    try:
        with np.errstate(all="ignore"):
            return not check() <= TOLERANCE
    except Exception:
        return True


def worst_over_specs(names=tuple(SPECS)):
    return max(vae_error(ReferenceEngine(SPECS[name]))[0] for name in names)


def test_the_checks_pass_on_the_shipped_code():
    assert worst_over_specs() <= TOLERANCE


@pytest.mark.parametrize("function", [dense_grad_input, dense_grad_params, mlp_backward])
def test_networks(function, monkeypatch):
    seen = list(mutants(function))
    for what, mutant in seen:
        with monkeypatch.context() as patch:
            install(patch, function, mutant)
            assert notices(worst_over_specs), what


def test_kl_standard_normal(monkeypatch):
    seen = list(mutants(normal.kl_standard_normal))
    assert len(seen) >= 4
    for what, mutant in seen:
        with monkeypatch.context() as patch:
            install(patch, normal.kl_standard_normal, mutant)
            assert notices(lambda: worst_over_specs(("bernoulli",))), what


@pytest.mark.parametrize(
    ("cls", "specs"),
    [
        (likelihoods.Bernoulli, ("bernoulli",)),
        (
            likelihoods.Gaussian,
            ("gaussian scalar", "gaussian per feature", "gaussian fixed", "variance with a floor"),
        ),
        (
            likelihoods.HeteroscedasticGaussian,
            ("variance from the decoder", "variance from the decoder, with floors"),
        ),
        (likelihoods.StudentT, ("student t", "student t scalar", "student t fixed")),
        (likelihoods.Poisson, ("poisson",)),
        (likelihoods.NegativeBinomial, ("negative binomial",)),
        (likelihoods.Categorical, ("categorical",)),
    ],
)
def test_likelihoods(cls, specs, monkeypatch):
    seen = list(mutants(cls._grad_terms))
    assert seen
    for what, mutant in seen:
        with monkeypatch.context() as patch:
            patch.setattr(cls, "_grad_terms", mutant)
            assert notices(lambda: worst_over_specs(specs)), what


def test_reference_engine(monkeypatch):
    seen = list(mutants(ReferenceEngine.loss_and_grad))
    assert len(seen) >= 20
    unseen = []
    for what, mutant in seen:
        with monkeypatch.context() as patch:
            patch.setattr(ReferenceEngine, "loss_and_grad", mutant)
            if not notices(worst_over_specs):
                unseen.append(what)
    assert not unseen


@pytest.mark.parametrize("name", sorted(set(ACTIVATIONS) - {"identity"}))
def test_activations(name):
    activation = ACTIVATIONS[name]
    x = np.array([-3.0, -1.1, -0.2, 0.3, 1.2, 2.5])
    grad_y = np.array([1.0, -2.0, 0.5, 1.5, -0.7, 2.2])
    expected = central_differences(lambda: float((grad_y * activation.forward(x)).sum()), x, 1e-6)
    seen = list(mutants(activation.backward))
    assert seen
    for what, mutant in seen:

        def check(mutant=mutant):
            # Some mutants differ only by overflowing far out.
            far = np.array([-800.0, 800.0])
            if not np.isfinite(mutant(np.ones(2), far, activation.forward(far))).all():
                return np.inf
            return relative_error(mutant(grad_y, x, activation.forward(x)), expected)

        assert notices(check), what
