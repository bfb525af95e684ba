"""Tables with known anomalies to develop detectors on: scikit-learn's and generated ones.

A table is (normal rows, anomalous rows), a function of a random generator. 25 to 600 rows to
train on, 2 to 1,600 columns; real, ordinal, one-hot and count columns; a class as anomalies, or
rows that are injected:

- local: from a Gaussian mixture fitted to the normal rows, its covariances five times as large;
- global: uniform over a box ten per cent larger than the normal rows';
- shuffled: normal rows with each column permuted, so that only what hangs together is broken.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.ndimage import zoom
from sklearn import datasets
from sklearn.mixture import GaussianMixture
from sklearn.preprocessing import KBinsDiscretizer, StandardScaler

__all__ = ["TABLES", "split"]

Array = np.ndarray
Rows = tuple[Array, Array]
Make = Callable[[np.random.Generator], Rows]
MOST_TRAINING_ROWS = 600
MOST_TEST_ROWS = 1000  # of either kind


def split(make: Make, seed: int) -> tuple[Array, Array, Array]:
    """Return training rows (half of the normal ones), test rows and test labels."""
    rng = np.random.default_rng(seed)
    normal, odd = make(rng)
    normal, odd = rng.permutation(normal), rng.permutation(odd)[:MOST_TEST_ROWS]
    cut = min(len(normal) // 2, MOST_TRAINING_ROWS)
    held = normal[cut:][:MOST_TEST_ROWS]
    return normal[:cut], np.vstack([held, odd]), np.repeat([0, 1], [len(held), len(odd)])


def one_class(name: str, *normal: int) -> Make:
    """Rows of some classes as normal, all others as anomalies."""

    def make(rng: np.random.Generator) -> Rows:
        X, y = getattr(datasets, f"load_{name}")(return_X_y=True)
        inside = np.isin(y, normal)
        return X[inside], X[~inside]

    return make


def injected(name: str, kind: str) -> Make:
    """Rows of a data set as normal, and as many that are made from them."""

    def make(rng: np.random.Generator) -> Rows:
        X = StandardScaler().fit_transform(getattr(datasets, f"load_{name}")().data)
        return X, inject(X, kind, rng)

    return make


def inject(X: Array, kind: str, rng: np.random.Generator) -> Array:
    if kind == "shuffled":
        return rng.permuted(X, axis=0)
    if kind == "global":
        low, high = X.min(axis=0), X.max(axis=0)
        reach = 0.05 * (high - low)
        return rng.uniform(low - reach, high + reach, X.shape)
    mixture = GaussianMixture(3, reg_covar=1e-3, random_state=0).fit(X)
    mixture.covariances_ *= 5
    return mixture.sample(len(X))[0]


def binned(name: str, normal: int, bins: int, encode: str) -> Make:
    """One class against the others, each column cut into a few levels."""

    def make(rng: np.random.Generator) -> Rows:
        X, y = getattr(datasets, f"load_{name}")(return_X_y=True)
        cut = KBinsDiscretizer(bins, encode=encode, quantile_method="averaged_inverted_cdf")
        levels = cut.fit_transform(X)
        return levels[y == normal], levels[y != normal]

    return make


def patches(size: tuple[int, int], n: int) -> Make:
    """Patches of a photograph of China against patches of one of a flower."""

    def make(rng: np.random.Generator) -> Rows:
        def cut(name: str, n: int) -> Array:
            image = datasets.load_sample_image(name)[::2, ::2] / 255
            at = [
                rng.integers(0, high - width, n)
                for high, width in zip(image.shape[:2], size, strict=True)
            ]
            rows, columns = size
            return np.array(
                [image[i : i + rows, j : j + columns].ravel() for i, j in zip(*at, strict=True)]
            )

        return cut("china.jpg", 2 * n), cut("flower.jpg", n)

    return make


def large_digits(rng: np.random.Generator) -> Rows:
    """Threes against other digits, 40 × 40 noisy pixels."""
    X, y = datasets.load_digits(return_X_y=True)
    chosen = np.concatenate([np.flatnonzero(y == 3), rng.permutation(np.flatnonzero(y != 3))[:200]])
    pictures = np.array([zoom(x.reshape(8, 8), 5, order=1).ravel() for x in X[chosen]])
    pictures += rng.normal(size=pictures.shape)
    return pictures[y[chosen] == 3], pictures[y[chosen] != 3]


def words(rng: np.random.Generator) -> Rows:
    """Which of 1,500 words a short text holds: three subjects against a fourth."""
    subjects = rng.dirichlet(np.full(1500, 0.05), 4)
    general = rng.dirichlet(np.full(1500, 0.2))

    def texts(which: Array) -> Array:
        rates = 60 * (0.6 * general + 0.4 * subjects[which])
        return (rng.poisson(rates) > 0).astype(float)

    return texts(rng.integers(0, 3, 240)), texts(np.full(80, 3))


def wine_among_noise(rng: np.random.Generator) -> Rows:
    """The thirteen columns of wine among 187 that say nothing."""
    X, y = datasets.load_wine(return_X_y=True)
    X = np.hstack([StandardScaler().fit_transform(X), rng.normal(size=(len(X), 187))])
    return X[y == 1], X[y != 1]


def moons(rng: np.random.Generator) -> Rows:
    X = datasets.make_moons(600, noise=0.08, random_state=int(rng.integers(2**31)))[0]
    return X, inject(X, "global", rng)


def ring(rng: np.random.Generator) -> Rows:
    """A ring and what lies within, eight dimensions of which six are noise."""
    angle = rng.uniform(0, 2 * np.pi, 400)
    X = np.c_[np.cos(angle), np.sin(angle)] + 0.1 * rng.normal(size=(400, 2))
    inside = 0.3 * rng.normal(size=(200, 2))
    noise = 0.3 * rng.normal(size=(600, 6))
    return np.hstack([X, noise[:400]]), np.hstack([inside, noise[400:]])


def swiss_roll(rng: np.random.Generator) -> Rows:
    X = datasets.make_swiss_roll(800, noise=0.3, random_state=int(rng.integers(2**31)))[0]
    return X, inject(X, "global", rng)[:400]


def blobs(rng: np.random.Generator) -> Rows:
    """Clusters of unequal density; anomalies near the tight ones."""
    centres = rng.normal(size=(5, 6)) * 4
    spread = np.array([0.2, 0.2, 0.5, 1.0, 2.0])
    which = rng.integers(0, 5, 600)
    X = centres[which] + spread[which, None] * rng.normal(size=(600, 6))
    near = rng.integers(0, 2, 200)
    return X, centres[near] + rng.normal(size=(200, 6))


def factors(rng: np.random.Generator) -> Rows:
    """Three factors in fifty columns; anomalies are as long and as wide, and have seven."""
    loadings = rng.normal(size=(7, 50))

    def rows(n: int, k: int) -> Array:
        z = rng.normal(size=(n, k)) * np.sqrt(3 / k)
        return z @ loadings[:k] + 0.5 * rng.normal(size=(n, 50))

    return rows(300, 3), rows(150, 7)


def few_rows(rng: np.random.Generator) -> Rows:
    """Thirty rows of twenty correlated columns; in anomalies three columns are shifted."""
    mix = rng.normal(size=(20, 20)) / np.sqrt(20)
    X = rng.normal(size=(160, 20)) @ mix + 0.3 * rng.normal(size=(160, 20))
    X[60:, rng.permutation(20)[:3]] += 1.5
    return X[:60], X[60:]


def heavy_tails(rng: np.random.Generator) -> Rows:
    """Student's t with two degrees of freedom, correlated; anomalies are shuffled."""
    mix = rng.normal(size=(8, 8))
    X = rng.standard_t(2, size=(600, 8)) @ mix
    return X, inject(X, "shuffled", rng)


