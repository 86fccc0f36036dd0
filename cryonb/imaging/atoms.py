"""Atoms and the density that they scatter: structure factors by a non-uniform FFT, exact up to the box's Nyquist."""

import dataclasses
from pathlib import Path
from typing import Self

import finufft
import gemmi
import numpy as np

from ..errors import FormatError, must
from .fourier import half_radius, real_space

POINT = ""
SCATTERING = ("electron", "charge")
RADIAL_SAMPLES = 2049
B_LEVELS = 48
RANK_TOLERANCE = 1e-6


@dataclasses.dataclass(frozen=True)
class Atoms:
    """Scatterers in space.

    Attributes
    ----------
    positions : ndarray, (n, 3), float64
        x, y, z [angstrom].
    weights : ndarray, (n,), float64
        Occupancy, or the weight of a point [1].
    b_factors : ndarray, (n,), float64
        Isotropic displacement: scattering falls as exp(-B s^2 / 4) [angstrom^2].
    elements : ndarray, (n,), str
        Chemical symbols; empty for a point, which scatters 1 at all frequencies.
    """

    positions: np.ndarray
    weights: np.ndarray
    b_factors: np.ndarray
    elements: np.ndarray

    @classmethod
    def points(cls, positions: np.ndarray, b_factor: float) -> Self:
        """Return points of unit weight.

        Parameters
        ----------
        positions : ndarray, (n, 3), float64
            x, y, z [angstrom].
        b_factor : float
            Isotropic displacement of all [angstrom^2].

        Returns
        -------
        Atoms
            The points.
        """
        ones = np.ones(len(positions))
        return cls(np.asarray(positions, np.float64), ones, b_factor * ones, np.full(len(positions), POINT))

    def copies(self, operators: np.ndarray, about: np.ndarray) -> Self:
        """Return the atoms and their symmetry mates.

        Parameters
        ----------
        operators : ndarray, (m, 3, 3), float64
            Rotations, the identity among them.
        about : array_like, (3,), float
            The point that they leave in place [angstrom].

        Returns
        -------
        Atoms
            m times as many atoms.
        """
        turned = np.einsum("mij,nj->mni", operators, self.positions - about).reshape(-1, 3) + about
        rest = (np.tile(values, len(operators)) for values in (self.weights, self.b_factors, self.elements))
        return type(self)(turned, *rest)


def read_atoms(path: str | Path) -> Atoms:
    """Return the atoms of a model file.

    Parameters
    ----------
    path : str or path
        A PDB or mmCIF file, plain or gzipped; all atoms of its first model are taken.

    Returns
    -------
    Atoms
        With their occupancies and B factors.

    Raises
    ------
    FormatError
        If the file is missing, is no model, or holds no atoms.
    """
    must(Path(path).is_file(), "a model must be a PDB or mmCIF file", str(path), "Check the path", FormatError)
    try:
        structure = gemmi.read_structure(str(path))
    except (RuntimeError, ValueError) as error:
        text = f"a model must be a readable PDB or mmCIF file; got {Path(path).name} ({error}). Check the file."
        raise FormatError(text) from None
    found = [atom for chain in (structure[0] if len(structure) else ()) for residue in chain for atom in residue]
    must(bool(found), "a model must hold atoms", f"none in {Path(path).name}", "Give another file", FormatError)
    return Atoms(
        np.array([atom.pos.tolist() for atom in found]),
        np.array([atom.occ for atom in found]),
        np.maximum([atom.b_iso for atom in found], 0.0),
        np.array([atom.element.name for atom in found]),
    )


