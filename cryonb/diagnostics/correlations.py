"""Every curve of a decomposition as it is drawn again and again: without a mask, and under one."""

from collections.abc import Callable
from typing import Any

import numpy as np

from ..imaging.bands import holds_data
from ..imaging.dither import within_sphere
from ..imaging.fourier import half_transform, real_space
from ..imaging.shells import fourier_shell_correlation, n_coefficients, shell_power
from ..imaging.uncertainty import without_spill
from ..refine.operator import Made


class Correlations:
    """Draws of named curves; a curve is the mean of its draws.

    Parameters
    ----------
    mask : ndarray, (n, n, n), float32, or None
        Mask under which every pair of maps is correlated as well.
    upload : callable, optional
        Takes an array of the host to where the maps live; the host if not given.
    """

    def __init__(self, mask: np.ndarray | None = None, upload: Callable = np.asarray) -> None:
        self.mask, self._upload = mask, upload
        self._beside: tuple[np.ndarray | None, Any] = None, None
        self._draws: dict[str, list[np.ndarray]] = {}
        self._masked: dict[str, list[np.ndarray]] = {}

    def add(self, name: str, first: Made, second: Made) -> None:
        """Correlate a pair of maps, as one more draw of a curve.

        Parameters
        ----------
        name : str
            The curve.
        first, second : Made
            Maps on one grid.
        """
        self._add(name, first.transform, second.transform)

    def add_turned(self, name: str, first: Made, second: Made, unturned: Made) -> None:
        """Correlate a map with one that was read back from a turned grid, within the sphere that both grids hold.

        Parameters
        ----------
        name : str
            The curve.
        first, second : Made
            Half A, and half B from a turned grid.
        unturned : Made
            Half B from the grid of half A, which says how much power its shells have.
        """
        self._add(name, within_sphere(first.transform), second.transform)
        size = len(first.transform)
        transforms = within_sphere(unturned.transform), second.transform
        power, power_read = (shell_power(transform) / n_coefficients(size) for transform in transforms)
        held = holds_data(np.stack([first.shell_weight, unturned.shell_weight]))
        correlation = np.nan_to_num(fourier_shell_correlation(first.transform, unturned.transform))
        noise = np.where(held, power * (1.0 - correlation), 0.0)
        draws = self._draws[name]
        draws[-1] = without_spill(draws[-1][None], power_read[None], power, held, noise, size)[0]

    @property
    def mask_beside(self) -> Any:
        """The mask where the maps live, (n, n, n), float32; it is taken there once."""
        known, beside = self._beside
        if known is not self.mask:
            beside = self._upload(self.mask)
            self._beside = self.mask, beside
        return beside

    def _add(self, name: str, first: Any, second: Any) -> None:
        self._draws.setdefault(name, []).append(fourier_shell_correlation(first, second))
        if self.mask is not None:
            size, mask = len(first), self.mask_beside
            pair = (half_transform(real_space(half, size) * mask) for half in (first, second))
            self._masked.setdefault(name, []).append(fourier_shell_correlation(*pair))

    @property
    def curves(self) -> dict[str, np.ndarray]:
        """Mean of the draws of every curve, (shells,), float64."""
        return {name: np.mean(draws, axis=0) for name, draws in self._draws.items()}

    @property
    def masked_curves(self) -> dict[str, np.ndarray]:
        """The same under the mask."""
        return {name: np.mean(draws, axis=0) for name, draws in self._masked.items()}

    def draws(self, name: str) -> np.ndarray:
        """Return the draws of a curve.

        Parameters
        ----------
        name : str
            The curve.

        Returns
        -------
        ndarray, (draws, shells), float64
            One row a draw.
        """
        return np.array(self._draws.get(name, ()))
