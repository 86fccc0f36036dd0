"""Phantoms of ideal alpha helices with random side chains: without symmetry, or with that of apoferritin.

A phantom has no handedness in doubt: its helices are right-handed, and the four bodies that they fill differ in
size and lie in no plane.
"""

import dataclasses
from collections.abc import Callable

import numpy as np
from scipy.spatial.transform import Rotation

from ..errors import must
from .atoms import Atoms
from .symmetry import symmetry_operators

RISE, TURN = 1.5, 100.0
"""Advance [angstrom] and turn [degree] of an alpha helix from one residue to the next."""

BACKBONE = {
    "N": (1.55, -26.96, -0.91),
    "CA": (2.28, 0.0, 0.0),
    "C": (1.68, 27.73, 1.04),
    "O": (1.95, 22.39, 2.23),
    "CB": (3.34, 16.39, -0.77),
}
"""Radius [angstrom], azimuth [degree] and height [angstrom] of the atoms of a residue: backbone angles of -59 and
-45 degrees, all bonds within 0.01 angstrom of their usual lengths."""

SIDE_CHAIN, BOND = 3, 1.53
"""Points of a side chain beyond CB, and the distance between neighbours [angstrom]."""

BODIES = (
    ((0.00, -0.18, 0.22), 0.68),
    ((0.55, 0.15, -0.10), 0.42),
    ((-0.30, 0.52, -0.28), 0.34),
    ((-0.25, -0.35, -0.62), 0.24),
)
"""Centres and radii of the balls that an asymmetric phantom fills, in units of its radius; the second one moves."""

MOVING = 1
HINGE = (0.30, 0.06, 0.00)
HINGE_AXIS = (0.30, -0.50, 0.81)
SHELL = (0.60, 1.0)
"""Inner and outer radius of the 24-mer, in units of its radius."""

MARGIN = 4.2
"""Distance that the axis of a helix keeps from every wall [angstrom]."""

SPACING = (8.6, 40.0)
"""Closest and widest distance between the axes of a bundle [angstrom]."""

JITTER = 1.0
SHORTEST = 6
BUNDLE_EDGE = 32.0
POINT_DENSITY = 5900.0 / 56.0**3


@dataclasses.dataclass(frozen=True)
class Helices:
    """Points of a number of helices.

    Attributes
    ----------
    positions : ndarray, (n, 3), float64
        x, y, z of backbone and side-chain points [angstrom].
    moving : ndarray, (n,), bool
        Which points belong to the part that moves between classes.
    """

    positions: np.ndarray
    moving: np.ndarray


def alpha_helix(residues: int) -> np.ndarray:
    """Return the atoms of an ideal right-handed alpha helix about the z axis, its middle at the origin.

    Parameters
    ----------
    residues : int
        Length.

    Returns
    -------
    ndarray, (5 * residues, 3), float64
        x, y, z of N, CA, C, O, CB of every residue in turn [angstrom].

    References
    ----------
    Pauling, Corey & Branson (1951), doi:10.1073/pnas.37.4.205
    """
    radius, azimuth, height = np.array(list(BACKBONE.values())).T
    step = np.arange(residues)[:, None] - (residues - 1) / 2
    angle = np.deg2rad(azimuth + TURN * step)
    x, y, z = np.broadcast_arrays(radius * np.cos(angle), radius * np.sin(angle), height + RISE * step)
    return np.stack([x, y, z], axis=-1).reshape(-1, 3)


def asymmetric_helices(radius: float, n_points: int, seed: int) -> Helices:
    """Return helices of many lengths and directions that fill four unequal balls inside a sphere.

    Parameters
    ----------
    radius : float
        Radius of the sphere [angstrom].
    n_points : int
        Wanted number of points; 0 for a density like that of a protein's helices. Fewer are placed where no more fit.
    seed : int
        Seed of the arrangement.

    Returns
    -------
    Helices
        Centred on the sphere.
    """
    centres, radii = np.array([body[0] for body in BODIES]), np.array([body[1] for body in BODIES])

    def depths(points):
        return radii * radius - np.linalg.norm(points[..., None, :] - centres * radius, axis=-1)

    helices = _fill(lambda points: depths(points).max(axis=-1), radius, n_points or POINT_DENSITY * radius**3, seed)
    moving = [np.full(len(atoms), depths(home).argmax() == MOVING) for atoms, home in helices]
    return Helices(np.concatenate([atoms for atoms, _ in helices]), np.concatenate(moving))


