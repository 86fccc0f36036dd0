"""Recipes on a card: the same refinements as on the CPU, with maps that stay there until an iteration ends."""

import shutil
from functools import cache

import numpy as np
import pytest
import strict_cupy
from tolerances import (
    DEVICE_MAP,
    DRIFT_OF_CURVE,
    DRIFT_OF_MAP,
    DRIFT_OF_SCORE,
    FROM_ONE_STATE,
    SAME_ON_CARD,
    SAME_POSE,
)

from cryonb import phantom, simulate
from cryonb.backends import backend_of
from cryonb.config import RunConfig
from cryonb.imaging.masks import soft_sphere
from cryonb.imaging.rotations import euler_to_matrix
from cryonb.knobs import Config
from cryonb.refine import first_guess, loop
from cryonb.refine.counter import Counter
from cryonb.refine.iterate import iterate
from cryonb.refine.prepare import images_of
from cryonb.refine.requirements import settled
from cryonb.refine.run import Run
from cryonb.refine.starting import starting_volumes

SIZE, LENGTH, COUNT = 28, 144.0, 96
TWO = dict(n_iterations=2, initial_lowpass=25.0)

CASES = {
    "fixed_poses": dict(refine=dict(recipe="fixed_poses")),
    "homogeneous": dict(refine=dict(recipe="homogeneous"), mask=dict(kind="dynamic", start_resolution=25.0)),
    "refine3d": dict(refine=dict(recipe="refine3d", params=dict(assignment="hard"))),
    "class3d": dict(refine=dict(recipe="class3d", n_classes=2), mask=dict(kind="threshold")),
    "heterogeneous": dict(refine=dict(recipe="heterogeneous", n_classes=2), box=dict(box_size=SIZE)),
    "resolution_limited": dict(refine=dict(recipe="resolution_limited", params=dict(alignment_resolution=12.0))),
}
"""Two iterations of every recipe, with the masks that its package makes."""

OTHERS = {
    "poses refined, map sharpened": dict(
        refine=dict(recipe="homogeneous", search="local", params=dict(mask="none", sharpen="always"))
    ),
    "batches": dict(
        refine=dict(recipe="heterogeneous", params=dict(batch_size=40, full_iterations=0)), box=dict(box_size=SIZE)
    ),
    "halves joined nowhere": dict(refine=dict(recipe="refine3d", params=dict(join_resolution=0.0))),
}


@cache
def truth(count=1, size=SIZE):
    return phantom("helices", box_size=size, pixel_size=LENGTH / size, n_classes=count, motion=60.0)


@cache
def particles(count=1):
    return simulate(truth(count), n_particles=COUNT, snr=0.7, seed=2)


def iterations(name, backend, **more):
    """Yield a case's iterations on a backend."""
    given = {**CASES, **OTHERS}[name]
    refine = {**TWO, **given["refine"], **more.pop("refine", {})}
    count = refine.get("n_classes", 1)
    references = None if name == "fixed_poses" else truth(count)
    settings = {**given, "refine": refine, "compute": dict(backend=backend), **more}
    return iterate(particles(count), references, **settings)


@cache
def on_cpu(name):
    return list(iterations(name, "numba"))


def turned_by(one, other):
    """How far the poses of two iterations lie apart [degree]."""
    first, second = (euler_to_matrix(*(run[name].values for name in ("rot", "tilt", "psi"))) for run in (one, other))
    return np.rad2deg(np.arccos(np.clip((np.einsum("mij,mij->m", first, second) - 1) / 2, -1, 1)))


def must_agree(card, cpu, of_map=DRIFT_OF_MAP, of_curve=DRIFT_OF_CURVE):
    """Two Datasets of one iteration say the same, and hold nothing of the card."""
    assert int(card["iteration"]) == int(cpu["iteration"])
    assert all(isinstance(values.data, np.ndarray) for values in card.variables.values())
    assert all(card[name].dtype == cpu[name].dtype for name in cpu.data_vars)
    for name in ("claimed_resolution", "next_limit", "alignment_limit"):
        np.testing.assert_allclose(card[name], cpu[name], rtol=of_curve)
    for name in ("fsc_unmasked", "limit_fsc"):
        np.testing.assert_allclose(card[name], cpu[name], atol=of_curve)
    for name in {"half_map", "volume", "mask"} & set(cpu):
        assert np.linalg.norm(card[name] - cpu[name]) <= of_map * np.linalg.norm(cpu[name]), name
    turned = turned_by(card, cpu)
    elsewhere = turned >= SAME_POSE
    assert elsewhere.mean() < 0.1
    np.testing.assert_allclose(card["score"][elsewhere], cpu["score"][elsewhere], atol=DRIFT_OF_SCORE)
    assert (card["class_number"].values == cpu["class_number"].values).mean() > 0.98
    assert card.attrs.get("volume_note") == cpu.attrs.get("volume_note")


@pytest.mark.parametrize("name", [*CASES, *OTHERS])
def test_a_recipe_on_a_card_decides_as_on_the_cpu(name, device):
    card, cpu = list(iterations(name, "cupy")), on_cpu(name)
    assert len(card) == len(cpu)
    for one, other in zip(card, cpu):
        must_agree(one, other)


