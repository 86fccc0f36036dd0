"""Every curve of a decomposition as it is drawn again and again: without a mask, and under one."""

import numpy as np

from ..imaging.dither import within_sphere
from ..imaging.fourier import half_transform, real_space
from ..imaging.shells import fourier_shell_correlation
from ..refine.operator import Made


class Correlations:
    """Draws of named curves; a curve is the mean of its draws.

    Parameters
    ----------
    mask : ndarray, (n, n, n), float32, or None
        Mask under which every pair of maps is correlated as well.
    """

    def __init__(self, mask: np.ndarray | None = None) -> None:
        self.mask = mask
        self._draws: dict[str, list[np.ndarray]] = {}
        self._masked: dict[str, list[np.ndarray]] = {}

    def add(self, name: str, first: Made, second: Made, sphere: bool = False) -> None:
        """Correlate a pair of maps, as one more draw of a curve.

        Parameters
        ----------
        name : str
            The curve.
        first, second : Made
            Maps, as half transforms on one grid.
        sphere : bool, optional
            Whether to keep to the sphere that grids turned against each other have in common.
        """
        first, second = first.transform, second.transform
        if sphere:
            first, second = within_sphere(first), within_sphere(second)
        self._draws.setdefault(name, []).append(fourier_shell_correlation(first, second))
        if self.mask is not None:
            size = first.shape[0]
            pair = (half_transform(real_space(half, size) * self.mask) for half in (first, second))
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
