"""Forensics of half maps: whatever was done to them in these tests is named, and nothing else is."""

import re

import mrcfile
import numpy as np
import pytest
from tolerances import CLIFF_SHELL, FILTER_CUTOFF, LIKELY_NYQUIST, PLANTED_B_FACTOR

from cryonb.diagnostics import diagnose
from cryonb.errors import InputError, RunStopped
from cryonb.filtered_maps import filtered_half_maps
from cryonb.imaging.fourier import half_radius, half_transform, real_space, resize
from cryonb.imaging.masks import soft_sphere
from cryonb.imaging.resample import interpolation_matrix
from cryonb.imaging.symmetry import symmetry_operators
from cryonb.refine.loop import reconstruct
from cryonb.simulate import simulate

from .conftest import volume


def filtered(half, voxel, gain):
    size = half.shape[0]
    return real_space(half_transform(half) * gain(half_radius(size) / (size * voxel)), size).astype(np.float32)


def gaussian(b_factor):
    return lambda half, voxel: filtered(half, voxel, lambda k: np.exp(-b_factor / 4 * k**2))


def butterworth(resolution, order=4):
    return lambda half, voxel: filtered(half, voxel, lambda k: (1 + (k * resolution) ** (2 * order)) ** -0.5)


def hard(resolution):
    return lambda half, voxel: filtered(half, voxel, lambda k: (k <= 1 / resolution).astype(float))


def cosine(resolution, width=4):
    def apply(half, voxel):
        step = width / (half.shape[0] * voxel)
        return filtered(
            half, voxel, lambda k: 0.5 + 0.5 * np.cos(np.pi * np.clip((k - 1 / resolution) / step + 0.5, 0, 1))
        )

    return apply


def sphere(half, voxel):
    return half * soft_sphere(half.shape[0], 1.0, 0.3 * half.shape[0], 4.0)


