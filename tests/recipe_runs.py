"""Small particles, and recipes run on them without files or labels, for tests of what recipes decide."""

import dataclasses
from functools import cache

import numpy as np

from cryonb import simulate
from cryonb.config import RunConfig
from cryonb.imaging.fourier import resize
from cryonb.imaging.masks import lowpass
from cryonb.imaging.rotations import euler_to_matrix
from cryonb.phantoms import phantom
from cryonb.refine.counter import Counter
from cryonb.refine.prepare import images_of
from cryonb.refine.recipes import decided, get_recipe
from cryonb.refine.requirements import settled
from cryonb.refine.run import Run
from cryonb.refine.state import brought_back, taken_up

LENGTH = 144.0
"""Field of view of all of them [angstrom]."""

OWN = {
    "heterogeneous": dict(box=dict(box_size=32)),
    "resolution_limited": dict(params=dict(alignment_resolution=12.0)),
}
"""What some recipes need to be run on images of 32 pixels."""

SEARCHING = ("heterogeneous", "homogeneous", "class3d", "refine3d", "resolution_limited")


@cache
def truth(n_classes=1, size=32):
    """The helix phantom."""
    return phantom("helices", box_size=size, pixel_size=LENGTH / size, n_classes=n_classes, motion=60.0)


@cache
def particles(count=200, snr=0.5, n_classes=1, **settings):
    """Simulated particles of it."""
    return simulate(truth(n_classes), n_particles=count, snr=snr, seed=1, **settings)


@cache
def noise_only(count=400):
    """Images of nothing but noise."""
    seen = particles(count, snr=0.0, ctf=False)
    noise = np.random.default_rng(3).normal(size=seen["image"].shape).astype(np.float32)
    return seen.assign(image=(seen["image"].dims, 4.0 * float(seen["image"].std()) * noise, seen["image"].attrs))


def run_of(name, table, *, params=None, box=None, mask=None, imaging=None, **refine):
    """A recipe and its run before the first iteration."""
    recipe, own = get_recipe(name), OWN.get(name, {})
    refine = {"recipe": name, "params": {**own.get("params", {}), **(params or {})}, "initial_lowpass": 25.0, **refine}
    config = RunConfig.gather(
        None, refine=refine, box={**own.get("box", {}), **(box or {})}, mask=mask, imaging=imaging
    )
    config, chosen = decided(recipe, config)
    config = settled(table, config)
    images = images_of(table, config)
    half = table["random_subset"].values[table["particle"].values.argsort()]
    return recipe, Run(images, images.ids, half, images.sampling, config, chosen, 2, Counter(1.0, None))


def states_of(recipe, run, volumes, iterations):
    """The states after every iteration, that before the first included."""
    size, sampling = run.sampling.box_size, run.sampling
    voxel_size = sampling.field_of_view / volumes.shape[-1]
    smooth = [lowpass(one, voxel_size, run.config.refine.initial_lowpass) for one in volumes]
    volumes = np.stack([resize(one, size) for one in smooth]).astype(np.float32)
    states = [brought_back(recipe.begin(run, run.on_backend(volumes)))]
    for number in range(1, iterations + 1):
        before = taken_up(states[-1], run.backend)
        states.append(brought_back(recipe.iterate(run.at(number, Counter(1.0, None)), before)))
    return states


REFINED = {}


def refined(name, table, iterations=2, volumes=None, **settings):
    """The recipe, its run, and the states after every iteration, from the truth at low resolution; made once."""
    volumes = truth()["density"].values[None] if volumes is None else volumes
    key = (name, id(table), volumes.tobytes(), repr(sorted(settings.items())))
    if key not in REFINED or len(REFINED[key][-1]) <= iterations:
        recipe, run = run_of(name, table, **settings)
        REFINED[key] = table, recipe, run, states_of(recipe, run, volumes, iterations)
    _, recipe, run, states = REFINED[key]
    return recipe, run, states[: iterations + 1]


def angles_off(table, state):
    """How far the best poses are from the true ones [degree]."""
    order = table["particle"].values.argsort()
    true = euler_to_matrix(*(table[name].values[order] for name in ("rot", "tilt", "psi")))
    trace = np.einsum("mij,mij->m", state.candidates.of_best("rotation"), true)
    return np.rad2deg(np.arccos(np.clip((trace - 1) / 2, -1, 1)))


def same(one, other):
    """Whether two states hold the same bits."""

    def equal(first, second):
        if dataclasses.is_dataclass(first):
            return all(equal(value, second.arrays()[name]) for name, value in first.arrays().items())
        return np.array_equal(first, second, equal_nan=isinstance(first, np.ndarray) and first.dtype.kind == "f")

    return all(
        equal(getattr(one, field.name), getattr(other, field.name))
        for field in dataclasses.fields(one)
        if getattr(one, field.name) is not None
    )
