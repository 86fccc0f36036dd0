"""Launches of every kernel, as the package makes them: its own calls on tiny examples, recorded on the CPU."""

import ast
import copy
import dataclasses
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

import cryonb
from cryonb.backends import cupy_gpu, get_backend
from cryonb.backends.numba_cpu import NumbaCpu
from cryonb.imaging.dither import read_back_by_kernel
from cryonb.imaging.polar import Rings, ring_slices
from cryonb.imaging.poses import Hill
from cryonb.imaging.projector import Grid, fourier_volume, in_plane_limit, slices
from cryonb.imaging.reconstruct import Accumulator
from cryonb.imaging.rotations import random_rotations
from cryonb.imaging.sweep import Sweep, sweep_grid
from cryonb.imaging.symmetry import symmetry_operators
from cryonb.refine.observed import Rows


@dataclasses.dataclass(frozen=True)
class Launch:
    """One launch: what the kernel is, over what it ran, and its arguments before and after it."""

    maker: Callable
    constants: tuple
    shape: tuple
    planes: tuple
    before: tuple
    after: tuple

    @property
    def scatters(self) -> bool:
        """Whether items add to shared outputs."""
        return bool(self.planes)

    @property
    def taken(self) -> tuple:
        """Arguments as the GPU backend passes them: those of a scatter begin with the range of all planes."""
        return (0, *self.planes, *self.before) if self.scatters else self.before


@contextmanager
def recorded() -> Iterator[list[Launch]]:
    """Record what the CPU backend launches; one thread of a kernel walks one item, as on a GPU."""
    found, launch, scatter = [], NumbaCpu.launch, NumbaCpu.launch_scatter

    def recording(original: Callable, planes: int) -> Callable:
        def record(backend, maker, constants, shape, *rest):
            owned, arguments = rest[:planes], rest[planes]
            before = copy.deepcopy(arguments)
            original(backend, maker, constants, shape, *rest)
            found.append(Launch(maker, constants, tuple(shape), owned, before, copy.deepcopy(arguments)))

        return record

    with mock.patch.multiple(NumbaCpu, launch=recording(launch, 0), launch_scatter=recording(scatter, 1), lanes=1):
        yield found


def complex_noise(shape: tuple, seed: int) -> np.ndarray:
    """Return complex Gaussian noise."""
    rng = np.random.default_rng(seed)
    return (rng.normal(size=shape) + 1j * rng.normal(size=shape)).astype(np.complex64)


def prepared(size: int, kernel: str = "trilinear", seed: int = 0) -> Any:
    """Return the prepared transform of a volume of noise."""
    volume = np.random.default_rng(seed).normal(size=(size,) * 3).astype(np.float32)
    return fourier_volume(volume, kernel=kernel)


def inserted(size: int, kernel: str, group: str) -> None:
    """Insert three images of a symmetric particle, some of whose weights are zero."""
    shape = 3, size, size // 2 + 1
    rng = np.random.default_rng(1)
    weights = np.maximum(rng.normal(0.5, 1.0, shape), 0.0).astype(np.float32)
    turns = random_rotations(3, rng)[:, None] @ symmetry_operators(group)[None]
    accumulator = Accumulator.empty(Grid.of(size, 2.0, kernel, size / 2))
    accumulator.insert(complex_noise(shape, 2) * weights, weights, np.ascontiguousarray(turns, np.float32))


def extracted(size: int, kernel: str, limit: str) -> None:
    """Read slices of a volume."""
    turns = random_rotations(2, np.random.default_rng(3))
    slices(prepared(size, kernel), turns, in_plane_limit(size, limit))


def sampled_on_rings(size: int, kernel: str) -> None:
    """Read slices of a volume on rings."""
    rings = Rings.of(1, size // 2 - 1, 12)
    ring_slices(prepared(size, kernel), random_rotations(2, np.random.default_rng(4)), rings)


def turned_back(size: int) -> None:
    """Read the transform of a volume at turned points."""
    volume = np.random.default_rng(8).normal(size=(size,) * 3).astype(np.float32)
    read_back_by_kernel(volume, random_rotations(1, np.random.default_rng(9))[0])


def swept(size: int, classes: int) -> None:
    """Compare two images with few views of some classes."""
    rings, views, shifts = sweep_grid(2, 0.2)
    few = dataclasses.replace(views, matrices=views.matrices[:, :5])
    with mock.patch.object(NumbaCpu, "launch", new=unrecorded):
        sweep = Sweep.of([prepared(size, seed=seed) for seed in range(classes)], rings, few, shifts)
    shape = 2, len(rings.radius), rings.n_angles // 2
    sweep(complex_noise(shape, 5), np.ones(shape[:2], np.float32), 4, lambda: None)


def climbed(size: int, classes: int, free_scale: bool, sigma: float) -> None:
    """Refine three poses of each of two images, of which one is left alone."""
    rng, count, limit = np.random.default_rng(6), (2, 3), size / 4
    rows = Rows.within(limit)
    hill = Hill.of([prepared(size, seed=seed) for seed in range(classes)], free_scale, 0.1, sigma)
    transfer = rng.uniform(0.3, 1.0, (2, len(rows.kx))).astype(np.float32)
    poses = np.concatenate([random_rotations(6, rng).reshape(*count, 9), rng.normal(0, 0.02, (*count, 2))], axis=2)
    steps = np.full(count, 4)
    steps[1, 2] = 0
    groups = np.arange(6).reshape(count) % classes
    data = complex_noise(transfer.shape, 7)
    hill.climb((data, transfer), rows.start, limit, steps, groups, poses.astype(np.float32))


def doubled() -> None:
    """Double some numbers: what a GPU is asked before it is said to work."""
    get_backend("numba").launch(cupy_gpu._make_twice, (), (1, 2, 3), (np.ones((2, 3), np.float32),))


unrecorded = NumbaCpu.launch

EXAMPLES = {
    "insert_trilinear": (inserted, 8, "trilinear", "C1"),
    "insert_trilinear_odd_symmetric": (inserted, 9, "trilinear", "D2"),
    "insert_kaiser_bessel_symmetric": (inserted, 8, "kaiser_bessel", "C3"),
    "insert_nearest_odd": (inserted, 9, "nearest", "C1"),
    "extract_trilinear": (extracted, 8, "trilinear", "circle"),
    "extract_trilinear_odd_corners": (extracted, 9, "trilinear", "square"),
    "extract_kaiser_bessel": (extracted, 10, "kaiser_bessel", "circle"),
    "extract_nearest_odd": (extracted, 9, "nearest", "square"),
    "rings_trilinear": (sampled_on_rings, 8, "trilinear"),
    "rings_kaiser_bessel_odd": (sampled_on_rings, 9, "kaiser_bessel"),
    "read_turned": (turned_back, 4),
    "read_turned_odd": (turned_back, 5),
    "best_turn": (swept, 8, 1),
    "best_turn_classes_odd": (swept, 9, 2),
    "climb": (climbed, 12, 1, False, 0.0),
    "climb_classes_free_scale_odd": (climbed, 13, 3, True, 0.05),
    "twice": (doubled,),
}


def launches_of(name: str) -> list[Launch]:
    """Return what an example launches."""
    example, *arguments = EXAMPLES[name]
    with recorded() as found:
        example(*arguments)
    return found


def makers_launched() -> set[str]:
    """Return the makers that the package's source passes to a launch."""
    found = set()
    for path in Path(cryonb.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", "") in ("launch", "launch_scatter"):
                found.add(ast.unparse(node.args[0]))
    return found