def octahedral_helices(radius: float, n_points: int, seed: int) -> Helices:
    """Return the helices of one subunit of a hollow octahedral 24-mer.

    Parameters
    ----------
    radius : float
        Outer radius of the whole [angstrom].
    n_points : int
        Wanted number of points of the whole; 0 for a density like that of a protein's helices.
    seed : int
        Seed of the arrangement.

    Returns
    -------
    Helices
        The subunit, off the centre of the whole; all of it moves between classes.
    """

    def depth(points):
        x, y, z = points[..., 0], points[..., 1], points[..., 2]
        distance = np.linalg.norm(points, axis=-1)
        walls = (x, y, (z - x) / 2**0.5, (z - y) / 2**0.5, distance - SHELL[0] * radius, SHELL[1] * radius - distance)
        return np.minimum.reduce(walls)

    helices = _fill(depth, radius, (n_points or POINT_DENSITY * radius**3) / 24, seed)
    positions = np.concatenate([atoms for atoms, _ in helices])
    return Helices(positions, np.ones(len(positions), bool))


def _fill(depth: Callable, radius: float, n_points: float, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Fill where `depth` is positive with bundles of helices; return the points and the bundle's home of each helix."""
    rng = np.random.default_rng(np.random.SeedSequence([seed, 0]))
    tried = radius * rng.uniform(-1.0, 1.0, (8000, 3))
    share = np.mean(depth(tried) > 0)
    homes = _far_apart(tried[depth(tried) > 0.5 * MARGIN], max(2, round(share * (2 * radius / BUNDLE_EDGE) ** 3)))
    wanted = max(SHORTEST, round(n_points / (len(BACKBONE) + SIDE_CHAIN)))
    close, wide = SPACING
    for _ in range(10):
        spacing = 0.5 * (close + wide)
        enough = sum(len(axis) for axis, _ in _bundles(depth, homes, spacing, seed)) >= wanted
        close, wide = (spacing, wide) if enough else (close, spacing)
    helices, missing = [], wanted
    for axis, home in _bundles(depth, homes, close, seed):
        axis = axis[:missing]
        missing -= len(axis)
        if len(axis) > 1:
            helices.append((_on_axis(axis, rng), home))
    must(bool(helices), "radius must leave room for helices [angstrom]", f"{radius:g}", "Use a larger one")
    return helices


def _far_apart(points: np.ndarray, count: int) -> np.ndarray:
    """Return `count` of the points, each the furthest from those before it."""
    chosen = points[:1]
    distance = np.full(len(points), np.inf)
    while 0 < len(chosen) < min(count, len(points)):
        distance = np.minimum(distance, np.linalg.norm(points - chosen[-1], axis=1))
        chosen = np.concatenate([chosen, points[[distance.argmax()]]])
    return chosen


def _bundles(depth: Callable, homes: np.ndarray, spacing: float, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return the axis points of all helices with the home of their bundle: one direction for every cell of space."""
    found = []
    for index, home in enumerate(homes):
        rng = np.random.default_rng(np.random.SeedSequence([seed, 1, index]))
        lines = _lattice(spacing, rng) @ _frame(rng) + home
        for line, free in zip(lines, _own(lines, depth, homes, index)):
            edges = np.flatnonzero(np.diff(np.concatenate([[0], free.astype(int), [0]])))
            found += [(line[a:b], home) for a, b in edges.reshape(-1, 2) if b - a >= SHORTEST]
    return found


def _lattice(spacing: float, rng: np.random.Generator) -> np.ndarray:
    """Return parallel lines of points, one a residue, on a shaken hexagonal lattice: (lines, points, 3)."""
    steps = int(BUNDLE_EDGE / spacing) + 1
    i, j = (index.ravel() for index in np.mgrid[-steps : steps + 1, -steps : steps + 1])
    flat = spacing * np.stack([i + 0.5 * j, 0.75**0.5 * j], axis=1) + rng.uniform(-0.5, 0.5, 2) * spacing
    shaken = flat + rng.uniform(-JITTER, JITTER, flat.shape)
    height = RISE * np.arange(-BUNDLE_EDGE // RISE, BUNDLE_EDGE // RISE + 1)
    line = np.broadcast_to(height + rng.uniform(0.0, RISE), (len(flat), len(height)))
    plane = np.broadcast_to(shaken[:, None], (*line.shape, 2))
    return np.concatenate([plane, line[..., None]], axis=-1)


def _own(points: np.ndarray, depth: Callable, homes: np.ndarray, index: int) -> np.ndarray:
    """Return which points are clear of the walls and of the cells of other homes."""
    free = depth(points) > MARGIN
    for other in np.delete(homes, index, axis=0):
        between = other - homes[index]
        length = np.linalg.norm(between)
        free &= length / 2 - (points - homes[index]) @ between / length > MARGIN
    return free


def _on_axis(axis: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the points of a helix whose residues lie along an axis, running up or down it."""
    direction = (axis[-1] - axis[0]) / np.linalg.norm(axis[-1] - axis[0]) * rng.choice((-1.0, 1.0))
    first = np.cross(direction, rng.normal(size=3))
    first /= np.linalg.norm(first)
    frame = np.stack([first, np.cross(direction, first), direction])
    backbone = alpha_helix(len(axis))
    return axis.mean(axis=0) + np.concatenate([backbone, _side_chains(backbone, rng)]) @ frame


def _side_chains(backbone: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return random chains of points that start at each CB and lead away from the axis of the helix."""
    end = backbone[len(BACKBONE) - 1 :: len(BACKBONE)]
    outward = end * (1.0, 1.0, 0.0) / np.linalg.norm(end[:, :2], axis=1, keepdims=True)
    points = []
    for _ in range(SIDE_CHAIN):
        step = 0.7 * outward + rng.normal(scale=0.8, size=end.shape)
        end = end + BOND * step / np.linalg.norm(step, axis=1, keepdims=True)
        points.append(end)
    return np.concatenate(points)


def _frame(rng: np.random.Generator) -> np.ndarray:
    return Rotation.random(random_state=rng).as_matrix()


def phantom_atoms(kind: str, radius: float, n_points: int, b_factor: float, seed: int, turn: float = 0.0) -> Atoms:
    """Return the points of a phantom in one of its conformations.

    Parameters
    ----------
    kind : {"helices", "octahedral"}
        Asymmetric, or a hollow 24-mer.
    radius : float
        Outer radius [angstrom].
    n_points : int
        Wanted number of points; 0 for a density like that of a protein's helices.
    b_factor : float
        Displacement of all points [angstrom^2].
    seed : int
        Seed of the arrangement.
    turn : float, optional
        By how much the moving part is turned about its hinge; of the 24-mer, every subunit about its own radius
        [degree].

    Returns
    -------
    Atoms
        Points, centred on the origin.
    """
    if kind == "octahedral":
        helices = octahedral_helices(radius, n_points, seed)
        hinge = axis = helices.positions.mean(axis=0)
    else:
        helices = asymmetric_helices(radius, n_points, seed)
        hinge, axis = radius * np.array(HINGE), np.array(HINGE_AXIS)
    turned = Rotation.from_rotvec(turn * axis / np.linalg.norm(axis), degrees=True)
    positions = helices.positions.copy()
    positions[helices.moving] = turned.apply(positions[helices.moving] - hinge) + hinge
    atoms = Atoms.points(positions, b_factor)
    return atoms.copies(symmetry_operators("O"), np.zeros(3)) if kind == "octahedral" else atoms
