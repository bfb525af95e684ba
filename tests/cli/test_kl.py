"""`klosed kl`: distributions read as data, results of the closed form and of the integral."""

import json

import pytest
from click.testing import CliRunner

import klosed
from klosed.cli._distributions import read_distribution
from klosed.cli.app import group
from klosed.errors import ParameterError, ShapeError


def run(*args):
    return CliRunner().invoke(group, ["kl", *args])


def test_closed_form():
    result = run("Normal(0, 1)", "Normal(1, scale=2)", "--json")
    assert result.exit_code == 0
    facts = json.loads(result.stdout)
    # log 2 + (1 + 1)/8 − 1/2
    assert facts["kl"] == pytest.approx(0.44314718055994530942, rel=1e-15)
    assert facts["cross_entropy"] == pytest.approx(facts["kl"] + facts["entropy"], rel=1e-15)
    assert facts["grad_q"] == {"loc": -0.25, "scale": -0.75}
    assert "∂KL/∂p.scale   0.25" in run("Normal(0, 1)", "Normal(1, 2)").stdout


def test_thirty_digits_of_the_decimals_that_were_typed():
    result = run("Normal(0.1, 1)", "Normal(0, 1)", "--digits", "30", "--json")
    assert result.exit_code == 0
    # As a double 0.1 is 0.1000000000000000055…, and its half square would differ from digit 17 on.
    assert json.loads(result.stdout)["kl"].rstrip("0") == "0.005"


def test_digits_also_without_a_closed_form():
    refused = run("Gumbel(0, 1)", "Laplace(0, 1)")
    assert refused.exit_code == 2
    assert "--digits 15 integrates it" in refused.stderr
    facts = json.loads(run("Gumbel(0, 1)", "Laplace(0, 1)", "--digits", "10", "--json").stdout)
    q, p = klosed.Gumbel(0.0, 1.0), klosed.Laplace(0.0, 1.0)
    estimate, error = klosed.kl_monte_carlo(q, p, 100_000, seed=0)
    assert float(facts["kl"]) == pytest.approx(float(estimate), abs=4 * float(error))


def test_nested_and_batched_distributions_are_read():
    read = read_distribution("Independent(Normal([0, 1.5], -(-2)), 1)")
    assert read.distribution.event_shape == (2,)
    assert read.family == "Independent"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Normal(0, -1)", "scale must be > 0"),
        ("Gama(2, 3)", "no family is called 'Gama'. Did you mean Gamma"),
        ("Normal", "must look like Normal"),
        ("", "must look like Normal"),
        ("Normal(0, 1", "must look like Normal"),
        ("1 + 1", "must look like Normal"),
        ("__import__('os').system('true')", "no family is called"),
        ("os.Normal(0, 1)", "no family is called 'os.Normal'"),
        ("Normal(loc=0, loc=1, scale=1)", "write each parameter once"),
        ("Normal(0, 10**400)", "must be a number"),
        (f"Normal(0, 1{'0' * 400})", "numbers that a float holds"),
        ("Normal(0, open('x'))", "no family is called 'open'"),
        ("Normal(0, 'a')", "must be a number"),
        ("Normal(0, True)", "must be a number"),
        ("Normal(0, 2**9999999)", "must be a number"),
        ("Normal(*[0, 1])", "must be a number"),
        ("Normal(**{})", "name=value"),
        ("Normal(0, 1, 2, 3)", "too many positional"),
        ("Normal(0, sigma=1)", "unexpected keyword"),
        ("Normal([0, [1]], 1)", "regular nest"),
        ("Distribution()", "no family is called"),
        ("Normal(" * 200 + "0" + ")" * 200, "must look like Normal|nested|exactly one"),
    ],
)
def test_anything_else_is_one_clear_line(text, message):
    with pytest.raises((ParameterError, ShapeError), match=message):
        read_distribution(text)
    result = run(text, "Normal(0, 1)")
    assert result.exit_code == 2
    assert len(result.stderr.strip().splitlines()) == 1


def test_names_and_signs_may_be_written_as_in_python():
    facts = json.loads(run("klosed.Normal(+1, 1)", "Normal(-(-2), 1)", "--json").stdout)
    assert facts["kl"] == 0.5
    assert (
        json.loads(run("Poisson(100000000000000000000)", "Poisson(1)", "--json").stdout)["kl"] > 0
    )


def test_what_python_would_warn_of_is_not_said_twice(recwarn):
    assert run("1or Normal(0, 1)", "Normal(0, 1)").exit_code == 2
    assert not recwarn.list


def test_digits_of_numbers_written_in_other_ways():
    for text in ("Normal(-(-16), 1)", "Normal(0x10, 1)", "Normal(- -16, 1)", "Normal(+1_6, 1)"):
        facts = json.loads(run(text, "Normal(0, 1)", "--digits", "10", "--json").stdout)
        assert facts["kl"] == "128.0"


def test_digits_name_what_they_cannot_do():
    result = run("Normal([0, 1], 1)", "Normal(0, 1)", "--digits", "20")
    assert result.exit_code == 2
    assert "needs single distributions" in result.stderr
