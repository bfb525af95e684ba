"""Every registered pair is derived, and the shipped code is what was derived."""

import ast
import dataclasses
import inspect
import random
import textwrap

import pytest
import sympy as sp

import klosed
from klosed.derivations._catalogue import families, find_pair, made_by_hand, missing_pairs, pairs
from klosed.derivations._means import Mean
from klosed.derivations._pairs import Worked
from klosed.derivations._shipped import build, hold
from klosed.derivations._steps import Mark, verify
from klosed.divergences._registry import find_rule

FAST = {("Normal", "Normal"), ("Gamma", "Exponential"), ("Poisson", "Poisson")}
# their numbers take a second or more: quadrature at each point, or matrices
SLOW = {"Kumaraswamy", "InverseGaussian", "MatrixNormal", "NegativeBinomial", "OrderedLogistic"}
SLOW |= {"LowRankMultivariateNormal", "Wishart"}


def _pair(names, is_slow):
    return pytest.param(names, marks=pytest.mark.slow if is_slow else (), id="-".join(names))


every_pair = pytest.mark.parametrize("names", [_pair(n, SLOW & {*n}) for n in pairs()])
steps_of = pytest.mark.parametrize("names", [_pair(n, n not in FAST) for n in pairs()])


def test_every_registered_pair_has_a_derivation():
    assert missing_pairs() == ()


def test_no_derivation_of_a_pair_that_is_not_registered():
    registered = {(q.__name__, p.__name__) for q, p in klosed.closed_form_pairs()}
    assert set(pairs()) <= registered


@every_pair
def test_the_shipped_code_is_what_was_derived(names):
    held = hold(find_pair(*names), n_points=50)
    assert held.points >= 50
    assert held.ok, {name: error for name, error in held.errors.items() if error > held.budget}


@steps_of
def test_every_step_is_proved_or_checked(names):
    derivation = find_pair(*names).derivation
    for step in derivation.steps:
        verdict = verify(step, derivation.draw)
        equation = f"{step.name}: {step.left} = {step.right}"
        assert verdict.mark is not Mark.FAILED, f"{equation}: {verdict.detail}"


@pytest.mark.parametrize("name", made_by_hand())
def test_every_step_made_by_hand_is_proved_or_checked(name):
    derivation = made_by_hand()[name]
    for step in derivation.steps:
        verdict = verify(step, derivation.draw)
        assert verdict.mark is not Mark.FAILED, f"{step.name}: {verdict.detail}"


# Seeded faults ---------------------------------------------------------------------------------


def is_caught(worked, name):
    derivation = worked.derivation
    steps = [step for step in derivation.steps if step.name == name]
    return any(verify(step, derivation.draw).mark is Mark.FAILED for step in steps)


@pytest.mark.parametrize("names", sorted(FAST))
@pytest.mark.parametrize("what", ["value", "grad"])
def test_a_sign_flipped_in_the_shipped_code_is_caught(names, what, monkeypatch):
    worked = find_pair(*names)
    at = worked.draw(random.Random(0))
    rule = find_rule(build(worked.q, [at]), build(worked.p, [at]))
    right = getattr(rule, what)
    if what == "value":
        monkeypatch.setattr(rule, "value", lambda q, p: -right(q, p))
    else:

        def wrong(q, p):
            of_q, of_p = right(q, p)
            called = {name: g() if callable(g) else g for name, g in of_p.items()}
            return of_q, {name: -g for name, g in called.items()}

        monkeypatch.setattr(rule, "grad", wrong)
    held = hold(worked)
    assert not held.ok
    assert held.worst[1] > 0.1


class FlipOne(ast.NodeTransformer):
    """Turns the n-th plus of a function into a minus, or the other way round."""

    def __init__(self, n):
        self.left = n

    def visit_BinOp(self, node):
        self.generic_visit(node)
        if isinstance(node.op, (ast.Add, ast.Sub)):
            if self.left == 0:
                node.op = ast.Sub() if isinstance(node.op, ast.Add) else ast.Add()
            self.left -= 1
        return node


def mutants(function):
    """Yield (line, function) with each sign of the function's own source flipped in turn."""
    source = textwrap.dedent(inspect.getsource(function))
    n_signs = sum(isinstance(n, (ast.Add, ast.Sub)) for n in ast.walk(ast.parse(source)))
    for n in range(n_signs):
        tree = FlipOne(n).visit(ast.parse(source))
        tree.body[0].decorator_list = []
        scope = dict(function.__globals__)
        exec(compile(ast.fix_missing_locations(tree), "mutant", "exec"), scope)
        yield n, scope[function.__name__]


@pytest.mark.parametrize("names", [("Normal", "Normal"), ("Normal", "Gumbel")], ids="-".join)
@pytest.mark.parametrize("what", ["value", "grad"])
def test_each_sign_flipped_in_the_source_of_a_formula_is_caught(names, what, monkeypatch):
    worked = find_pair(*names)
    at = worked.draw(random.Random(0))
    rule = find_rule(build(worked.q, [at]), build(worked.p, [at]))
    found = list(mutants(getattr(rule, what)))
    assert len(found) >= 3
    for n, wrong in found:
        monkeypatch.setattr(rule, what, wrong)
        assert not hold(worked).ok, f"sign {n} of {wrong.__name__}"


@pytest.mark.parametrize("names", sorted(FAST))
def test_a_term_dropped_or_turned_in_the_result_is_caught(names):
    worked = find_pair(*names)
    terms = sp.Add.make_args(sp.expand(worked.result.kl))
    assert len(terms) > 2
    for term in terms:
        for wrong in (worked.result.kl - term, worked.result.kl - 2 * term):
            pair = dataclasses.replace(worked.pair, kl=lambda q, p, wrong=wrong: wrong)
            broken = Worked(pair, families()[names[0]], families()[names[1]])
            assert is_caught(broken, "KL"), term
            assert not hold(broken).ok


@pytest.mark.parametrize(
    "names", [("Normal", "Normal"), ("Gamma", "Normal"), ("Poisson", "Poisson")], ids="-".join
)
def test_a_wrong_moment_entropy_or_density_is_caught(names):
    pair, right = pairs()[names], families()[names[0]]

    def catches(step, **changes):
        family = dataclasses.replace(right, **changes)
        p = family if pair.p == pair.q else families()[pair.p]
        return is_caught(Worked(pair, family, p), step)

    for i, moment in enumerate(right.moments):
        moments = [*right.moments]
        moments[i] = dataclasses.replace(moment, value=moment.value * sp.Rational(1001, 1000))
        assert catches("moment", moments=tuple(moments))
    if right.entropy is not None:
        assert catches("entropy", entropy=right.entropy + 1)
    assert catches("density", log_density=right.log_density + 1)


def test_a_moment_that_is_missing_is_named():
    family = dataclasses.replace(families()["Normal"], moments=families()["Normal"].moments[:1])
    worked = Worked(pairs()["Normal", "Normal"], family, family)
    assert worked.result.cross_entropy.has(Mean)
    assert is_caught(worked, "entropy")
    assert is_caught(worked, "KL")
