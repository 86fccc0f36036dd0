"""The same particles through RELION 3.1.3, whose results are stored with the test data."""

import mrcfile
import numpy as np
import pytest
import starfile
from tolerances import RELION_MAP, RELION_RAW_FSC, RELION_SHELL

from cryonb.config import RunConfig
from cryonb.imaging.ctf import FrequencyPlane, contrast_transfer
from cryonb.imaging.exact import exact_slices
from cryonb.imaging.fourier import half_transform, real_space
from cryonb.imaging.images import displacement
from cryonb.imaging.projector import fourier_volume, in_plane_limit, slices
from cryonb.imaging.reconstruct import without_corners
from cryonb.imaging.shells import fourier_shell_correlation
from cryonb.io import open_map, open_particles
from cryonb.refine.loop import reconstruct
from cryonb.refine.prepare import images_of


@pytest.fixture(scope="module")
def relion(data):
    return data / "relion"


@pytest.fixture(scope="module")
def runs(relion):
    particles = open_particles(relion / "noisy.star")
    return {pad: reconstruct(particles, box=dict(pad_factor=pad)) for pad in (1, 2)}


def theirs(relion, pad, half):
    return mrcfile.read(relion / f"rec31_half{half + 1}_pad{pad}.mrc")


def distance(size):
    z, y, x = np.indices((size,) * 3) - size // 2
    return np.sqrt(z**2 + y**2 + x**2)


@pytest.mark.parametrize("pad", [1, 2])
@pytest.mark.parametrize("half", [0, 1])
def test_half_maps_are_relions(runs, relion, pad, half):
    ours, wanted = runs[pad]["half_map"].values[half], theirs(relion, pad, half)
    sphere = distance(64) <= 30
    assert np.corrcoef(ours[sphere], wanted[sphere])[0, 1] >= RELION_MAP
    assert np.polyfit(wanted[sphere], ours[sphere], 1)[0] == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize("half", [0, 1])
def test_shells_are_relions_at_pad_2(runs, relion, half):
    fsc = fourier_shell_correlation(
        half_transform(runs[2]["half_map"].values[half]), half_transform(theirs(relion, 2, half))
    )
    assert fsc[1:30].min() >= RELION_SHELL


def test_shells_are_relions_at_pad_1_but_for_its_zero_frequency(relion):
    """RELION's zero frequency at pad 1 is a tenth of the images' own; gridding correction spreads it to shells 1-3."""
    particles = open_particles(relion / "noisy.star")
    raw = reconstruct(particles, box=dict(pad_factor=1, gridding_correction=False, corners="keep"))["half_map"].values
    radial = np.sinc(distance(64) / 64) ** 2
    sphere = distance(64) <= 30
    truth = mrcfile.read(relion / "ref.mrc").sum()
    for half in (0, 1):
        wanted = theirs(relion, 1, half)
        offset = (wanted * radial - raw[half])[sphere].mean()
        mended = without_corners(raw[half] + offset) / radial
        fsc = fourier_shell_correlation(half_transform(mended), half_transform(wanted))
        assert fsc[1:30].min() >= RELION_SHELL
        assert abs(raw[half].sum() - truth) < 0.1 * truth
        assert raw[half].sum() + offset * 64**3 < 0.2 * truth


@pytest.mark.parametrize("half", [0, 1])
def test_shells_from_the_fifth_on_are_relions_at_pad_1_as_they_come(runs, relion, half):
    fsc = fourier_shell_correlation(
        half_transform(runs[1]["half_map"].values[half]), half_transform(theirs(relion, 1, half))
    )
    assert fsc[5:30].min() >= RELION_SHELL


def test_the_raw_fsc_is_relions(runs, relion):
    table = starfile.read(relion / "fsc_unmasked_pad2.star")
    wanted = table["rlnFourierShellCorrelation"].astype(float).to_numpy()
    assert np.abs(runs[2]["fsc_unmasked"].values - wanted)[:31].max() <= RELION_RAW_FSC


@pytest.mark.parametrize("method", ["exact", "trilinear"])
def test_projections_are_relions(relion, method):
    """The reference with the table's poses, shifts and contrast transfer, against relion_project's images.

    RELION interpolates with zeros past its last shell, which then fades; the exact slices are compared up to there.
    """
    reference = open_map(relion / "ref.mrc")["density"].values
    images = images_of(open_particles(relion / "clean_40.star"), RunConfig())
    turns, inside, core = images.rotations[:, 0], in_plane_limit(64, "circle"), in_plane_limit(64, "circle", 31)
    if method == "trilinear":
        clean = slices(fourier_volume(reference, 2.0, max_index=32), turns, inside)
    else:
        clean = exact_slices(reference, turns)
    along_y, along_x = displacement(images.shift_x, images.shift_y, 64, 0, 64)
    moved = clean * contrast_transfer(images.ctf, FrequencyPlane.of(64, 2.1)) * inside
    moved *= along_y.conj()[:, :, None] * along_x.conj()[:, None, :]
    wanted = images.read(slice(0, 40))
    if method == "exact":
        moved, wanted = moved * core, real_space(half_transform(wanted, 2) * core, 64, 2)
    for ours, theirs_one in zip(real_space(moved, 64, 2), wanted):
        assert np.corrcoef(ours.ravel(), theirs_one.ravel())[0, 1] >= RELION_MAP
        assert np.vdot(ours, theirs_one) / np.vdot(ours, ours) == pytest.approx(1.0, abs=0.01)
