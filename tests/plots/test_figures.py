"""Training curves and latent maps show what they were given."""

import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from klosed.errors import DataError, ShapeError
from klosed.plots import latent_map, png_bytes, training_curves


def records(n, **more):
    return [
        {"epoch": i, "train_loss": 9.0 - i, "train_kl": i, "test_loss": None, "beta": 1.0} | more
        for i in range(1, n + 1)
    ]


def test_curves_hold_the_metrics_and_leave_out_what_is_not_there():
    figure = training_curves(records(3, validation_loss=5.0), "digits")
    loss, kl = figure.axes
    assert figure.get_suptitle() == "digits"
    assert [line.get_label() for line in loss.lines] == ["training", "validation"]
    assert loss.lines[0].get_xydata().tolist() == [[1, 8], [2, 7], [3, 6]]
    assert kl.lines[0].get_ydata().tolist() == [1, 2, 3]
    for axes in (loss, kl):
        assert axes.get_ylabel() == "nats per example"
        assert axes.get_xlabel() == "epoch"
        assert axes.get_legend() is not None
    assert "ELBO" in loss.get_title()


def test_a_weighted_loss_is_not_called_elbo():
    figure = training_curves(records(2, beta=4.0))
    assert figure.axes[0].get_title() == "reconstruction + 4 KL"


def test_a_single_epoch_is_a_visible_point_at_a_whole_number():
    figure = training_curves(records(1))
    png_bytes(figure)
    (line, *_) = figure.axes[0].lines
    assert line.get_marker() == "o"
    assert all(float(tick).is_integer() for tick in figure.axes[0].get_xticks())


def test_curves_need_an_epoch():
    with pytest.raises(DataError, match="at least one epoch"):
        training_curves([])


def test_a_map_has_one_colour_and_one_name_a_class():
    z = np.arange(12.0).reshape(6, 2)
    figure = latent_map(z, np.array([3, 1, 3, 7, 1, 3]))
    points = figure.axes[0].collections
    assert [c.get_label() for c in points] == ["1", "3", "7"]
    assert points[1].get_offsets().tolist() == z[[0, 2, 5]].tolist()
    assert len({tuple(c.get_facecolor()[0]) for c in points}) == 3


@pytest.mark.parametrize("labels", [None, np.arange(30)])
def test_a_map_without_few_classes_has_one_colour(labels):
    figure = latent_map(np.zeros((30, 2)), labels)
    assert len(figure.axes[0].collections) == 1
    assert figure.axes[0].get_legend() is None


def test_a_map_is_of_a_plane():
    with pytest.raises(ShapeError, match=r"\(n, 2\); got \(4, 3\)"):
        latent_map(np.zeros((4, 3)))


def test_png_bytes_of_both_kinds_of_picture():
    import io

    for picture in (Image.new("L", (3, 2)), training_curves(records(2))):
        image = Image.open(io.BytesIO(png_bytes(picture)))
        assert image.format == "PNG"


def test_pyplot_with_its_global_state_is_never_imported():
    code = (
        "import sys; from klosed.plots import training_curves, png_bytes;"
        "png_bytes(training_curves([{'epoch': 1, 'train_loss': 1.0, 'train_kl': 1.0}]));"
        "sys.exit('matplotlib.pyplot' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
