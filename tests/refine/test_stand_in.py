import numpy as np
import pytest
from tolerances import MEASURED_NOISE, STAND_IN_IMAGE, STAND_IN_MAP, STAND_IN_SCALE

from cryonb.config import RunConfig
from cryonb.imaging.fourier import half_radius, half_transform, real_space, resize
from cryonb.imaging.noise import noise_spectrum
from cryonb.imaging.shells import fourier_shell_correlation
from cryonb.phantoms import phantom
from cryonb.refine.operator import Operator, Switch
from cryonb.refine.stand_in import measured_noise, scene_of, stand_ins
from cryonb.simulate import simulate

pytestmark = pytest.mark.filterwarnings("ignore:the outermost shell")

END = 10.0
SILENT = np.zeros(17)


@pytest.fixture(scope="module")
def truth():
    """Return helices of which the transform ends at shell 10 of 32."""
    whole = phantom("helices", box_size=64, pixel_size=3.0)
    limited = half_transform(whole["density"].values) * (half_radius(64) < END)
    return whole.assign(density=whole["density"].copy(data=real_space(limited, 64).astype(np.float32)))


def particles_of(truth, **settings):
    return simulate(truth, **{**dict(n_particles=300, binning=2.0, snr=0.0, seed=4), **settings})


def scene_for(operator, truth, size):
    """Return the images of half A, and a scene of the truth in a box of some size."""
    images = operator.images("A", "circle")
    density = real_space(half_transform(truth["density"].values), 64)
    transform = half_transform(density.astype(np.float32))
    if size != 64:
        transform = half_transform(resize(density.astype(np.float32), size))
    return images, scene_of(transform, images, np.zeros(images.sampling.read_size // 2 + 1), END)


@pytest.mark.parametrize("size", [64, 40, 33])
@pytest.mark.parametrize("ctf,sigma", [(False, 0.0), (True, 3.0)])
def test_without_noise_they_are_the_particles(truth, size, ctf, sigma):
    """The same pixels, whatever box the map is in: grey scale, contrast transfer, pose and shift."""
    particles = particles_of(truth, n_particles=64, ctf=ctf, shift_sigma=sigma)
    operator = Operator(particles, RunConfig.gather(box=dict(box_size=size)))
    images, scene = scene_for(operator, truth, size)
    seen, expected = stand_ins(images, scene).read(slice(0, 32)), images.read(slice(0, 32))
    assert np.linalg.norm(seen - expected) < STAND_IN_IMAGE * np.linalg.norm(expected)
    assert (seen * expected).sum() / (expected**2).sum() == pytest.approx(1.0, abs=STAND_IN_SCALE)


SETTINGS = {
    "plain": ({}, {}),
    "square": ({}, dict(box=dict(limit="square"))),
    "contrast": (dict(ctf=True), {}),
    "flipped": (dict(ctf=True), dict(imaging=dict(ctf="phase_flip"))),
    "uncorrected": (dict(ctf=True), dict(imaging=dict(ctf="none"))),
    "inverted": (dict(ctf=True), dict(imaging=dict(invert_contrast=True))),
    "binned": (dict(ctf=True), dict(box=dict(binning=1.25))),
    "linear": ({}, dict(box=dict(resample="linear"))),
    "shifted": (dict(shift_sigma=6.0), {}),
}


@pytest.mark.parametrize("given,settings", SETTINGS.values(), ids=SETTINGS)
def test_their_map_is_the_map_they_show(truth, given, settings):
    """A map made of particles, shown by stand-ins of those particles, and made again of them."""
    particles = particles_of(truth, **{"ctf": False, **given})
    box = {"box_size": 48, "pad_factor": 2.0, **settings.get("box", {})}
    config = RunConfig.gather({**settings, "box": box})
    operator = Operator(particles, config)
    limit = config.box.limit
    first = operator.run(Switch("A", limit))[0].transform
    scene = scene_of(first, operator.images("A", "circle"), SILENT, END)
    again = operator.run(Switch("A", limit, scene=scene))[0].transform
    if given.get("ctf") and config.imaging.ctf in ("none", "phase_flip"):
        assert fourier_shell_correlation(first, again)[1:4].min() > 0.9
        return
    assert fourier_shell_correlation(first, again)[1 : int(END)].min() > STAND_IN_MAP
    inside = half_radius(48) < END - 1.0
    scale = np.vdot(first[inside], again[inside]).real / np.vdot(first[inside], first[inside]).real
    if config.box.resample == "linear":  # which takes power away every time
        assert 0.9 < scale < 1.0
    else:
        assert scale == pytest.approx(1.0, abs=STAND_IN_SCALE)
        past = half_radius(48) > END + 1.0
        assert np.linalg.norm(again[past]) < 0.1 * np.linalg.norm(again[inside])


def test_normalised_particles_are_stood_in_for_in_their_own_grey_scale(truth):
    particles = particles_of(truth, ctf=False, snr=1.0)
    scaled = particles.assign(image=particles["image"] * 37.0 + 5.0)
    config = RunConfig.gather(box=dict(box_size=48), imaging=dict(normalise=True))
    operator = Operator(scaled, config)
    images = operator.images("A", "circle")
    first, second = (made.transform for made in operator.run(Switch("A", "circle"), Switch("B", "circle")))
    spectrum = measured_noise(images, *(scene_of(half, images, SILENT, END) for half in (first, second)))
    assert spectrum[5:].mean() == pytest.approx(1.0, abs=MEASURED_NOISE)
    again = operator.run(Switch("A", "circle", scene=scene_of(first, images, spectrum, END)))[0].transform
    inside = (half_radius(48) < END - 1.0) & (half_radius(48) >= 1.0)
    scale = np.vdot(first[inside], again[inside]).real / np.vdot(first[inside], first[inside]).real
    assert scale == pytest.approx(1.0, abs=2 * STAND_IN_SCALE)


@pytest.mark.parametrize("noise", ["white", "coloured"])
@pytest.mark.parametrize("treatment", [{}, {"invert_contrast": True}])
def test_the_noise_of_particles_is_what_their_maps_leave_of_them(truth, noise, treatment):
    settings = dict(n_particles=300, ctf=False, shift_sigma=0.0, noise=noise)
    silent, noisy = (particles_of(truth, snr=snr, **settings) for snr in (0.0, 0.5))
    known = noise_spectrum(noisy["image"].values - silent["image"].values)
    operator = Operator(noisy, RunConfig.gather(box=dict(box_size=48), imaging=treatment))
    images, maps = operator.images("A", "circle"), operator.run(Switch("A", "circle"), Switch("B", "circle"))
    measured = measured_noise(images, *(scene_of(made.transform, images, SILENT, END) for made in maps))
    assert measured.shape == known.shape
    assert np.allclose(measured[3:], known[3:], rtol=MEASURED_NOISE)
    if noise == "coloured":
        assert measured[3] > 2.0 * measured[-1]


def test_their_noise_has_the_spectrum_that_was_asked_for(truth):
    operator = Operator(particles_of(truth, n_particles=400, ctf=False), RunConfig.gather(box=dict(box_size=48)))
    images = operator.images("A", "circle")
    spectrum = np.linspace(9.0, 1.0, 17)
    scene = scene_of(np.zeros((48, 48, 25), np.complex64), images, spectrum, END)
    found = noise_spectrum(stand_ins(images, scene).read(slice(0, 200)))
    assert np.allclose(found[2:], spectrum[2:], rtol=MEASURED_NOISE)


def test_their_noise_belongs_to_seed_replica_and_particle(truth):
    particles = particles_of(truth, n_particles=80, ctf=False)
    config = RunConfig.gather(box=dict(box_size=48), compute=dict(seed=3))
    images = Operator(particles, config).images("A", "circle")
    scene = scene_of(np.zeros((48, 48, 25), np.complex64), images, np.ones(17), END)
    replaced = stand_ins(images, scene)
    whole = replaced.read(slice(0, 40))
    assert np.array_equal(whole[32:], replaced.read(slice(32, 40)))
    assert np.array_equal(whole, stand_ins(images, scene).read(slice(0, 40)))
    assert abs(np.corrcoef(whole.ravel(), stand_ins(images, scene.again(1)).read(slice(0, 40)).ravel())[0, 1]) < 0.03
    assert abs(np.corrcoef(whole[0].ravel(), whole[1].ravel())[0, 1]) < 0.15
    chosen = np.array([4, 5, 10, 11])
    some = Operator(particles.isel(particle=chosen), config).images("A", "circle")
    assert np.array_equal(stand_ins(some, scene).read(slice(0, 2)), whole[[2, 5]])
    other = Operator(particles, RunConfig.gather(box=dict(box_size=48), compute=dict(seed=4))).images("A", "circle")
    reseeded = scene_of(np.zeros((48, 48, 25), np.complex64), other, np.ones(17), END)
    assert not np.allclose(stand_ins(other, reseeded).read(slice(0, 40)), whole)


def test_batches_do_not_change_their_map(truth):
    particles = particles_of(truth, n_particles=150)
    made = []
    for batch_size, threads in ((0, 1), (128, 2)):
        compute = dict(batch_size=batch_size, threads=threads)
        operator = Operator(particles, RunConfig.gather(box=dict(box_size=40), compute=compute))
        images, scene = scene_for(operator, truth, 40)
        made.append(operator.run(Switch("B", "square", scene=scene))[0].transform.tobytes())
    assert made[0] == made[1]
