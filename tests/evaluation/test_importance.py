"""Scores against densities known in closed form or by quadrature."""

import numpy as np
import pytest
from scipy import integrate, stats

import klosed
from klosed.engines import engine
from klosed.errors import DataError, ParameterError, ShapeError
from klosed.evaluation import importance, score_examples
from klosed.models import Scaling

V = 0.3  # variance of the linear-Gaussian model


def linear_gaussian(n_features, n_components, seed, *, exact):
    """Return engine, parameters and the exact log p(x) of x | z ~ N(W z + b, V I)."""
    rng = np.random.default_rng(seed)
    spec = klosed.VAESpec(
        n_features, n_components, hidden_layer_sizes=(), likelihood="gaussian", variance=V
    )
    # Orthogonal columns make the true posterior's covariance diagonal.
    basis, _ = np.linalg.qr(rng.normal(size=(n_features, n_components)))
    w = basis * rng.uniform(0.5, 2.0, n_components)
    b = rng.normal(size=n_features)
    precision = np.eye(n_components) + w.T @ w / V
    to_mean = np.linalg.solve(precision, w.T / V)
    log_variance = -np.log(np.diag(precision))
    if not exact:
        to_mean = to_mean + 0.02 * rng.normal(size=to_mean.shape)
        log_variance = log_variance + 0.3
    params = {
        "encoder.loc.weight": to_mean,
        "encoder.loc.bias": -to_mean @ b,
        "encoder.log_variance.weight": np.zeros((n_components, n_features)),
        "encoder.log_variance.bias": log_variance,
        "decoder.loc.weight": w,
        "decoder.loc.bias": b,
    }
    marginal = stats.multivariate_normal(b, w @ w.T + V * np.eye(n_features))
    return engine("reference", spec), params, marginal


def expected_nll(params, x):
    """E_q[−log N(x; W z + b, V I)] by the moments of q."""
    w, b = params["decoder.loc.weight"], params["decoder.loc.bias"]
    mean = x @ params["encoder.loc.weight"].T + params["encoder.loc.bias"]
    variance = np.exp(params["encoder.log_variance.bias"])
    at_mean = -stats.norm(mean @ w.T + b, np.sqrt(V)).logpdf(x).sum(axis=1)
    return at_mean + 0.5 * (w**2 @ variance).sum() / V


@pytest.mark.parametrize("n_samples", [1, 7])
def test_exact_when_q_is_the_true_posterior(n_samples):
    model, params, marginal = linear_gaussian(9, 3, 0, exact=True)
    x = marginal.rvs(40, random_state=1)
    scores = score_examples(model, params, x, n_samples=n_samples)
    np.testing.assert_allclose(scores.log_likelihood, marginal.logpdf(x), rtol=1e-12)
    np.testing.assert_allclose(scores.effective_sample_size, n_samples, rtol=1e-10)


def test_estimate_is_within_its_error_of_the_exact_density():
    model, params, marginal = linear_gaussian(9, 3, 2, exact=False)
    x = marginal.rvs(200, random_state=3)
    scores = score_examples(model, params, x, n_samples=4000, seed=4)
    z = (scores.log_likelihood - marginal.logpdf(x)) / np.sqrt(scores.log_likelihood_variance)
    assert abs(z).max() < 5
    # The stated error is neither too small nor too large: z has unit spread.
    assert 0.85 < z.std() < 1.15
    assert (scores.elbo < marginal.logpdf(x)).all()


def test_elbo_parts_are_within_their_error_of_the_moments_of_q():
    model, params, marginal = linear_gaussian(9, 3, 5, exact=False)
    x = marginal.rvs(200, random_state=6)
    scores = score_examples(model, params, x, n_samples=500)
    z = (scores.reconstruction - expected_nll(params, x)) / np.sqrt(scores.reconstruction_variance)
    assert abs(z).max() < 5
    assert 0.85 < z.std() < 1.15


def test_the_variance_of_two_samples_is_unbiased():
    model, params, marginal = linear_gaussian(9, 3, 5, exact=False)
    x = marginal.rvs(400, random_state=6)
    two = score_examples(model, params, x, n_samples=2).reconstruction_variance
    many = score_examples(model, params, x, n_samples=2000).reconstruction_variance
    assert two.mean() * 2 == pytest.approx(many.mean() * 2000, rel=0.15)


def test_kl_is_the_integral():
    model, params, marginal = linear_gaussian(4, 1, 7, exact=False)
    x = marginal.rvs(1, random_state=8)[None]
    (mean,), (log_variance,) = (a[0] for a in model.encode(params, x))
    q, p = stats.norm(mean, np.exp(log_variance / 2)), stats.norm()
    kl, _ = integrate.quad(lambda z: q.pdf(z) * (q.logpdf(z) - p.logpdf(z)), mean - 9, mean + 9)
    scores = score_examples(model, params, x, n_samples=1)
    np.testing.assert_allclose(scores.kl, kl, rtol=1e-8)


