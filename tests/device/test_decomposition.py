"""What a curve is made of is the same from a card: every component, and the verdict; only curves come back."""

import numpy as np
import pytest
from small_decompositions import small, small_mask, small_particles
from tolerances import DEVICE_CURVE, DEVICE_MAP

from cryonb.backends import get_backend
from cryonb.config import RunConfig
from cryonb.imaging.fourier import half_radius, half_transform
from cryonb.imaging.shells import fourier_shell_correlation, shell_power
from cryonb.phantoms import phantom
from cryonb.refine.operator import Operator, Switch
from cryonb.refine.stand_in import measured_noise, scene_of, stand_ins

pytestmark = pytest.mark.filterwarnings("ignore:the outermost shell")

CASES = {
    "circle": ({}, {}),
    "square": ({}, dict(box=dict(box_size=32, limit="square"))),
    "masked": (dict(given=True), {}),
    "odd, interpolated": ({}, dict(box=dict(box_size=27, resample="linear"))),
    "kaiser_bessel, C2": ({}, dict(box=dict(box_size=32, kernel="kaiser_bessel"), imaging=dict(symmetry="C2"))),
}


def decomposed(backend, given, groups):
    mask = small_mask() if given else None
    return small(small_particles(ctf=True), given=mask, compute=dict(backend=backend), **groups)


@pytest.mark.parametrize("given, groups", CASES.values(), ids=CASES)
def test_every_component(device, given, groups):
    here, there = (decomposed(backend, given, groups) for backend in ("numba", "cupy"))
    assert list(here["component"].values) == list(there["component"].values)
    assert set(here.variables) == set(there.variables)
    for name in ("fsc", "fsc_masked", "predicted_corner"):
        if name in here:
            assert np.allclose(there[name], here[name], rtol=0, atol=DEVICE_CURVE, equal_nan=True), name
    assert np.array_equal(there["band"], here["band"])
    assert there.attrs["verdict"] == here.attrs["verdict"]
    assert float(there["resolution"]) == pytest.approx(float(here["resolution"]), rel=DEVICE_MAP, nan_ok=True)


def test_exact_maps(device):
    particles = small_particles().isel(particle=slice(0, 100))
    box = dict(box_size=16, kernel="nufft")
    options = dict(dithers=1, surrogates=0)
    here, there = (small(particles, options=options, box=box, compute=dict(backend=name)) for name in ("numba", "cupy"))
    assert np.allclose(there["fsc"], here["fsc"], rtol=0, atol=DEVICE_CURVE, equal_nan=True)


def scene_on(backend):
    """Return stand-ins of a blob with noise, and the noise that is found in the particles beside it."""
    config = RunConfig.gather(box=dict(box_size=32), compute=dict(backend=backend))
    images = Operator(small_particles(ctf=True), config).images("A", "circle")
    transform = half_transform(phantom("helices", box_size=32, pixel_size=6.0)["density"].values.astype(np.float32))
    silent = scene_of(transform, images, np.zeros(9), 7.5)
    return images, stand_ins(images, scene_of(transform, images, np.linspace(2, 1, 9), 7.5)), silent


def test_stand_ins_have_the_same_noise(device):
    images, here, silent = scene_on("numba")
    others, there, other_silent = scene_on("cupy")
    chosen = slice(20, 52)
    assert np.array_equal(here.source.draw(here, chosen), there.source.draw(there, chosen))
    expected = here.read(chosen)
    backend = get_backend("cupy")
    [(_, pixels)] = there.fed(backend, [chosen])
    assert backend.owns(pixels) and pixels.dtype == np.float32
    assert np.abs(backend.download(pixels) - expected).max() <= DEVICE_MAP * np.abs(expected).max()
    assert np.array_equal(there.read(chosen), backend.download(pixels))
    noise = measured_noise(images, silent, silent)
    assert np.allclose(measured_noise(others, other_silent, other_silent), noise, rtol=DEVICE_MAP)


def test_maps_stay_where_they_are_made(device):
    config = RunConfig.gather(box=dict(box_size=32), compute=dict(backend="cupy"))
    operator = Operator(small_particles(), config)
    first, second = operator.run(Switch("A", "square", keep_weights=True), Switch("B", "square", np.eye(3)))
    assert device.owns(first.transform) and device.owns(second.transform) and device.owns(first.weights)
    assert isinstance(first.shell_weight, np.ndarray)
    curve = fourier_shell_correlation(first.transform, second.transform)
    assert isinstance(curve, np.ndarray) and curve[1] > 0.9
    assert isinstance(shell_power(first.transform), np.ndarray)


def test_only_curves_come_to_the_host(stand_in):
    """All that comes back of a whole decomposition is less than half of one of its maps, however many the images."""
    found = []
    for count in (100, 200):
        card, particles = stand_in.card, small_particles(ctf=True).isel(particle=slice(0, count))
        before = card.downloads, card.downloaded_bytes
        small(particles, compute=dict(backend="cupy"))
        found.append((card.downloads - before[0], card.downloaded_bytes - before[1]))
    (fewer, small_part), (more, large_part) = found
    assert more - fewer <= 16  # one more tile of either half, where noise is measured
    assert large_part < 4 * 32**3 / 2
    assert large_part - small_part < 100 * 4 * 14 + 16 * 1200
    assert fewer < 400


def test_shells_hold_what_they_hold(on_both):
    rng = np.random.default_rng(3)
    maps = rng.normal(size=(2, 20, 20, 20)).astype(np.float32) * (half_radius(20, 3).shape[0] / 20)

    def curve(backend):
        return fourier_shell_correlation(*(half_transform(backend.upload(one)) for one in maps))

    on_both(curve, DEVICE_CURVE)
