"""Tables of pure noise with random poses, for tests that need particles and no simulator."""

import numpy as np

from cryonb.imaging.rotations import matrix_to_euler, random_rotations
from cryonb.schema import PARTICLES, build


def make_particles(count=70, size=16, pixel_size=3.0, seed=0, ids=None, image=None, **extra):
    """A table of noise images with random poses; every field can be replaced."""
    rng = np.random.default_rng(seed)
    rot, tilt, psi = matrix_to_euler(random_rotations(count, rng))
    shift_x, shift_y = rng.normal(0, 2.0, (2, count))
    image = rng.normal(size=(count, size, size)).astype(np.float32) if image is None else image
    variables = {
        "image": image,
        "rot": rot,
        "tilt": tilt,
        "psi": psi,
        "shift_x": shift_x,
        "shift_y": shift_y,
        "random_subset": np.arange(count) % 2 + 1,
        **extra,
    }
    line = (np.arange(size) - size // 2) * pixel_size
    coords = {"particle": np.arange(count) if ids is None else ids, "y": line, "x": line, "pixel_size": pixel_size}
    if "voltage" in extra:
        coords["optics"] = np.arange(len(extra["voltage"])) + 1
    return build(PARTICLES, {name: value for name, value in variables.items() if value is not None}, coords)