def counts(rng: np.random.Generator) -> Rows:
    """Counts whose rates go up and down together; anomalies are shuffled."""
    mix = 0.6 * rng.normal(size=(2, 12))
    X = rng.poisson(np.exp(1 + rng.normal(size=(500, 2)) @ mix)).astype(float)
    return X, inject(X, "shuffled", rng)


def waves(rng: np.random.Generator) -> Rows:
    """A hundred noisy points of a wave; the anomalies' phase jumps half way."""
    t = np.linspace(0, 4 * np.pi, 100)

    def rows(n: int, jump: float) -> Array:
        phase = rng.uniform(0, 2 * np.pi, (n, 1))
        later = np.where(t > 2 * np.pi, jump, 0.0)
        return np.sin(t + phase + later) + 0.5 * rng.normal(size=(n, 100))

    return rows(300, 0.0), rows(150, 1.5)


TABLES: dict[str, Make] = {
    "iris: versicolor": one_class("iris", 1),
    "iris: virginica": one_class("iris", 2),
    "wine: first": one_class("wine", 0),
    "wine: second": one_class("wine", 1),
    "wine: third": one_class("wine", 2),
    "wine: shuffled": injected("wine", "shuffled"),
    "wine: second, one-hot": binned("wine", 1, 4, "onehot-dense"),
    "wine: second, among noise": wine_among_noise,
    "breast cancer: benign": one_class("breast_cancer", 1),
    "breast cancer: malignant": one_class("breast_cancer", 0),
    "breast cancer: shuffled": injected("breast_cancer", "shuffled"),
    "breast cancer: local": injected("breast_cancer", "local"),
    "breast cancer: benign, ordinal": binned("breast_cancer", 1, 5, "ordinal"),
    "diabetes: shuffled": injected("diabetes", "shuffled"),
    "diabetes: local": injected("diabetes", "local"),
    "diabetes: global": injected("diabetes", "global"),
    "digits: one": one_class("digits", 1),
    "digits: eight": one_class("digits", 8),
    "digits: below five": one_class("digits", 0, 1, 2, 3, 4),
    "digits: three, 40 × 40": large_digits,
    "patches: 8 × 8": patches((8, 8), 400),
    "patches: 22 × 23": patches((22, 23), 60),
    "words": words,
    "moons": moons,
    "ring": ring,
    "swiss roll": swiss_roll,
    "blobs": blobs,
    "factors": factors,
    "few rows": few_rows,
    "heavy tails": heavy_tails,
    "counts": counts,
    "waves": waves,
}
