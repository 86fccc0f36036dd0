"""Surfaces of maps side by side, as a widget: synced traits say what is shown; `surface.js` and `scene.js` draw it."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import anywidget
import numpy as np
import xarray as xr
from traitlets import Bytes, Dict, List, Unicode

from ..maps import binned
from .levels import Levels, levels_of

HERE = Path(__file__).parent
SCRIPTS = ("surface.js", "scene.js")
"""Parts of one script: a surface, and the frame in which several turn together."""

SLOTS = 4
LARGEST = 128
"""Voxels along an edge of a map that is sent: 4.2 MB."""

STEPS = 32767
BEYOND = 4.0
"""Densities are kept apart up to this many times the highest level; those beyond are drawn no differently."""


@dataclasses.dataclass(frozen=True, eq=False)
class Surface:
    """A map as the page needs it.

    Attributes
    ----------
    label, colour, note : str
        Name, colour as ``"#0072B2"``, and what has to be said of it.
    integers : ndarray, (nz, ny, nx), int16
        The density is offset + scale * integer.
    voxel_size : float
        Voxel size [angstrom].
    offset, scale : float
        Of the densities.
    levels : Levels or None
        Where a surface can be drawn; None where there is none.
    radius : float
        Of the sphere around the centre that holds the first surface [angstrom].
    """

    label: str
    colour: str
    note: str
    integers: np.ndarray
    voxel_size: float
    offset: float = 0.0
    scale: float = 1.0
    levels: Levels | None = None
    radius: float = 0.0

    @classmethod
    def of(cls, volume: xr.Dataset, label: str, colour: str, rounded: bool = False) -> "Surface":
        """Return what the page needs of a map; a large one is binned first, and the note says so.

        Parameters
        ----------
        volume : xarray.Dataset
            Kind ``cryonb/volume`` with `density`.
        label, colour : str
            Name and colour.
        rounded : bool, optional
            Whether the corners of the box are left out: in a reconstruction they hold amplified noise.

        Returns
        -------
        Surface
            At most 128 voxels along an edge.
        """
        small = binned(volume, LARGEST)
        density, voxel_size = small["density"].values, float(small["voxel_size"])
        notes = []
        if small is not volume:
            whole, voxel = max(volume["density"].shape), float(volume["voxel_size"])
            shown = f"{max(density.shape)} voxels of {voxel_size:.3g} Å"
            notes.append(f"Shown binned to {shown}; the map has {whole} of {voxel:.3g} Å.")
        missing = ~np.isfinite(density)
        if missing.any():
            notes.append(f"{int(missing.sum())} voxels hold no number and are drawn as 0.")
            density = np.where(missing, np.float32(0), density)
        if rounded:
            density = _within_sphere(density)
            notes.append("Only the sphere inside the box is drawn.")
        levels = levels_of(density)
        if levels is None:
            notes.append("This map is the same nearly everywhere, so that it has no surface.")
            return cls(label, colour, " ".join(notes), np.zeros((0, 0, 0), np.int16), voxel_size)
        offset, scale, integers = _whole_numbers(density, levels)
        radius = _radius(density >= levels.first) * voxel_size
        return cls(label, colour, " ".join(notes), integers, voxel_size, offset, scale, levels, radius)

    @property
    def described(self) -> dict[str, Any]:
        """What the page is told beside the map itself."""
        shape, voxel_size = self.integers.shape, self.voxel_size
        words = {"label": self.label, "colour": self.colour, "note": self.note, "problem": ""}
        if self.levels is None:
            return {**words, "problem": self.note, "size": ""}
        edges = f"{shape[0]}" if len(set(shape)) == 1 else " × ".join(map(str, reversed(shape)))
        return {
            **words,
            **dataclasses.asdict(self.levels),
            "size": f"{edges} voxels of {voxel_size:.3g} Å",
            "shape": list(shape),
            "voxel_size": voxel_size,
            "offset": self.offset,
            "scale": self.scale,
            "radius": self.radius,
            "reach": 0.5 * voxel_size * float(np.linalg.norm(shape)),
        }


def _whole_numbers(density: np.ndarray, levels: Levels) -> tuple[float, float, np.ndarray]:
    """Return offset, scale and the integers; what lies far past the levels is clipped."""
    offset = levels.median
    around = density - np.float32(offset)
    reach = min(float(np.abs(around).max()), BEYOND * (levels.highest - offset))
    scale = reach / STEPS
    integers = np.clip(np.rint(around / np.float32(scale)), -STEPS, STEPS).astype("<i2")
    return offset, scale, integers


def _within_sphere(density: np.ndarray) -> np.ndarray:
    """Return a map whose corners hold what is usual at the surface of the sphere that fits the box."""
    radius = 0.5 * min(density.shape) - 0.5
    axes = np.ix_(*[(np.arange(length) - length // 2) ** 2 for length in density.shape])
    outside = sum(axes) > radius**2
    return np.where(outside, np.median(density[~outside]), density).astype(np.float32)


def _radius(inside: np.ndarray) -> float:
    """Return the distance from the centre that hardly a voxel lies beyond [voxel]; specks of noise do not count."""
    places = np.argwhere(inside) - [length // 2 for length in inside.shape]
    return 1.06 * float(np.quantile(np.linalg.norm(places, axis=1), 0.99)) + 1.0


class Scene(anywidget.AnyWidget):
    """Up to four surfaces that turn together.

    Parameters
    ----------
    **settings
        Traits to begin with.

    Attributes
    ----------
    views : list of dict
        What is said of every map, in the order in which they stand.
    map_0, map_1, map_2, map_3 : bytes
        The maps, int16, little-endian; one that is not shown is empty.
    levels : dict
        Label -> density at which the surface is drawn; absent = automatic.
    camera : list of float
        Elements of the orientation by columns; empty = from the front, all in view.
    theme : {"light", "dark"}
        Of the page.
    words : str
        Why there is nothing to see, or what went wrong.
    """

    # As text: a path is watched by anywidget, and its watcher keeps every widget that was ever made.
    _esm = "\n".join((HERE / name).read_text(encoding="utf-8") for name in SCRIPTS)
    _css = (HERE / "scene.css").read_text(encoding="utf-8")

    views = List(Dict()).tag(sync=True)
    map_0 = Bytes(b"").tag(sync=True)
    map_1 = Bytes(b"").tag(sync=True)
    map_2 = Bytes(b"").tag(sync=True)
    map_3 = Bytes(b"").tag(sync=True)
    levels = Dict().tag(sync=True)
    camera = List().tag(sync=True)
    theme = Unicode("light").tag(sync=True)
    words = Unicode("").tag(sync=True)

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self._held: dict[int, Surface] = {}
        self._editions = 0

    def show(self, surfaces: Sequence[Surface]) -> None:
        """Show maps side by side; only those that are not shown yet are sent.

        Parameters
        ----------
        surfaces : sequence of Surface
            At most four; the same `integers` stand for a map that has not changed.
        """
        wanted = list(surfaces)[:SLOTS]
        held = {id(surface.integers): slot for slot, surface in self._held.items()}
        taken = {held[id(surface.integers)] for surface in wanted if id(surface.integers) in held}
        free = iter([slot for slot in range(SLOTS) if slot not in taken])
        editions = {facts["slot"]: facts["edition"] for facts in self.views}
        views, now, changes = [], {}, {}
        for surface in wanted:
            is_there = id(surface.integers) in held
            slot = held[id(surface.integers)] if is_there else next(free)
            edition = editions[slot] if is_there else self._next()
            views.append({**surface.described, "slot": slot, "edition": edition})
            now[slot] = surface
            if not is_there:
                changes[f"map_{slot}"] = surface.integers.tobytes()
        changes |= {f"map_{slot}": b"" for slot in self._held if slot not in now}
        self._held = now
        with self.hold_sync():
            for name, value in {**changes, "views": views}.items():
                setattr(self, name, value)

    def _next(self) -> int:
        self._editions += 1
        return self._editions

    def close(self) -> None:
        """Let go of the maps, here and in the page."""
        self.show(())
        super().close()
