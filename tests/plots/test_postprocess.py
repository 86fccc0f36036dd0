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
