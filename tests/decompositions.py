"""Decompositions made up from measured curves: 128 voxels at 1.5 angstrom, particles of 64 pixels at 3 angstrom."""

import json

import numpy as np

from cryonb import schema
from cryonb.diagnostics.components import DECOMPOSITION, OWN, TERMS, split_by_band, telescope

SHELLS = np.array([0, 16, 28, 31, 32, 33, 34, 36, 38, 40, 42, 44, 45, 48, 52, 60, 63, 64])
MEASURED = {
    ("standard", 2): [1, 0.99, 0.93, 0.88, 0.85, 0.79, 0.74, 0.7, 0.61, 0.49, 0.34, 0.15, 0.05, 0.01, 0, 0.01, 0.01, 0],
    ("dithered", 2): [1, 0.99, 0.93, 0.87, 0.85, 0.79, 0.74, 0.69, 0.61, 0.49, 0.34, 0.15, 0.05, 0, -0.01, 0.01, 0, 0],
    ("standard", 1): [1, 0.99, 0.9, 0.82, 0.79, 0.73, 0.68, 0.65, 0.56, 0.44, 0.31, 0.14, 0.05, 0.01, 0.08, 0.21, 0.24]
    + [0.24],
    ("dithered", 1): [1, 0.99, 0.9, 0.82, 0.79, 0.73, 0.68, 0.65, 0.56, 0.45, 0.3, 0.14, 0.05, 0, 0, 0, 0, 0],
    ("circle", 1): [
        1,
        0.99,
        0.9,
        0.81,
        0.59,
        0.32,
        0.28,
        0.22,
        0.21,
        0.19,
        0.19,
        0.19,
        0.2,
        0.2,
        0.23,
        0.27,
        0.29,
        0.3,
    ],
    ("dithered_circle", 1): [1, 0.99, 0.89, 0.76, 0.57, 0.27, 0.07, 0.01, 0.01, -0.01, -0.01, 0, 0, 0, 0, 0, 0, 0],
    ("circle", 2): [
        1,
        1,
        0.93,
        0.87,
        0.76,
        0.25,
        0.14,
        0.1,
        0.09,
        0.07,
        0.07,
        0.06,
        0.06,
        0.06,
        0.06,
        0.05,
        0.06,
        0.06,
    ],
    ("dithered_circle", 2): [1, 1, 0.93, 0.87, 0.76, 0.22, 0.04, -0.02, -0.01, 0, 0.01, 0.01, 0, 0, -0.01, 0.01, 0, 0],
}
SOFT_MASK = [1, 1, 0.99, 0.97, 0.94, 0.77, 0.75, 0.67, 0.65, 0.67, 0.63, 0.66, 0.64, 0.66, 0.68, 0.74, 0.76, 0.76]
VERDICTS = {
    "square": "Past 6.0 A, the Nyquist of your particles, the curve is corner signal down to 4.4 A and grid-locked "
    "interpolation beyond; nothing past 4.3 A was measured.",
    "circle": "Past 6.0 A, the Nyquist of your particles, nothing was measured: the flat tail of 0.19 to 0.30 is "
    "grid-locked interpolation, and the three shells down to 5.5 A are the smoothness of the support.",
}


def curves_of(pad_factor, scale=1.0):
    """Return the measured curves over shells 0..64 by component."""
    shell = np.arange(65)
    measured = {
        name: scale * np.interp(shell, SHELLS, values) for (name, pad), values in MEASURED.items() if pad == pad_factor
    }
    wiggle = 0.004 * np.sin(1.7 * shell)
    past = shell > 32
    measured["surrogate"] = np.where(past, 0.6 * (measured["standard"] - measured["dithered"]), 0.97) + wiggle
    measured["surrogate_circle"] = np.where(past, 0.9 * (measured["circle"] - measured["dithered_circle"]), 0.97)
    measured["noise"] = 0.01 * np.cos(2.3 * shell)
    return {**measured, **telescope(measured, 32.0)}


