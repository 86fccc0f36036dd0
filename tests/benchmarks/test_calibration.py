"""The judge of the calibration is right about cases that are known."""

import calibration
import numpy as np
import pytest

from cryonb.phantoms import phantom


@pytest.fixture(scope="module")
def truth():
    return phantom(box_size=calibration.BOX, pixel_size=calibration.PIXEL)["density"].values


def row(**values):
    """Return the judgement of five shells."""
    return {
        "seed": 0,
        "pad": 1.0,
        "limit": "circle",
        "poses": "top",
        "ctf": False,
        "measured": np.array([0.9, 0.5, 0.1, 0.0, 0.0]),
        "half_width": np.full(5, 0.06),
        "band": np.array(["measured", "measured", "noise", "support", "no data"]),
        "true": np.array([0.92, 0.4, 0.04, 0.0, 0.0]),
        "true_whole": np.array([0.5, 0.4, 0.04, 0.0, 0.0]),
    } | values


def test_shares_are_counted_shell_by_shell():
    found = calibration.figures([row()])
    assert found["false"] == 0 and found["false of"] == 3 and found["false with data of"] == 1
    assert found["missed"] == 0 and found["missed of"] == 2
    assert found["covered"] == pytest.approx(100 / 3) and found["covered of"] == 3
    assert calibration.figures([row()], "true_whole")["covered"] == 0


def test_wrong_labels_are_found():
    wrong = row(band=np.array(["noise", "measured", "corner", "support", "no data"]))
    found = calibration.figures([row(), wrong])
    assert found["false"] == pytest.approx(100 / 6) and found["missed"] == pytest.approx(100 / 4)
    table = calibration.confusion([row(), wrong])
    assert table[2] == "| above 0.3 | 3 | 0 | 1 | 0 | 0 |"
    assert table[4] == "| below 0.05 | 0 | 1 | 1 | 2 | 2 |"


def test_the_page_has_a_line_for_every_setting():
    every = [
        row(pad=pad, limit=limit, poses=poses, ctf=ctf)
        for pad in calibration.PADS
        for limit in calibration.LIMITS
        for poses in calibration.POSES
        for ctf in calibration.TRANSFERS
    ]
    assert len(calibration.setting_table(every)) == 2 + 16 + 1
    assert "16 decompositions" in calibration.report(every, range(1), 60.0, "c0ffee")


def test_a_phantom_that_is_seen_whole_is_itself(truth):
    seen = np.ones((calibration.BOX, calibration.BOX, calibration.BOX // 2 + 1))
    assert np.allclose(calibration.as_seen(truth, seen), truth, atol=1e-5 * np.abs(truth).max())
    assert np.allclose(calibration.true_curve([truth, truth], truth), 1.0)
    assert np.all(calibration.true_curve([truth, -truth], truth) == 0.0)


def test_views_from_the_top_leave_their_axis_unseen():
    axis = {}
    for poses in calibration.POSES:
        seen = calibration.reached(20, 1.0, "square", poses)
        assert seen.min() == 0.0 and seen.max() == 1.0
        axis[poses] = seen[8:14, 0, 0].mean(), seen[0, 0, 8:14].mean()
    assert axis["uniform"][0] == pytest.approx(axis["uniform"][1], abs=0.2)
    assert axis["top"][0] < 0.1 and axis["top"][1] > 0.9
