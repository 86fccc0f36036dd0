import numpy as np
import pytest

from cryonb.plots import postprocess
from cryonb.plots.marks import Image


@pytest.fixture(name="processed")
def _processed(make_fsc):
    def processed(b_factor, factor):
        plain = np.random.default_rng(0).normal(size=(8, 8, 8)).astype(np.float32)
        grid = ("z", "y", "x")
        return make_fsc().assign(
            unsharpened=(grid, plain), sharpened=(grid, plain * np.float32(factor)), b_factor_used=((), b_factor)
        )

    return processed


@pytest.mark.parametrize(
    "b_factor, factor, names",
    [
        (0.0, 1.0, ["not sharpened"]),
        (80.0, 2.0, ["unsharpened", "sharpened"]),
        (0.0, 2.0, ["unsharpened", "MTF divided out"]),
    ],
)
def test_only_maps_that_differ_are_drawn(processed, b_factor, factor, names):
    images = postprocess.postprocess_sheet(processed(b_factor, factor)).of(Image)
    assert [image.name for image in images] == [f"{name}, {plane}" for name in names for plane in "zyx"]


def test_maps_stand_beside_each_other_on_one_grey_scale(processed):
    some = {"a": processed(0.0, 1.0), "b": processed(80.0, 2.0)}
    curves, maps = postprocess.rows_beside(some, some)
    assert [panel.title for panel in curves.panels] == ["a", "b"]
    assert [panel.title for panel in maps.panels] == ["a, not sharpened", "b, sharpened"]
    images = [panel.of(Image)[0] for panel in maps.panels]
    assert len({(image.low, image.high) for image in images}) == 1
    np.testing.assert_array_equal(images[1].array, some["b"]["sharpened"].values[4])