def bands_of(limit):
    """Return the band of shells 0..64."""
    band = np.full(65, "no data", dtype="<U8")
    ends = [("measured", 33), ("corner", 45), ("noise", 46), ("support", 49)]
    ends = ends if limit == "square" else [("measured", 33), ("support", 36)]
    start = 0
    for label, stop in ends:
        band[start:stop] = label
        start = stop
    return band


def _masked(curves, limit):
    """Return curves under a mask, with the terms of the user's own: the mask's leak, the grid's, and the rest."""
    leaking = {name: values for name, values in curves.items() if name not in TERMS}
    for name in ("circle", "dithered_circle"):
        leaking[name] = np.maximum(curves[name], np.interp(np.arange(65), SHELLS, SOFT_MASK))
    leaking["standard"] = np.maximum(curves["standard"], 0.9 * leaking["circle"])
    own, tied, grid_locked = OWN[limit]
    leak = 0.9 * (leaking[tied] - curves[tied])
    terms = {**split_by_band(leaking[tied] - leak, limit, 32.0), grid_locked: leaking[own] - leaking[tied]}
    return {**leaking, **terms, "mask_leak": leak, "mask_leak_randomised": 0.8 * leak}


def _stacked(sets, components):
    return np.stack([np.stack([one.get(name, np.full(65, np.nan)) for name in components]) for one in sets])


def make_decomposition(limit="circle", pad_factor=1, masked=False, classes=0, **changes):
    """Return a Dataset of kind ``cryonb/decomposition``."""
    every = [curves_of(pad_factor, 1.0 - 0.25 * index) for index in range(max(1, classes))]
    hidden = [_masked(curves, limit) for curves in every] if masked else []
    components = list({**every[0], **(hidden[0] if masked else {})})
    shape = (lambda value: value) if classes else (lambda value: value[0])
    past = np.isin(np.arange(65), np.arange(33, 46))
    predicted = np.where(past, every[0]["dithered"] + 0.03, np.nan)
    spread = 0.01 + 0.03 * (1 - np.clip(_stacked(every, components), 0, 1))
    weight = 4e4 / (1.0 + np.arange(65)) * np.isin(bands_of(limit), ("measured", "corner", "noise"))
    count = len(every)
    variables = dict(
        fsc=shape(_stacked(every, components)),
        fsc_masked=shape(_stacked(hidden, components)) if masked else None,
        fsc_spread=shape(spread),
        coverage=np.clip(1.0 - (np.arange(65) - 32) / 13.0, 0, 1),
        predicted_corner=shape(np.stack([predicted] * count)) if limit == "square" else None,
        predicted_corner_spread=shape(np.stack([np.where(past, 0.06, np.nan)] * count)) if limit == "square" else None,
        signal_end=shape(np.full(count, 192 / 44 if limit == "square" else 6.0)),
        band=shape(np.stack([bands_of(limit)] * count)),
        insertion_weight=shape(np.stack([np.stack([weight, weight])] * count)),
    )
    coords = {**schema.shell_coordinates(128, 1.5), "component": components, "half": list(schema.HALVES)}
    coords |= {"class_id": np.arange(1, classes + 1)} if classes else {}
    coords |= dict(voxel_size=1.5, pixel_size=3.0, box_size=128, binning=1.0, pad_factor=pad_factor)
    coords |= dict(particle_nyquist=1 / 6, grid_nyquist=1 / 3, n_dithers=4, n_surrogates=4, surrogate_resolution=6.0)
    coords |= dict(mask_volume=121300.0) if masked else {}
    verdict = "\n".join(f"Class {n + 1}: {VERDICTS[limit]}" for n in range(classes)) or VERDICTS[limit]
    attrs = dict(limit=limit, kernel="trilinear", resample="fourier", symmetry="C1", verdict=verdict)
    attrs["provenance"] = json.dumps({"verb": "diagnose", "settings": {"diagnostic": "decomposition"}, "inputs": []})
    return schema.build(DECOMPOSITION, variables, {**coords, **changes}, attrs)
