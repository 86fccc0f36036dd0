"""Made-up runs whose curves, bands and maps look like real ones, built through the schema."""

import json

import numpy as np
import pytest

from cryonb import schema


def _band(frequency, particle_nyquist, corners):
    half_shell = 0.5 * (frequency[1] - frequency[0])
    limit = particle_nyquist * (np.sqrt(2.0) if corners else 1.0)
    band = np.full(frequency.size, "measured", dtype="<U8")
    band[frequency > particle_nyquist + half_shell] = "corner"
    band[frequency > limit + half_shell] = "support"
    band[frequency > limit + 4.5 * half_shell] = "no data"
    return band


def _crossing(frequency, values, level):
    below = np.flatnonzero((values[1:] < level) & (values[:-1] >= level))
    if not below.size:
        return np.nan
    left = below[0]
    share = (values[left] - level) / (values[left] - values[left + 1])
    return 1.0 / (frequency[left] + share * (frequency[left + 1] - frequency[left]))


def _curves(frequency, falls, rng):
    wiggle = rng.normal(0, 0.012, (5, frequency.size))
    raw = 1 / (1 + np.exp((frequency - 0.88 * falls) / (0.09 * falls)))
    masked = 1 / (1 + np.exp((frequency - falls) / (0.07 * falls)))
    randomised = masked * (frequency < 0.5 * falls) + 0.08 * (frequency >= 0.5 * falls)
    curves = np.stack([raw, masked, masked - 0.01, randomised, masked - 0.02]) + wiggle
    curves[:, 0] = 1.0
    return np.clip(curves, -0.1, 1.0)


def _record(box_size, binning, pad_factor):
    settings = {
        "box": {"kernel": "trilinear", "limit": "square", "resample": "fourier", "pad_factor": pad_factor},
        "imaging": {"ctf": "full", "symmetry": "C1"},
        "mask": {"kind": "none"},
    }
    return {"provenance": json.dumps({"verb": "reconstruct", "settings": settings, "inputs": []})}


def _sampling(box_size, voxel_size, binning, pad_factor):
    particle_pixel = max(voxel_size, 1.05 * binning)
    return dict(
        box_size=box_size,
        voxel_size=voxel_size,
        pixel_size=1.05,
        binning=binning,
        pad_factor=pad_factor,
        particle_nyquist=1.0 / (2.0 * particle_pixel),
        grid_nyquist=1.0 / (2.0 * voxel_size),
    )


def make_fsc(box_size=128, voxel_size=1.05, binning=2.0, pad_factor=2.0, falls=0.27, kinds=schema.FSC_KINDS, seed=0):
    """Return a Dataset of kind ``cryonb/fsc``."""
    shells = schema.shell_coordinates(box_size, voxel_size)
    frequency = shells["frequency"]
    sampling = _sampling(box_size, voxel_size, binning, pad_factor)
    band = _band(frequency, sampling["particle_nyquist"], corners=True)
    values = _curves(frequency, falls, np.random.default_rng(seed))
    values[:, np.isin(band, ("support", "no data"))] = np.nan
    rows = [schema.FSC_KINDS.index(kind) for kind in kinds]
    count = np.maximum(4 * np.pi * shells["shell"].astype(float) ** 2, 1.0)
    half_bit = (0.2071 + 1.9102 / np.sqrt(count / 2)) / (1.2071 + 0.9102 / np.sqrt(count / 2))
    flat = np.ones_like(count)
    thresholds = np.stack([0.143 * flat, 0.5 * flat, half_bit, 3 / np.sqrt(count / 2)])
    reached = [[_crossing(frequency, values[row], level) for level in thresholds.T[-1]] for row in rows]
    ends = 1.0 / frequency[np.isin(band, ("measured", "corner"))][-1]
    variables = dict(
        fsc=values[rows],
        fsc_resolution=np.array(reached),
        band=band,
        threshold_curve=np.broadcast_to(thresholds, (len(rows), *thresholds.shape)),
    )
    extra = dict(fsc_kind=list(kinds), threshold=list(schema.THRESHOLDS), n_coefficients=count, data_end=ends)
    extra.update(mask_volume=121300.0, randomisation_resolution=9.3)
    return schema.build(schema.FSC, variables, {**shells, **sampling, **extra}, _record(box_size, binning, pad_factor))


def _ball(box_size, rng, noise):
    axis = (np.arange(box_size) - box_size // 2) / (box_size / 2)
    z, y, x = np.meshgrid(axis, axis, axis, indexing="ij")
    blobs = np.zeros((box_size,) * 3)
    for centre in np.random.default_rng(7).normal(0, 0.27, (60, 3)):
        blobs += np.exp(-((z - centre[0]) ** 2 + (y - centre[1]) ** 2 + (x - centre[2]) ** 2) / 0.006)
    return (blobs + rng.normal(0, noise, blobs.shape)).astype(np.float32)


def make_refinement(box_size=64, voxel_size=2.1, binning=2.0, pad_factor=2.0, falls=0.22, noise=0.15, seed=0):
    """Return a Dataset of kind ``cryonb/refinement``."""
    rng = np.random.default_rng(seed)
    shells = schema.shell_coordinates(box_size, voxel_size)
    frequency = shells["frequency"]
    sampling = _sampling(box_size, voxel_size, binning, pad_factor)
    band = _band(frequency, sampling["particle_nyquist"], corners=True)
    curve = _curves(frequency, falls, rng)[0]
    weight = 4e4 / (1.0 + shells["shell"]) * np.where(np.isin(band, ("measured", "corner")), 1.0, 0.0)
    curve[weight == 0] = np.nan
    halves = np.stack([_ball(box_size, rng, noise) for _ in range(2)])
    variables = dict(
        half_map=halves,
        volume=halves.mean(axis=0),
        insertion_weight=np.stack([weight, 0.97 * weight]),
        fsc_unmasked=curve,
        band=band,
    )
    coords = {**shells, **sampling, **schema.grid_coordinates(box_size, voxel_size), "half": list(schema.HALVES)}
    coords["resolution"] = _crossing(frequency, curve, 0.143)
    return schema.build(schema.REFINEMENT, variables, coords, _record(box_size, binning, pad_factor))


@pytest.fixture(name="make_fsc", scope="session")
def _make_fsc():
    return make_fsc


@pytest.fixture(name="make_refinement", scope="session")
def _make_refinement():
    return make_refinement
