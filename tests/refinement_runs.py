"""Runs of refinements on small simulated particles, for tests of the machinery."""

from functools import cache

from cryonb import simulate
from cryonb.config import RunConfig
from cryonb.knobs import Config
from cryonb.refine.counter import Counter
from cryonb.refine.prepare import images_of
from cryonb.refine.requirements import settled
from cryonb.refine.run import Run


@cache
def helices(count=300, box_size=32, snr=0.0, **settings):
    """Simulated particles of the helices phantom, at a pixel size that keeps their field of view."""
    return simulate("helices", n_particles=count, box_size=box_size, pixel_size=144.0 / box_size, snr=snr, **settings)


def run_of(particles, counter=None, **groups):
    """A run at iteration 1 with the poses of the table."""
    config = settled(particles, RunConfig.gather(None, **groups))
    images = images_of(particles, config)
    half = particles["random_subset"].values[particles["particle"].values.argsort()]
    counter = counter or Counter(1.0, None)
    return Run(images, images.ids, half, images.sampling, config, Config(), 2, counter, 1)
