"""Kernels on a card beside the floors of the same card: bytes over its bandwidth, and bare atomic additions.

Part of gpu.py, and run by it.
"""

import numpy as np
from card import Card, Ceilings

BYTES_A_POINT = 12
"""Real part, imaginary part and weight of a grid point, float32."""


def make_bare_adds(target):
    """Return the function that does nothing but the additions of an insertion, at the points that it is told.

    Item    : (image, row, column): one coefficient.
    Reads   : place[image, row, column], the first of its eight points; -1 to skip.
    Writes  : adds one to three numbers of each of the eight points.
    Races   : as an insertion.
    Cost    : 24 atomic additions and 4 bytes read: what an insertion cannot do without.
    Source  : the addresses of `make_insert_slice`.
    """
    add = target.add
    one = np.float32(1.0)

    @target.function
    def bare_adds(image, row, column, first_plane, last_plane, place, line, plane, grid):
        start = place[image, row, column]
        if start < 0:
            return
        for dz in range(2):
            for dy in range(2):
                for part in range(6):
                    add(grid, np.uintp(start + dz * plane + dy * line + part), one)

    return bare_adds


def slices_of(card: Card, box: int, count: int) -> tuple:
    """Return a grid padded twice, random rotations, the limit, and coefficients with their weights."""
    from cryonb.imaging.projector import Grid, in_plane_limit
    from cryonb.imaging.rotations import random_rotations

    rng, xp = np.random.default_rng(0), card.backend.xp
    rotations = random_rotations(count, rng)[:, None].astype(np.float32)
    inside = in_plane_limit(box, "circle", box / 2 - 1, pairs="once")
    weights = xp.asarray(np.broadcast_to(inside, (count, *inside.shape)).copy())
    values = weights * xp.asarray(rng.normal(size=inside.shape).astype(np.complex64))
    return Grid.of(box, 2.0, "trilinear", box / 2), rotations, inside, values, weights


def first_points(grid, rotations: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Return where the eight points of every coefficient begin in the flat sums; -1 for those that are left out."""
    rows = len(inside)
    ky = np.where(np.arange(rows) < (rows + 1) // 2, np.arange(rows), np.arange(rows) - rows)[:, None] * grid.scale
    kx = np.arange(inside.shape[1])[None] * grid.scale
    places = np.empty((len(rotations), *inside.shape), np.int64)
    for number, turn in enumerate(rotations[:, 0].astype(np.float64)):
        point = [kx * turn[0, axis] + ky * turn[1, axis] for axis in range(3)]
        sign = np.where(point[0] < 0, -1.0, 1.0)
        x, y, z = (np.floor(sign * part).astype(np.int64) for part in point)
        places[number] = (((z + grid.reach) * grid.side + y + grid.reach) * grid.columns + x + grid.margin) * 3
    return np.where(inside > 0, places, -1)


def insertion(card: Card, ceilings: Ceilings, box: int, count: int) -> list[str]:
    """Return a row: insertion beside bare additions at the same points and beside the bytes of those points."""
    from cryonb.imaging.reconstruct import Accumulator

    grid, rotations, inside, values, weights = slices_of(card, box, count)
    turns, accumulator = card.backend.upload(rotations), Accumulator.empty(grid, card.backend.xp)
    taken = card.seconds(lambda: accumulator.insert(values, weights, turns))
    places = first_points(grid, rotations, inside)
    there, sums = card.backend.upload(places), card.backend.xp.zeros_like(accumulator.sums)
    arguments = there, grid.columns * 3, grid.side * grid.columns * 3, sums
    bare = card.seconds(lambda: card.backend.launch_scatter(make_bare_adds, (), places.shape, grid.side, arguments))
    used = places[places >= 0]
    touched = 8 * len(np.unique(places[0][places[0] >= 0])) * BYTES_A_POINT / 2
    moved = len(used) * 12 + count * touched * 2
    floor = max(bare, moved / ceilings.copy)
    return [
        f"insertion, box {box}, pad 2",
        f"{count / taken:,.0f}",
        f"{count / bare:,.0f}",
        f"{ceilings.copy / (moved / count):,.0f}",
        f"{taken / floor:.2f}",
    ]


def projection(card: Card, ceilings: Ceilings, box: int, count: int) -> list[str]:
    """Return a row: slices read from the grid, beside the bytes that they need."""
    from cryonb.imaging.projector import fourier_volume, slices

    rng = np.random.default_rng(1)
    volume = card.backend.upload(rng.normal(size=(box,) * 3).astype(np.float32))
    prepared = fourier_volume(volume, 2.0, max_index=box / 2)
    _, rotations, inside, _, _ = slices_of(card, box, count)
    taken = card.seconds(lambda: slices(prepared, rotations[:, 0], card.backend.upload(inside)))
    used = float((inside > 0).sum())
    moved = used * 8 + inside.size * 8 + used * 8 * 8 / 2
    return [
        f"projection, box {box}, pad 2",
        f"{count / taken:,.0f}",
        "",
        f"{ceilings.copy / moved:,.0f}",
        f"{taken / count * ceilings.copy / moved:.2f}",
    ]


def rows(card: Card, ceilings: Ceilings) -> list[list[str]]:
    """Return the rows of all kernels."""
    boxes = (16,) if card.small else (64, 128, 256)
    found = []
    for box in boxes:
        count = 8 if card.small else min(4096, 2**28 // (box * box * 12))
        found += [insertion(card, ceilings, box, count), projection(card, ceilings, box, count)]
    return found


HEAD = [
    "kernel",
    "images/s",
    "bare additions, images/s",
    "bytes over bandwidth, images/s",
    "time over the larger floor",
]