def density(
    atoms: Atoms, box_size: int, voxel_size: float, centre: np.ndarray = (0.0, 0.0, 0.0), scattering: str = "electron"
) -> np.ndarray:
    """Return the density of atoms in a box, band-limited to the box's own frequencies.

    Parameters
    ----------
    atoms : Atoms
        Scatterers; those outside the box re-enter on the other side.
    box_size : int
        Voxels along an edge.
    voxel_size : float
        Voxel size [angstrom].
    centre : array_like, (3,), float, optional
        The point (x, y, z) that falls on voxel n // 2 [angstrom].
    scattering : {"electron", "charge"}, optional
        Electron form factors of neutral atoms, or the number of electrons at all frequencies.

    Returns
    -------
    ndarray, (box_size, box_size, box_size), float32
        Scattering per cubic angstrom. Its transform is F(k) = sum_j w_j f_j(s) exp(-B_j s^2 / 4) exp(-2 pi i s.r_j)
        at all s = k / (n a) below the Nyquist index along every axis, and zero at that index.

    Raises
    ------
    InputError
        If an element is unknown.

    Notes
    -----
    f_j(s) exp(-B_j s^2 / 4) is expanded in as few products of a factor per atom and a function of abs(s) as keep it
    to 1e-6 (a singular value decomposition), and every product costs one type-1 transform. Several threads would add
    the atoms up in an order of their own every time; one makes the same bits always.

    References
    ----------
    Peng, Ren, Dudarev & Whelan (1996), doi:10.1107/S0108767395014371 (form factors);
    Barnett, Magland & af Klinteberg (2019), doi:10.1137/18M120885X
    """
    must(scattering in SCATTERING, "scattering must be electron or charge", repr(scattering), "Choose one")
    radius = half_radius(box_size).astype(np.float64)
    half_frequency = 0.5 * radius / (box_size * voxel_size)
    samples = np.linspace(0.0, half_frequency.max(), RADIAL_SAMPLES)
    factors, functions = _separate(atoms, samples**2, scattering)
    angles = (atoms.positions - np.asarray(centre)) * (2.0 * np.pi / (box_size * voxel_size))
    plan = finufft.Plan(1, (box_size,) * 3, 1, 1e-6, -1, dtype="complex128", upsampfac=1.25, showwarn=0, nthreads=1)
    plan.setpts(*(np.ascontiguousarray(angles[:, axis]) for axis in (2, 1, 0)))
    transform = np.zeros(radius.shape, np.complex128)
    for factor, function in zip(factors.T, functions):
        modes = np.fft.ifftshift(plan.execute(np.ascontiguousarray(factor, np.complex128)))
        transform += modes[..., : box_size // 2 + 1] * np.interp(half_frequency, samples, function)
    if box_size % 2 == 0:
        transform[box_size // 2], transform[:, box_size // 2], transform[..., -1] = 0.0, 0.0, 0.0
    return (real_space(transform, box_size) / voxel_size**3).astype(np.float32)


def _separate(atoms: Atoms, squares: np.ndarray, scattering: str) -> tuple[np.ndarray, np.ndarray]:
    """Return factors (atom, rank) and functions (rank, sample) whose product is every atom's scattering at s^2 / 4."""
    names, kind = np.unique(atoms.elements, return_inverse=True)
    curves = np.array([_form_factor(str(name), squares, scattering) for name in names])
    low, high = atoms.b_factors.min(), atoms.b_factors.max()
    levels = np.linspace(low, high, B_LEVELS if high > low else 1)
    table = curves[:, None] * np.exp(-levels[:, None] * squares)
    _, strength, functions = np.linalg.svd(table.reshape(-1, len(squares)), full_matrices=False)
    functions = functions[strength > RANK_TOLERANCE * strength[0]]
    projected = np.empty((len(atoms.weights), len(functions)))
    for start in range(0, len(projected), 4096):
        part = slice(start, start + 4096)
        scattered = curves[kind[part]] * np.exp(-atoms.b_factors[part, None] * squares)
        projected[part] = atoms.weights[part, None] * (scattered @ functions.T)
    return projected, functions


def _form_factor(name: str, squares: np.ndarray, scattering: str) -> np.ndarray:
    if name == POINT:
        return np.ones(len(squares))
    element = gemmi.Element(name)
    must(element.atomic_number > 0, "every atom must be of a known element", repr(name), "Correct the model")
    if scattering == "charge":
        return np.full(len(squares), float(element.atomic_number))
    return np.array([element.c4322.calculate_sf(value) for value in squares])