@pytest.mark.parametrize("name", ["homogeneous", "class3d", "heterogeneous", "resolution_limited"])
def test_a_checkpoint_goes_on_on_the_other_machine(name, stand_in, tmp_path):
    """From one state both machines find the same; what the card left is taken up by the CPU."""
    three = dict(refine=dict(n_iterations=3))
    alone = iterations(name, "numba", checkpoint=tmp_path / "alone", **three)
    must_agree(next(iterations(name, "cupy", **three)), next(alone), FROM_ONE_STATE, FROM_ONE_STATE)
    shutil.copytree(tmp_path / "alone", tmp_path / "handed")
    on_card = next(iterations(name, "cupy", checkpoint=tmp_path / "handed", **three))
    must_agree(on_card, next(alone), FROM_ONE_STATE, FROM_ONE_STATE)
    (last,) = iterations(name, "numba", checkpoint=tmp_path / "handed", **three)
    must_agree(last, next(alone))


FOURIER, CUBE = (), (SIZE,) * 3
BROUGHT_BACK = {
    "fixed_poses": [(1, 1, *CUBE), (1, 2, *CUBE)],
    "homogeneous": [CUBE, (1, 2, *CUBE), CUBE, (1, 2, *CUBE), (1, *CUBE)],
    "refine3d": [(1, 2, *CUBE), CUBE, (1, 2, *CUBE), (1, *CUBE)],
    "class3d": [CUBE, (2, 1, *CUBE), CUBE, (2, 2, *CUBE)],
    "heterogeneous": [FOURIER, (2, 2, *CUBE)],
    "resolution_limited": [(1, 1, *CUBE), CUBE, (1, 2, *CUBE)],
}
"""What an iteration takes to the host: the region of a mask, the maps of its state, and one that is shown."""

BYTES_AN_IMAGE = 4096
"""What else it takes there: poses and their shares, of two classes at most, and curves (3300 measured)."""


@pytest.mark.parametrize("name", CASES)
def test_maps_stay_on_the_card_until_an_iteration_ends(name, stand_in, monkeypatch):
    taken, to_host = [], strict_cupy.ndarray._to_host
    monkeypatch.setattr(strict_cupy.ndarray, "_to_host", lambda array: taken.append(array) or to_host(array))
    left = iterations(name, "cupy")
    if name != "fixed_poses":
        next(left)
        taken.clear()
    next(left)
    large = [array.shape if array.dtype.kind != "c" else FOURIER for array in taken if array.size >= SIZE**3]
    assert large == BROUGHT_BACK[name]
    assert sum(array.nbytes for array in taken if array.size < SIZE**3) < BYTES_AN_IMAGE * COUNT


@pytest.mark.parametrize("name", ["homogeneous", "refine3d", "class3d", "resolution_limited"])
def test_a_mask_that_is_given_is_taken_up(name, stand_in):
    mask = soft_sphere(SIZE, LENGTH / SIZE, 50.0, 15.0)
    card, cpu = (next(iterations(name, backend, mask=mask)) for backend in ("cupy", "numba"))
    must_agree(card, cpu, FROM_ONE_STATE, FROM_ONE_STATE)
    assert np.array_equal(card["mask"], mask)


def run_on(backend, count=1, **refine):
    """A run on a backend before the first iteration."""
    groups = dict(refine={**TWO, "n_classes": count, **refine}, compute=dict(backend=backend))
    config = settled(particles(), RunConfig.gather(None, **groups))
    images = images_of(particles(), config)
    half = particles()["random_subset"].values[particles()["particle"].values.argsort()]
    return Run(images, images.ids, half, images.sampling, config, Config(), 2, Counter(1.0, None))


def started(backend, references, **settings):
    return starting_volumes(run_on(backend, **settings), references)


@pytest.mark.parametrize("count", [1, 2])
def test_starting_volumes_are_taken_up_and_matched_to_the_images(count, device):
    """Of another box; a second class starts from a random subset, aligned to the first."""
    cpu, card = (started(name, [truth(1, 36)], count=count) for name in ("numba", "cupy"))
    assert backend_of(card) is device and card.shape == (count, *CUBE)
    found = device.download(card)
    assert np.linalg.norm(found[0] - cpu[0]) <= SAME_ON_CARD * np.linalg.norm(cpu[0])
    assert np.linalg.norm(found - cpu) <= DRIFT_OF_MAP * np.linalg.norm(cpu)


def test_volumes_of_given_poses_are_made_on_the_card(device):
    cpu, card = (started(name, [], count=2, search="local") for name in ("numba", "cupy"))
    assert np.linalg.norm(device.download(card) - cpu) <= FROM_ONE_STATE * np.linalg.norm(cpu)


def test_a_first_guess_is_learned_on_the_card(stand_in, monkeypatch):
    """Shortened to one batch of 30 images for each of two attempts, and one more for the better."""
    monkeypatch.setattr(first_guess, "STAGES", ((1, 2), (1, 1)))
    monkeypatch.setattr(first_guess, "BATCH", 30)
    cpu, card = (started(name, []) for name in ("numba", "cupy"))
    assert backend_of(card) is stand_in and card.shape == (1, *CUBE)
    assert np.linalg.norm(stand_in.download(card) - cpu) <= DRIFT_OF_MAP * np.linalg.norm(cpu)
    assert stand_in.card.downloaded_bytes < BYTES_AN_IMAGE * 300


def test_a_reconstruction_on_a_card_is_that_of_the_cpu(device):
    runs = [loop.reconstruct(particles(), compute=dict(backend=name)) for name in ("numba", "cupy")]
    for name in ("half_map", "fsc_unmasked", "signal_power"):
        far = np.linalg.norm((runs[1][name] - runs[0][name]).fillna(0.0))
        assert far <= DEVICE_MAP * np.linalg.norm(runs[0][name].fillna(0.0)), name
