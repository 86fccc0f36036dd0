"""Made-up refinements, built through the schema: 48 voxels at 4 angstrom, particles of the same sampling."""

import numpy as np

from cryonb import schema

SIZE, VOXEL, COUNT = 48, 4.0, 60


def _stacked(one, classes):
    return np.stack([one] * classes) if classes else one


def _ball(rng):
    line = np.arange(SIZE) - SIZE // 2
    radius = np.sqrt(line[:, None, None] ** 2 + line[:, None] ** 2 + line**2)
    return (np.exp(-((radius / 12.0) ** 4)) + rng.normal(0, 0.1, (SIZE,) * 3)).astype(np.float32)


def make_run(classes=0, iteration=3, claimed=12.0, limit=15.0, recipe="homogeneous", seed=0, **changes):
    """Return a Dataset of kind ``cryonb/refinement`` that names its recipe."""
    rng = np.random.default_rng([seed, iteration])
    shells = schema.shell_coordinates(SIZE, VOXEL)
    frequency = shells["frequency"]
    falls = 1.0 / claimed if np.isfinite(claimed) else 0.3
    curve = 1.0 / (1.0 + np.exp((frequency - 0.93 * falls) / (0.06 * falls)))
    tight = 1.0 / (1.0 + np.exp((frequency - falls + 0.107 * falls) / (0.06 * falls)))
    halves = np.stack([_ball(rng), _ball(rng)])
    numbers = 1 + (np.arange(COUNT) + (np.arange(COUNT) < 3 * iteration)) % max(1, classes)
    posterior = np.full((COUNT, max(1, classes)), 0.1)
    posterior[np.arange(COUNT), numbers - 1] = 1.0 - 0.1 * (max(1, classes) - 1)
    angles = {name: rng.uniform(0, 180, COUNT) for name in ("rot", "tilt", "psi")}
    moved = rng.gamma(2.0, 6.0 / iteration, COUNT) if iteration > 1 else np.full(COUNT, np.nan)
    variables = dict(
        half_map=_stacked(halves, classes),
        volume=_stacked(halves.mean(axis=0), classes),
        insertion_weight=_stacked(np.tile(4e3 / (1.0 + shells["shell"]), (2, 1)), classes),
        fsc_unmasked=_stacked(curve, classes),
        limit_fsc=_stacked(tight, classes),
        **angles,
        shift_y=rng.normal(0, 2, COUNT),
        shift_x=rng.normal(0, 2, COUNT),
        score=rng.normal(100, 9, COUNT),
        angle_change=moved,
        shift_change=moved / 20.0,
        random_subset=1 + np.arange(COUNT) % 2,
        class_number=numbers,
        class_posterior=posterior if classes else None,
        occupancy=posterior.mean(axis=0) if classes else None,
        effective_size=posterior.sum(axis=0) ** 2 / (posterior**2).sum(axis=0) if classes else None,
        claimed_resolution=claimed + 1.5 * np.arange(classes) if classes else claimed,
    )
    coords = {**shells, **schema.grid_coordinates(SIZE, VOXEL), "half": list(schema.HALVES)}
    coords |= {"class_id": np.arange(1, classes + 1)} if classes else {}
    coords |= dict(particle=np.arange(COUNT), voxel_size=VOXEL, pixel_size=VOXEL, box_size=SIZE, binning=1.0)
    coords |= dict(pad_factor=2.0, particle_nyquist=0.125, grid_nyquist=0.125, data_end=8.0, resolution=claimed)
    coords |= dict(iteration=iteration, alignment_limit=limit, next_limit=claimed)
    return schema.build(schema.REFINEMENT, variables, {**coords, **changes}, {"recipe": recipe, "limit": "circle"})


def make_iterations(classes=0, count=5):
    """Return one run an iteration; the second claims nothing."""
    claims = [24.0, np.nan, 16.0, 13.0, 12.0][:count]
    limits = [30.0, 24.0, 20.0, 16.0, 13.0][:count]
    return [
        make_run(classes, number, claimed, limit)
        for number, (claimed, limit) in enumerate(zip(claims, limits), start=1)
    ]
