"""Random damage to files of every format: a klosed error of one line, or success; no more."""

import gzip
import io
import tracemalloc

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from klosed.datasets import load_dataset
from klosed.errors import KlosedError

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

X = np.random.default_rng(0).normal(size=(5, 3))
PIXELS = np.random.default_rng(0).integers(0, 256, (6, 6, 3), dtype=np.uint8)


def _written(write):
    content = io.BytesIO()
    write(content)
    return content.getvalue()


def _picture(form):
    return _written(lambda file: Image.fromarray(PIXELS).save(file, form))


@pytest.fixture(scope="module")
def samples(as_idx):
    idx = as_idx(PIXELS)
    table = pa.table({"a": X[:, 0], "b": [1, 2, 3, 4, 5], "label": list("uvuvu")})
    return {
        "a-idx3-ubyte": idx,
        "a-idx3-ubyte.gz": gzip.compress(idx),
        "a.npy": _written(lambda file: np.save(file, X)),
        "a.npz": _written(lambda file: np.savez_compressed(file, x=X, y=list("uvuvu"), x_test=X)),
        "a.csv": b'label,a,"b"\ncat,1.5,2\ndog,"3",-4e5\n',
        "a.parquet": _written(lambda file: pq.write_table(table, file)),
        **{f"a.{form.lower()}": _picture(form) for form in ("PNG", "JPEG", "BMP", "GIF", "WEBP")},
    }


FORMATS = [
    "a-idx3-ubyte", "a-idx3-ubyte.gz", "a.npy", "a.npz", "a.csv", "a.parquet",
    "a.png", "a.jpeg", "a.bmp", "a.gif", "a.webp",
]  # fmt: skip
PICTURES = ("png", "jpeg", "bmp", "gif", "webp")
BITS = st.tuples(st.floats(0, 1, exclude_max=True), st.sampled_from([0, 1, 127, 128, 255]))


@pytest.mark.parametrize("name", FORMATS)
def test_the_samples_are_sound(tmp_path, samples, name):
    (tmp_path / name).write_bytes(samples[name])
    load_dataset(tmp_path if name[2:] in PICTURES else tmp_path / name)


@pytest.mark.parametrize("name", FORMATS)
@settings(
    max_examples=100,
    deadline=1000,
    derandomize=True,  # a suite that fails now and then teaches people to run it again
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(kept=st.floats(0, 1), flips=st.lists(BITS, max_size=8), tail=st.binary(max_size=8))
def test_damage_is_told_in_one_line(tmp_path, samples, name, kept, flips, tail):
    content = bytearray(samples[name])
    for where, value in flips:
        content[int(where * len(content))] = value
    if kept < 0.5:
        content = content[: int(2 * kept * len(content))]
    path = tmp_path / name
    path.write_bytes(content + tail)
    message = path.name
    tracemalloc.start()
    try:
        load_dataset(tmp_path if name[2:] in PICTURES else path)
    except KlosedError as error:
        message = str(error)
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert "\n" not in message
    assert path.name in message
    assert peak < 150_000_000
