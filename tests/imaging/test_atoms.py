"""Densities of atoms against direct sums of structure factors."""

import gemmi
import numpy as np
import pytest
import tolerances

from cryonb.errors import FormatError, InputError
from cryonb.imaging.atoms import Atoms, density, read_atoms
from cryonb.imaging.fourier import half_indices, half_transform
from cryonb.imaging.symmetry import symmetry_operators


def a_few_atoms(rng):
    elements = np.array(["C", "N", "Fe", "", "O", "C"])
    return Atoms(rng.normal(scale=5.0, size=(6, 3)), rng.uniform(0.3, 1.0, 6), rng.uniform(5.0, 300.0, 6), elements)


def direct_factors(atoms, box, voxel, centre, factor):
    """The structure factors, atom by atom."""
    kz, ky, kx = (index / (box * voxel) for index in half_indices(box))
    quarter = (kz**2 + ky**2 + kx**2) / 4
    total = np.zeros(quarter.shape, complex)
    for position, weight, b_factor, element in zip(
        atoms.positions - centre, atoms.weights, atoms.b_factors, atoms.elements
    ):
        phase = np.exp(-2j * np.pi * (kx * position[0] + ky * position[1] + kz * position[2]))
        total += weight * factor(element, quarter) * np.exp(-b_factor * quarter) * phase
    below = (2 * abs(kz * box * voxel) < box) & (2 * abs(ky * box * voxel) < box) & (2 * kx * box * voxel < box)
    return total * below / voxel**3


def electron(element, quarter):
    if not element:
        return np.ones(quarter.shape)
    return np.vectorize(gemmi.Element(element).c4322.calculate_sf)(quarter)


def charge(element, quarter):
    return np.full(quarter.shape, gemmi.Element(element).atomic_number if element else 1.0)


@pytest.mark.parametrize("box", [15, 16])
@pytest.mark.parametrize(("scattering", "factor"), [("electron", electron), ("charge", charge)])
def test_density_is_the_sum_of_structure_factors(box, scattering, factor):
    atoms, centre = a_few_atoms(np.random.default_rng(0)), np.array([1.0, -2.0, 0.5])
    found = density(atoms, box, 1.4, centre, scattering)
    expected = direct_factors(atoms, box, 1.4, centre, factor)
    assert found.dtype == np.float32
    assert np.abs(half_transform(found) - expected).max() < tolerances.ATOMS * np.abs(expected).max()


def test_a_point_is_where_it_was_put():
    found = density(Atoms.points(np.array([[4.0, -2.0, 6.0]]), 30.0), 16, 2.0)
    assert np.unravel_index(found.argmax(), found.shape) == (8 + 3, 8 - 1, 8 + 2)
    assert found.sum() * 2.0**3 == pytest.approx(1.0, rel=1e-5)


def test_the_same_atoms_give_the_same_bits():
    atoms = Atoms.points(np.random.default_rng(0).uniform(-30.0, 30.0, (1000, 3)), 30.0)
    assert len({density(atoms, 96, 2.0).tobytes() for _ in range(8)}) == 1


def test_copies_turn_about_the_point():
    about = np.array([1.0, 2.0, 3.0])
    atoms = a_few_atoms(np.random.default_rng(1)).copies(symmetry_operators("C4"), about)
    assert len(atoms.positions) == len(atoms.weights) == len(atoms.b_factors) == len(atoms.elements) == 24
    turned = (atoms.positions - about) @ symmetry_operators("C4")[1].T + about
    distance = np.linalg.norm(turned[:, None] - atoms.positions, axis=-1)
    assert distance.min(axis=1).max() < 1e-9
    assert np.all(atoms.elements[distance.argmin(axis=1)] == atoms.elements)


def test_a_model_file_is_read_whole(data):
    atoms = read_atoms(data / "maps" / "5ni1_updated.cif")
    assert len(atoms.positions) == 4579
    assert np.sum(atoms.elements == "Fe") == 4
    assert atoms.b_factors.max() == pytest.approx(316.75)


@pytest.mark.parametrize(
    ("name", "content"),
    [("missing.pdb", None), ("words.cif", "hello\n"), ("words.pdb", "hello\n"), ("empty.pdb", ""), ("other.txt", "x")],
)
def test_what_is_no_model_is_refused(tmp_path, name, content):
    if content is not None:
        (tmp_path / name).write_text(content)
    with pytest.raises(FormatError, match="a model must"):
        read_atoms(tmp_path / name)


def test_an_unknown_element_is_refused():
    atoms = Atoms(np.zeros((1, 3)), np.ones(1), np.ones(1), np.array(["X"]))
    with pytest.raises(InputError, match="every atom must be of a known element"):
        density(atoms, 8, 2.0)
