"""Runs of refinements on small simulated particles, for tests of the machinery."""

import dataclasses
from contextlib import contextmanager
from functools import cache

import numpy as np

from cryonb import simulate
from cryonb.config import RunConfig
from cryonb.imaging.rotations import random_rotations
from cryonb.imaging.shells import crossing
from cryonb.knobs import Config, knob
from cryonb.refine.candidates import Candidates
from cryonb.refine.counter import Counter
from cryonb.refine.prepare import images_of
from cryonb.refine.recipes import _recipes
from cryonb.refine.requirements import settled
from cryonb.refine.run import Run
from cryonb.refine.state import State


@cache
def helices(count=300, box_size=32, snr=0.0, **settings):
    """Simulated particles of the helices phantom, 3 angstrom a pixel in boxes of 64, else over 144 angstrom."""
    return simulate(
        "helices",
        n_particles=count,
        box_size=box_size,
        pixel_size=3.0 if box_size == 64 else 144.0 / box_size,
        snr=snr,
        **settings,
    )


def run_of(particles, counter=None, **groups):
    """A run at iteration 1 with the poses of the table."""
    config = settled(particles, RunConfig.gather(None, **groups))
    images = images_of(particles, config)
    half = particles["random_subset"].values[particles["particle"].values.argsort()]
    counter = counter or Counter(1.0, None)
    return Run(images, images.ids, half, images.sampling, config, Config(), 2, counter, 1)


def random_candidates(count, kept=3, classes=2, seed=0):
    """Random poses with random shares."""
    rng = np.random.default_rng(seed)
    weight = rng.dirichlet(np.full(kept, 0.3), count)
    class_index = rng.integers(0, classes, (count, kept))
    posterior = np.stack([np.where(class_index == number, weight, 0).sum(axis=1) for number in range(classes)], axis=1)
    return Candidates(
        rotation=random_rotations(count * kept, rng).reshape(count, kept, 3, 3),
        shift=rng.normal(0, 0.03, (count, kept, 2)),
        class_index=class_index,
        score=np.log(weight + 1e-300),
        correlation=weight,
        scale=np.ones((count, kept)),
        weight=weight,
        class_posterior=posterior,
        hypotheses=np.full(count, kept),
    )


@dataclasses.dataclass(frozen=True)
class ShortParams(Config):
    """Settings of the short recipe."""

    finest: float = knob(7.0, help="Finest shell that is aligned to.")


@dataclasses.dataclass(frozen=True)
class ShortRecipe:
    """The shortest recipe that uses all of the machinery: halves share a reference, limits rise a shell at a time."""

    name: str = "short"
    title: str = "Short"
    params: type = ShortParams
    stops_at: int = 1000
    seen: list = dataclasses.field(default_factory=list, compare=False)

    def decides(self, config, params):
        return dict.fromkeys(("limit", "threshold", "mask", "volume", "classes"), "-") | {"halves": "shared"}

    def begin(self, run, volumes):
        limit = run.sampling.field_of_view / run.config.refine.initial_lowpass
        noise = run.background_noise(run.members(run.half, None))
        return State(0, volumes[:, None], None, limit, noise[None], run.half)

    def iterate(self, run, state):
        self.seen.append(run.mask)
        everyone = run.members(state.half, None)
        references = [run.fourier(volume[0], limit=state.limit) for volume in state.reference]
        found = run.align(references, everyone, limit=state.limit, noise=state.noise[0], previous=state.candidates)
        rows = [run.members(state.half, which) for which in (1, 2)]
        made = [[run.average(found[part], part, number) for part in rows] for number in range(len(references))]
        maps = np.stack([[average.density for average in pair] for pair in made])
        fsc = np.stack([run.fsc(*pair) for pair in made])
        length = run.sampling.field_of_view
        return dataclasses.replace(
            state,
            iteration=state.iteration + 1,
            reference=maps.mean(axis=1, dtype=np.float32)[:, None],
            limit=min(state.limit + 1.0, run.params.finest + 0.5),
            noise=run.noise(found, references, everyone)[None],
            candidates=found,
            half_map=maps,
            shell_weight=np.stack([[average.shell_weight for average in pair] for pair in made]),
            fsc=fsc,
            claimed=np.array([length / crossing(curve, 0.143) for curve in fsc]),
            converged=state.iteration + 1 >= self.stops_at,
            aligned_to=state.limit,
        )


@contextmanager
def recorded(recipe):
    """Let a recipe be found by its name."""
    known = _recipes()
    known[recipe.name] = recipe
    try:
        yield recipe
    finally:
        del known[recipe.name]
