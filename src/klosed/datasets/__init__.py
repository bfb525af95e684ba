"""Named data sets and files, read into rows ready for batching.

Imports only floor 0. Pillow, pooch, pyarrow and scikit-learn load when a source needs them.
"""

from klosed.datasets.dataset import Dataset, Splits, scaled
from klosed.datasets.sources import load_dataset
from klosed.datasets.streaming import StreamedDataset, StreamedRows, open_stream
from klosed.datasets.writing import write_array

__all__ = [
    "Dataset",
    "Splits",
    "StreamedDataset",
    "StreamedRows",
    "load_dataset",
    "open_stream",
    "scaled",
    "write_array",
]