def off_centre(half, voxel):
    """Return the half under a tight, soft mask of an odd shape."""
    size = half.shape[0]
    one, other = (soft_sphere(size, 1.0, radius * size, 5.0) for radius in (0.22, 0.17))
    return half * np.maximum(one, np.roll(other, (size // 7, -size // 9, size // 8), (0, 1, 2)))


def fourier(factor):
    return lambda half, voxel: resize(half, 2 * round(factor * half.shape[0] / 2))


def interpolated(factor, method):
    def apply(half, voxel):
        matrix = interpolation_matrix(half.shape[0], 2 * round(factor * half.shape[0] / 2), method)
        for axis in range(3):
            half = np.moveaxis(np.tensordot(matrix, half, (1, axis)), 0, axis)
        return half.astype(np.float32)

    return apply


def symmetrised(group):
    from scipy.ndimage import affine_transform

    def apply(half, voxel):
        centre = np.full(3, half.shape[0] // 2)
        turned = [
            affine_transform(half, turn[::-1, ::-1], centre - turn[::-1, ::-1] @ centre, order=3)
            for turn in symmetry_operators(group)
        ]
        return np.mean(turned, axis=0).astype(np.float32)

    return apply


def float16(half, voxel):
    return (half / np.abs(half).max()).astype(np.float16).astype(np.float32) * np.float32(0.137)


def int8(half, voxel):
    step = (half.max() - half.min()) / 255
    return np.round((half - half.min()) / step).astype(np.float32) * np.float32(0.02)


PLANTED = {
    "Fourier padding": ([fourier(1.5)], {"upsampled"}),
    "Fourier padding, twice": ([fourier(2)], {"upsampled"}),
    "linear": ([interpolated(2, "linear")], {"upsampled"}),
    "linear, 1.5 times": ([interpolated(1.5, "linear")], {"upsampled"}),
    "cubic": ([interpolated(2, "cubic")], {"upsampled"}),
    "Gaussian": ([gaussian(400.0)], {"filtered"}),
    "Butterworth": ([butterworth(7.5)], {"filtered"}),
    "cosine edge": ([cosine(6.8)], {"filtered"}),
    "hard edge": ([hard(6.8)], {"filtered"}),
    "tight mask": ([off_centre], {"masked"}),
    "sphere": ([sphere], {"masked"}),
    "sharpened": ([gaussian(-250.0)], {"sharpened"}),
    "C4": ([symmetrised("C4")], {"symmetrised"}),
    "D2": ([symmetrised("D2")], {"symmetrised"}),
    "float16": ([float16], {"float16"}),
    "int8": ([int8], {"int8"}),
    "padded, float16": ([fourier(1.5), float16], {"upsampled", "float16"}),
    "masked, filtered": ([off_centre, cosine(6.8)], {"masked", "filtered"}),
    "Butterworth, masked": ([butterworth(7.5), off_centre], {"masked", "filtered"}),
    "Gaussian, masked, float16": ([gaussian(400.0), off_centre, float16], {"masked", "filtered", "float16"}),
    "padded, C4": ([fourier(1.5), symmetrised("C4")], {"upsampled", "symmetrised"}),
    "sharpened, masked": ([gaussian(-250.0), off_centre], {"masked", "sharpened"}),
    # under a mask, a cliff is seen and what made it is not: it may only be said that something cut the maps short
    "padded, masked, float16": ([fourier(1.5), off_centre, float16], {"cut_short", "masked", "float16"}),
    "filtered, masked": ([cosine(6.8), off_centre], {"cut_short", "masked"}),
}
SIDE = {"grey_scale"}
"""Halves that are scaled each by its own maximum before they are stored do differ in grey scale."""


def treated(halves, voxel, steps):
    length = halves[0].shape[0] * voxel
    for step in steps:
        halves = [step(half, length / half.shape[0]) for half in halves]
    return volume(halves, length / halves[0].shape[0])


def named(result):
    return {str(name) for name in result["finding"].values[result["found"].values]}


def finding(result, name):
    one = result.sel(finding=name)
    return float(one["value"]), str(one["evidence"].item())


@pytest.fixture(scope="module")
def relion(data):
    return [np.asarray(mrcfile.read(data / f"relion/rec31_half{half}_pad2.mrc"), np.float32) for half in (1, 2)]


@pytest.fixture(scope="module")
def haemoglobin(data):
    deposited = np.asarray(mrcfile.read(data / "maps/emd_3488.mrc"), np.float32)
    noise = [np.random.default_rng(half).standard_normal(deposited.shape) for half in (1, 2)]
    return deposited, [0.5 * deposited.std() * part for part in noise]


@pytest.fixture(scope="module")
def particles():
    return simulate("helices", box_size=64, pixel_size=2.25, n_particles=300, binning=2, snr=20)


@pytest.mark.parametrize("name", PLANTED)
def test_what_was_done_to_the_half_maps_of_relion_is_named_and_nothing_else(relion, name):
    steps, wanted = PLANTED[name]
    result = diagnose(treated(relion, 2.1, steps), "map_forensics", symmetry="symmetrised" in wanted)
    assert wanted <= named(result) <= wanted | SIDE, result.attrs["verdict"]


@pytest.mark.parametrize("pad", [1, 2])
def test_nothing_is_found_on_the_half_maps_of_relion(data, pad):
    halves = [np.asarray(mrcfile.read(data / f"relion/rec31_half{half}_pad{pad}.mrc")) for half in (1, 2)]
    result = diagnose(volume(halves, 2.1), "map_forensics")
    assert named(result) == set()
    assert result.attrs["warnings"] == ""
    assert float(result["information_end"]) == pytest.approx(4.2)
    assert np.isfinite(result["fsc"].values[1:]).all()
    assert "no trace of any treatment; they hold power to the end of their grid at 4.2 A" in result.attrs["verdict"]


def test_a_deposited_map_with_noise_is_masked_only_where_the_noise_is(haemoglobin):
    deposited, noise = haemoglobin
    everywhere = diagnose(volume([deposited + part for part in noise], 1.05), "map_forensics")
    assert named(everywhere) == set()
    inside = diagnose(volume([deposited + part * (deposited != 0) for part in noise], 1.05), "map_forensics")
    assert named(inside) == {"masked"}
    assert finding(inside, "masked")[0] == pytest.approx((deposited != 0).mean(), abs=1e-3)


@pytest.mark.parametrize(
    "steps", ["Fourier padding", "linear, 1.5 times", "float16", "int8", "tight mask", "Gaussian, masked, float16"]
)
def test_what_was_done_to_a_deposited_map_with_noise_is_named(haemoglobin, steps):
    deposited, noise = haemoglobin
    done, wanted = PLANTED[steps]
    result = diagnose(treated([deposited + part for part in noise], 1.05, done), "map_forensics", symmetry=False)
    assert wanted <= named(result) <= wanted | SIDE, result.attrs["verdict"]


@pytest.mark.parametrize("pad", [1, 2])
@pytest.mark.parametrize("limit", ["circle", "square"])
def test_a_box_finer_than_the_data_is_no_upsampled_map(particles, limit, pad):
    run = reconstruct(particles, box=dict(box_size=64, limit=limit, pad_factor=pad))
    halves = volume(run["half_map"].values, 2.25)
    result = diagnose(halves, "map_forensics")
    assert named(result) == {"finer_box"}
    assert 1 / float(result["likely_particle_nyquist"]) == pytest.approx(9.0, rel=LIKELY_NYQUIST)
    end = 9.0 if limit == "circle" else 9.0 / np.sqrt(2)
    shells = 144.0 / np.array([float(result["information_end"]), *result["axis_end"].values])
    assert np.abs(shells - 144.0 / end).max() <= CLIFF_SHELL
    assert ("corners of square images" in finding(result, "finer_box")[1]) == (limit == "square")
    assert np.isnan(result["fsc"].values[result["past_end"].values]).all() and result["past_end"].any()
    padded = treated(halves["half_map"].values, 2.25, [fourier(1.5)])
    assert named(diagnose(padded, "map_forensics", symmetry=False)) == {"upsampled", "finer_box"}


def test_a_box_as_fine_as_the_data_shows_nothing(particles):
    for limit in ("circle", "square"):
        run = reconstruct(particles, box=dict(limit=limit))
        assert named(diagnose(run, "map_forensics")) == set()


def test_symmetry_that_was_imposed_is_found_and_that_of_the_object_is_not(particles):
    run = reconstruct(particles, imaging=dict(symmetry="C3"))
    result = diagnose(volume(run["half_map"].values, 4.5), "map_forensics")
    assert named(result) == {"symmetrised"} and finding(result, "symmetrised")[1].startswith("C3")
    size, rng = 32, np.random.default_rng(0)
    object_ = symmetrised("C4")(filtered(rng.normal(size=(size,) * 3), 1.0, lambda k: np.exp(-100 * k**2)), 1.0)
    halves = [object_ + 0.3 * object_.std() * rng.normal(size=object_.shape) for _ in range(2)]
    assert named(diagnose(volume(halves, 2.0), "map_forensics")) == set()


def test_shapes_of_filters_are_told_apart_with_their_cutoffs(relion):
    def of(step):
        return finding(diagnose(treated(relion, 2.1, [step]), "map_forensics", symmetry=False), "filtered")

    assert of(hard(6.72))[1].startswith("a hard edge (top-hat) at 6.72 A")
    assert "cosine edge" in of(cosine(6.8))[1]
    assert of(butterworth(7.5))[1].startswith("Butterworth") and of(butterworth(7.5))[0] == pytest.approx(
        7.5, rel=FILTER_CUTOFF
    )
    assert of(gaussian(400.0))[1].startswith("Gaussian")
    value, words = finding(diagnose(treated(relion, 2.1, [gaussian(-250.0)]), "map_forensics"), "sharpened")
    assert value == pytest.approx(-250.0, rel=PLANTED_B_FACTOR) and "B about -" in words
    low, high = (float(number) for number in re.search(r"between (\S+) and (\S+)\)", words).groups())
    assert low < -250 < high


def test_an_upsampled_map_says_from_what(relion):
    for step, factor in ((fourier(1.5), 1.5), (interpolated(2, "linear"), 2.0)):
        value, words = finding(diagnose(treated(relion, 2.1, [step]), "map_forensics", symmetry=False), "upsampled")
        assert value == pytest.approx(factor) and "from 64 to" in words and "once 2.1 A" in words


@pytest.mark.parametrize("way", ["filter", "filter_then_mask", "mask_then_filter"])
def test_the_maps_of_the_demonstration_are_told_as_what_they_are(way):
    result = diagnose(filtered_half_maps(way, box_size=64, voxel_size=2.25, lowpass=10.8), "map_forensics")
    assert named(result) == {"filtered"} | ({"masked"} if way == "mask_then_filter" else set())
    assert np.isnan(float(result["likely_particle_nyquist"]))
    assert finding(result, "filtered")[0] == pytest.approx(10.8, rel=FILTER_CUTOFF)


def test_a_filter_under_a_mask_claims_no_nyquist_and_a_mask_under_a_filter_no_size(relion):
    under = diagnose(treated(relion, 2.1, [cosine(8.0), off_centre]), "map_forensics", symmetry=False)
    assert named(under) == {"cut_short", "masked"} and np.isnan(float(under["likely_particle_nyquist"]))
    over = diagnose(treated(relion, 2.1, [off_centre, hard(8.0)]), "map_forensics", symmetry=False)
    assert named(over) == {"filtered", "masked"} and np.isnan(float(over["kept_fraction"]))
    assert "size cannot be told" in finding(over, "masked")[1] and "of the box kept" not in over.attrs["warnings"]


def test_halves_of_opposite_contrast_show_that_and_nothing_else(relion):
    result = diagnose(volume([relion[0], -relion[1]], 2.1), "map_forensics")
    assert named(result) == {"opposite"} and "anticorrelated" in result.attrs["warnings"]
    assert finding(result, "opposite")[0] < -0.3


@pytest.mark.parametrize("limit", ["circle", "square"])
def test_a_fine_box_that_sharpening_drowned_invents_nothing(particles, limit):
    halves = reconstruct(particles, box=dict(box_size=64, limit=limit))["half_map"].values
    result = diagnose(treated(halves, 2.25, [gaussian(-1200.0)]), "map_forensics", symmetry=False)
    assert named(result) == {"sharpened"}
    assert "no shell holds anything but rounding" in result.attrs["verdict"]


SINGLE = ("Fourier padding", "linear, 1.5 times", "sphere", "float16", "int8")


def of_data_end(resolution):
    """Return the single manipulations, filters tied to where the data end."""
    filters = {"Gaussian": gaussian(25 * resolution**2), "Butterworth": butterworth(1.8 * resolution)}
    filters |= {"cosine edge": cosine(1.6 * resolution), "hard edge": hard(1.6 * resolution)}
    return (
        {"nothing": ([], set())}
        | {name: PLANTED[name] for name in SINGLE}
        | {name: ([step], {"filtered"}) for name, step in filters.items()}
    )


SINGLES = tuple(of_data_end(1.0))


@pytest.fixture(scope="module")
def galactosidase(data):
    deposited = np.asarray(mrcfile.read(data / "maps/betaGal.mrc"), np.float32)[24:76, 24:76, 24:76]
    noise = [np.random.default_rng(70 + half).standard_normal(deposited.shape) for half in (1, 2)]
    return [deposited + 0.5 * deposited.std() * part for part in noise]


@pytest.fixture(scope="module")
def octahedral():
    made = dict(box_size=50, pixel_size=4.4, n_particles=300, snr=5, seed=11)
    return reconstruct(simulate("octahedral", **made))["half_map"].values


@pytest.fixture(scope="module")
def odd():
    made = dict(box_size=51, pixel_size=3.0, n_particles=300, snr=8, seed=21)
    return reconstruct(simulate("helices", **made), box=dict(kernel="kaiser_bessel"))["half_map"].values


@pytest.mark.parametrize("name", SINGLES)
@pytest.mark.parametrize("base, voxel", [("galactosidase", 3.54), ("octahedral", 4.4), ("odd", 3.0)])
def test_what_was_done_to_maps_of_other_objects_and_boxes_is_named(request, base, voxel, name):
    steps, wanted = of_data_end(2.0 * voxel)[name]
    result = diagnose(treated(request.getfixturevalue(base), voxel, steps), "map_forensics", symmetry=False)
    assert wanted <= named(result) <= wanted | SIDE, result.attrs["verdict"]


def test_what_a_curve_prints_where_the_files_hold_rounding_only(relion):
    result = diagnose(treated(relion, 2.1, [hard(6.72)]), "map_forensics", symmetry=False)
    empty = result["below_floor"].values
    assert np.flatnonzero(empty)[0] == 21 and empty[21:].all()
    assert np.isnan(result["fsc"].values[empty]).all() and np.isfinite(result["printed_fsc"].values[empty]).all()
    printed = result["printed_fsc"].values[empty]
    ends = [f"{value:.2f}".replace("-0.00", "0.00") for value in (printed.min(), printed.max())]
    assert f"a curve prints values between {ends[0]} and {ends[1]}" in result.attrs["warnings"]
    assert "-0.00" not in result.attrs["warnings"]


def test_the_leak_of_a_mask_is_predicted(relion):
    result = diagnose(treated(relion, 2.1, [hard(6.72), off_centre]), "map_forensics", symmetry=False)
    past = result.isel(frequency=slice(24, 32))
    assert past["below_leak"].all()
    assert np.abs(np.log10(past["noise_power"] / past["predicted_leak"])).max() < np.log10(4.0)
    assert "the leak of a mask only" in result.attrs["warnings"]


def test_halves_that_are_no_independent_halves(relion):
    first, second = relion
    cases = {
        "identical": [first, first.copy()],
        "shared_noise": [first, first + 0.3 * (second - first)],
        "grey_scale": [first, 1.5 * second],
        "filters_differ": [first, cosine(6.8)(second, 2.1)],
        "opposite": [first, -second],
    }
    for name, halves in cases.items():
        result = diagnose(volume(halves, 2.1), "map_forensics", symmetry=False)
        assert name in named(result), name
        assert named(result) <= {name, "grey_scale"}, name


def test_the_particle_box_makes_a_nyquist_line(relion):
    result = diagnose(volume(relion, 2.1), "map_forensics", particle_box_size=32, symmetry=False)
    assert float(result["particle_nyquist"]) == pytest.approx(1 / 8.4)
    assert "past the particle Nyquist of 8.4 A" in result.attrs["warnings"]


def test_one_map_is_not_enough_and_memory_is_planned(relion):
    with pytest.raises(InputError, match="must hold two half maps"):
        diagnose(volume(relion, 2.1).rename(half_map="density").isel(half=0, drop=True), "map_forensics")
    with pytest.raises(InputError, match=r"Set compute.memory_limit to .* or more"):
        diagnose(volume(relion, 2.1), "map_forensics", config={"compute": {"memory_limit": 0.01}})


def test_it_can_be_stopped(relion):
    said = []

    def stop(fraction, text):
        said.append(fraction)
        if fraction > 0.5:
            raise RunStopped("stopped")

    with pytest.raises(RunStopped):
        diagnose(volume(relion, 2.1), "map_forensics", progress=stop)
    assert said == sorted(said)