def test_bernoulli_log_likelihood_against_quadrature():
    spec = klosed.VAESpec(5, 1, hidden_layer_sizes=(4,), activation="tanh")
    model = engine("reference", spec)
    params = model.init(3, np.float64)
    x = np.array([[1.0, 0, 1, 1, 0], [0.0, 0, 0, 1, 1]])

    def density(z, row):
        logits = model.decode(params, np.array([[z]]))[0]
        return np.prod(np.where(row == 1, 1, np.exp(-logits)) / (1 + np.exp(-logits))) * (
            stats.norm.pdf(z)
        )

    exact = [np.log(integrate.quad(density, -12, 12, args=(row,))[0]) for row in x]
    scores = score_examples(model, params, x, n_samples=20000)
    assert (np.abs(scores.log_likelihood - exact) < 5 * scores.log_likelihood_variance**0.5).all()


def test_weights_far_below_the_smallest_float_are_kept():
    model, params, marginal = linear_gaussian(9, 3, 0, exact=True)
    x = params["decoder.loc.bias"] + 100 * np.ones((1, 9))  # density about exp(−1e5)
    scores = score_examples(model, params, x, n_samples=5)
    np.testing.assert_allclose(scores.log_likelihood, marginal.logpdf(x), rtol=1e-9)


def test_neither_threads_nor_other_rows_nor_chunks_change_a_score(monkeypatch):
    model, params, marginal = linear_gaussian(9, 3, 0, exact=False)
    x = marginal.rvs(50, random_state=1)
    whole = score_examples(model, params, x, n_samples=60, n_threads=2)
    alone = score_examples(model, params, x, n_samples=60, n_threads=1)
    assert (whole.log_likelihood == alone.log_likelihood).all()
    assert (whole.reconstruction == alone.reconstruction).all()
    monkeypatch.setattr(importance, "_MOST_ROWS", 7)
    chunked = score_examples(model, params, x[:3], n_samples=60)
    np.testing.assert_allclose(chunked.log_likelihood, whole.log_likelihood[:3], rtol=1e-12)
    np.testing.assert_allclose(
        chunked.effective_sample_size, whole.effective_sample_size[:3], rtol=1e-9
    )
    np.testing.assert_allclose(
        chunked.reconstruction_variance, whole.reconstruction_variance[:3], rtol=1e-9
    )


def test_the_seed_decides_and_examples_have_noise_of_their_own():
    model, params, marginal = linear_gaussian(9, 3, 0, exact=False)
    x = np.repeat(marginal.rvs(1, random_state=1)[None], 3, axis=0)
    first = score_examples(model, params, x, n_samples=20, seed=1).log_likelihood
    again = score_examples(model, params, x, n_samples=20, seed=1).log_likelihood
    other = score_examples(model, params, x, n_samples=20, seed=2).log_likelihood
    assert (first == again).all()
    assert len(set(first) | set(other)) == 6


def test_scaling_is_applied_to_the_rows():
    model, params, marginal = linear_gaussian(9, 3, 0, exact=False)
    x = marginal.rvs(20, random_state=1)
    scaling = Scaling("standardize", np.full(9, 5.0), np.full(9, 2.0))
    direct = score_examples(model, params, x, n_samples=10)
    scaled = score_examples(model, params, 2 * x + 5, n_samples=10, scaling=scaling)
    np.testing.assert_allclose(scaled.log_likelihood, direct.log_likelihood, rtol=1e-11)


def test_progress_counts_examples(monkeypatch):
    monkeypatch.setattr(importance, "_MOST_ROWS", 20)
    model, params, marginal = linear_gaussian(9, 3, 0, exact=True)
    seen = []
    x = marginal.rvs(5, random_state=1)
    score_examples(model, params, x, n_samples=10, on_progress=seen.append)
    assert seen == [2, 4, 5]


def test_memory_stays_bounded():
    import tracemalloc

    spec = klosed.VAESpec(2000, 2, hidden_layer_sizes=(3,))
    model = engine("reference", spec)
    params = model.init(0)
    x = np.zeros((4, 2000), np.float32)
    tracemalloc.start()
    score_examples(model, params, x, n_samples=5000, n_threads=1)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # All samples of one example at once would take 40 MB an array, of all examples 160 MB.
    assert peak < 60e6


def test_errors_name_rule_and_value():
    model, params, marginal = linear_gaussian(9, 3, 0, exact=True)
    x = marginal.rvs(5, random_state=1)
    with pytest.raises(ParameterError, match="n_samples must be >= 1; got 0"):
        score_examples(model, params, x, n_samples=0)
    with pytest.raises(ParameterError, match="n_threads must be >= 1; got -1"):
        score_examples(model, params, x, n_samples=1, n_threads=-1)
    with pytest.raises(ShapeError, match=r"\(n, 9\); got \(5, 8\)"):
        score_examples(model, params, x[:, :8], n_samples=1)
    with pytest.raises(DataError, match="at least one row"):
        score_examples(model, params, x[:0], n_samples=1)
    x[3] = 1e200
    with pytest.raises(DataError, match="row 3 no finite likelihood"):
        score_examples(model, params, x, n_samples=2)
