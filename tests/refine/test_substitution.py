import json

import numpy as np
import pytest

from cryonb.imaging.substitution import substitute_noise
from cryonb.io import open_particles, write_stack, write_star
from cryonb.provenance import digest
from cryonb.refine.substitution import substituted
from cryonb.simulate import simulate


@pytest.fixture(scope="module")
def particles():
    return simulate("helices", box_size=32, pixel_size=4.0, n_particles=10, binning=2, seed=1)


@pytest.fixture(scope="module")
def noisy(particles):
    return substituted(particles, 3.5 / 128.0, seed=4)


def test_images_are_those_of_the_array_function(particles, noisy):
    wanted = substitute_noise(particles["image"].values, particles["particle"].values, 3.5, seed=4)
    assert np.array_equal(noisy["image"].values, wanted)
    for name in ("rot", "shift_x", "defocus_u", "random_subset"):
        assert noisy[name].identical(particles[name])


@pytest.mark.parametrize(
    "chosen",
    [
        (3,),
        (slice(2, 8, 3),),
        (np.array([7, 1, 1]),),
        (slice(None), 4),
        (slice(1, 3), slice(None), 5),
        (2, slice(3, 9), np.array([1, 4])),
    ],
    ids=str,
)
def test_any_part_of_them_can_be_read(noisy, chosen):
    whole = noisy["image"].values
    expected = whole
    for axis, index in reversed(list(enumerate(chosen))):
        expected = np.take(expected, np.arange(whole.shape[axis])[index], axis=axis)
    assert np.array_equal(noisy["image"][chosen].values, expected)


def test_the_order_of_the_particles_is_of_no_account(particles, noisy):
    order = np.random.default_rng(0).permutation(10)
    shuffled = substituted(particles.isel(particle=order), 3.5 / 128.0, seed=4)
    assert np.array_equal(shuffled["image"].values, noisy["image"].values[order])
    assert np.array_equal(noisy.isel(particle=order)["image"].values, noisy["image"].values[order])


def test_nothing_is_read_before_it_is_asked_for(particles, tmp_path, monkeypatch):
    write_stack(particles, tmp_path / "images.mrcs")
    write_star(particles, tmp_path / "particles.star", tmp_path / "images.mrcs")
    opened = open_particles(tmp_path / "particles.star")
    reads = []
    layer = opened["image"].variable._data
    while not hasattr(layer, "read"):
        layer = layer.array
    plain = type(layer).read
    monkeypatch.setattr(type(layer), "read", lambda self, rows: reads.append(len(rows)) or plain(self, rows))
    lazy = substituted(opened, 3.5 / 128.0)
    assert digest(lazy) and reads == []
    assert lazy["image"][2:5].values.shape == (3, 16, 16) and sum(reads) == 3


def test_the_record_says_where_the_noise_begins(particles, noisy):
    record = json.loads(noisy.attrs["provenance"])
    assert record["verb"] == "substitute_noise" and record["settings"] == {"from_frequency": 3.5 / 128.0, "seed": 4}
    others = [substituted(particles, 3.5 / 128.0, seed=5), substituted(particles, 4.5 / 128.0, seed=4)]
    assert len({digest(one) for one in (noisy, *others)}) == 3
    assert digest(substituted(particles, 3.5 / 128.0, seed=4)) == digest(noisy)
