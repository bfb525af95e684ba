"""Data sets known by name: where they come from, their checksums, their licences.

Imports only floor 0 and its neighbours; scikit-learn loads when the digits are read.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from klosed.datasets.dataset import Dataset, Splits
from klosed.datasets.download import Published, PublishedFile, fetch
from klosed.datasets.idx import idx_pair

__all__ = ["NAMED"]

# Sizes follow from the format: 16 bytes of header and 28 × 28 an image, 8 and 1 a label.
MNIST = Published(
    "mnist",
    (
        PublishedFile(
            "train-images-idx3-ubyte.gz",
            "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
            47_040_016,
            "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        ),
        PublishedFile(
            "train-labels-idx1-ubyte.gz",
            "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
            60_008,
            "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        ),
        PublishedFile(
            "t10k-images-idx3-ubyte.gz",
            "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
            7_840_016,
            "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        ),
        PublishedFile(
            "t10k-labels-idx1-ubyte.gz",
            "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
            10_008,
            "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        ),
    ),
    (
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
    ),
)

# Checksums of the files as published: TensorFlow Datasets lists the same.
FASHION_MNIST = Published(
    "fashion-mnist",
    (
        PublishedFile(
            "train-images-idx3-ubyte.gz",
            "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
            47_040_016,
        ),
        PublishedFile(
            "train-labels-idx1-ubyte.gz",
            "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
            60_008,
        ),
        PublishedFile(
            "t10k-images-idx3-ubyte.gz",
            "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
            7_840_016,
        ),
        PublishedFile(
            "t10k-labels-idx1-ubyte.gz",
            "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
            10_008,
        ),
    ),
    (
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
        "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    ),
)


def digits(cache_dir: str | Path | None = None) -> Splits:
    """Return the 1,797 digits of 8×8 pixels that ship with scikit-learn; values v/16 in [0, 1].

    Rows 0, 5, 10, … of the file are the test part (360), the others the training part (1,437).
    `cache_dir` is not needed.
    """
    pixels, y = _digits()
    x = (pixels.reshape(-1, 8, 8) / 16).astype(np.float32)
    test = np.arange(len(x)) % 5 == 0
    return Splits(
        Dataset.from_array(x[~test], y[~test], name="digits/train"),
        Dataset.from_array(x[test], y[test], name="digits/test"),
        "Optical Recognition of Handwritten Digits (Alpaydin and Kaynak, 1998, "
        "doi:10.24432/C50P49), test part, by way of scikit-learn. Licence: CC BY 4.0.",
    )


def _digits() -> tuple[NDArray[Any], NDArray[Any]]:
    """Return pixels of 0 … 16 and labels.

    From scikit-learn's file itself, because its own reader loads most of SciPy first.
    """
    installed = distribution("scikit-learn").locate_file("sklearn/datasets/data/digits.csv.gz")
    if Path(str(installed)).is_file():
        table = np.loadtxt(str(installed), delimiter=",")
        return table[:, :64], table[:, 64].astype(int)
    from sklearn.datasets import load_digits

    pixels, labels = load_digits(return_X_y=True)
    return pixels, labels


def mnist(cache_dir: str | Path | None = None) -> Splits:
    """Return MNIST: 60,000 and 10,000 handwritten digits of 28×28 bytes."""
    return _idx_splits(
        MNIST,
        "MNIST (LeCun, Cortes and Burges, 1998). Licence: CC BY-SA 3.0.",
        cache_dir,
    )


def fashion_mnist(cache_dir: str | Path | None = None) -> Splits:
    """Return Fashion-MNIST: 60,000 and 10,000 pictures of clothing of 28×28 bytes."""
    return _idx_splits(
        FASHION_MNIST,
        "Fashion-MNIST (Xiao, Rasul and Vollgraf, 2017, arXiv:1708.07747), © Zalando SE. "
        "Licence: MIT.",
        cache_dir,
    )


def _idx_splits(published: Published, description: str, cache_dir: str | Path | None) -> Splits:
    train_x, train_y, test_x, test_y = fetch(published, cache_dir)
    return Splits(
        idx_pair(train_x, train_y, f"{published.name}/train"),
        idx_pair(test_x, test_y, f"{published.name}/test"),
        description,
    )


NAMED: dict[str, Callable[[str | Path | None], Splits]] = {
    "digits": digits,
    "mnist": mnist,
    "fashion-mnist": fashion_mnist,
}
