"""Physical units and the few conversions that every room needs.

Lengths are in angstrom, spatial frequencies in 1/angstrom, angles in degree, voltages in kilovolt.
"""

import math


def wavelength(voltage: float) -> float:
    """Return the relativistic wavelength of an electron.

    Parameters
    ----------
    voltage : float
        Acceleration voltage [kilovolt].

    Returns
    -------
    float
        Wavelength [angstrom].

    Notes
    -----
    lambda = h / sqrt(2 m e V (1 + e V / (2 m c^2))), with V in volt.

    References
    ----------
    Reimer & Kohl, Transmission Electron Microscopy, 5th ed., eq. 2.12, doi:10.1007/978-0-387-40093-8

    Examples
    --------
    >>> round(wavelength(300.0), 6)
    0.019687
    """
    volt = 1000.0 * voltage
    return 12.2642598 / math.sqrt(volt * (1.0 + 0.978475598e-6 * volt))


def frequency_to_resolution(frequency: float) -> float:
    """Return the resolution of a spatial frequency; zero frequency gives infinity.

    Parameters
    ----------
    frequency : float
        Spatial frequency [1/angstrom].

    Returns
    -------
    float
        Resolution [angstrom].

    Examples
    --------
    >>> frequency_to_resolution(0.25)
    4.0
    """
    return math.inf if frequency == 0 else 1.0 / frequency


def resolution_to_frequency(resolution: float) -> float:
    """Return the spatial frequency of a resolution; infinite resolution gives zero.

    Parameters
    ----------
    resolution : float
        Resolution [angstrom].

    Returns
    -------
    float
        Spatial frequency [1/angstrom].

    Examples
    --------
    >>> resolution_to_frequency(4.0)
    0.25
    """
    return 1.0 / resolution


def angstrom(resolution: float, unit: str = "A") -> str:
    """Return a resolution with its unit.

    Parameters
    ----------
    resolution : float
        Resolution [angstrom].
    unit : str, optional
        How the unit is written.

    Returns
    -------
    str
        Two decimals below 10 angstrom, one above.

    Examples
    --------
    >>> angstrom(4.2), angstrom(23.04, "Å")
    ('4.20 A', '23.0 Å')
    """
    return f"{resolution:.2f} {unit}" if resolution < 10 else f"{resolution:.1f} {unit}"


def fft_friendly_even(size: int) -> int:
    """Return the smallest even size >= `size` whose only prime factors are 2, 3 and 5.

    Parameters
    ----------
    size : int
        Wanted number of samples.

    Returns
    -------
    int
        Number of samples that a fast Fourier transform likes.

    Examples
    --------
    >>> fft_friendly_even(127), fft_friendly_even(101)
    (128, 108)
    """
    candidate = size + size % 2
    while not _is_smooth(candidate):
        candidate += 2
    return candidate


def _is_smooth(size: int) -> bool:
    for prime in (2, 3, 5):
        while size % prime == 0:
            size //= prime
    return size == 1
