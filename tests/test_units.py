"""Conversions that every room relies on."""

import math

import pytest

from cryonb import units


@pytest.mark.parametrize(("voltage", "expected"), [(100.0, 0.037014), (200.0, 0.025079), (300.0, 0.019687)])
def test_wavelength_agrees_with_tabulated_values(voltage, expected):
    assert units.wavelength(voltage) == pytest.approx(expected, abs=1e-6)


def test_wavelength_from_the_constants_of_nature():
    planck, mass, charge, light = 6.62607015e-34, 9.1093837015e-31, 1.602176634e-19, 299792458.0
    energy = charge * 250e3
    momentum = math.sqrt(2 * mass * energy + (energy / light) ** 2)
    assert units.wavelength(250.0) == pytest.approx(1e10 * planck / momentum, rel=1e-6)


@pytest.mark.parametrize("frequency", [0.0, 0.01, 0.25, 1.0])
def test_resolution_and_frequency_are_inverse(frequency):
    assert units.resolution_to_frequency(units.frequency_to_resolution(frequency)) == pytest.approx(frequency)


def test_zero_frequency_is_infinite_resolution():
    assert units.frequency_to_resolution(0.0) == math.inf


@pytest.mark.parametrize("size", range(2, 300))
def test_fft_friendly_even_is_the_smallest_one(size):
    found = units.fft_friendly_even(size)
    smooth = [n for n in range(size, found + 1) if n % 2 == 0 and largest_prime_factor(n) <= 5]
    assert smooth == [found]


def largest_prime_factor(number: int) -> int:
    factors = [n for n in range(2, number + 1) if number % n == 0 and all(n % m for m in range(2, n))]
    return max(factors)
