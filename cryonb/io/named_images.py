"""What a table that is written calls its images: where they are already, or a stack that is written with it."""

import dataclasses
import os
from pathlib import Path
from typing import Self

import xarray as xr

from ..errors import must
from .stacks import image_names


@dataclasses.dataclass(frozen=True)
class NamedImages:
    """The images of a table that is being written.

    Attributes
    ----------
    places : list of tuple of int and pathlib.Path
        Number in the stack, from 1, and the stack, one a particle.
    own : pathlib.Path or None
        The stack that has to be written for it; None where every image is in a file already.
    """

    places: list[tuple[int, Path]]
    own: Path | None

    @classmethod
    def of(cls, particles: xr.Dataset, target: Path, stack: str | os.PathLike | None = None) -> Self:
        """Return what a table calls the images of its particles.

        Parameters
        ----------
        particles : xarray.Dataset
            Kind ``cryonb/particles``.
        target : pathlib.Path
            The table.
        stack : str or path, optional
            Where to write the images too. Without it, images that still are views of files are named where they are,
            and others are written beside the table, under its name with .mrcs.

        Returns
        -------
        NamedImages
            Names, and the stack to write.

        Raises
        ------
        InputError
            If there are no images to name.
        """
        must("image" in particles, "particles to write must have images", "none", "Open them with images=True")
        found = image_names(particles["image"]) if stack is None else None
        if found is not None:
            return cls(found, None)
        own = target.with_suffix(".mrcs") if stack is None else Path(stack).expanduser()
        return cls([(number + 1, own) for number in range(particles.sizes["particle"])], own)

    def shown(self, target: Path) -> dict[Path, Path]:
        """Return how a table names its stacks: relative to its folder where they lie in it, else in full.

        Parameters
        ----------
        target : pathlib.Path
            The table.

        Returns
        -------
        dict of pathlib.Path to pathlib.Path
            Stacks, and the paths that stand in the table.
        """
        folder = target.resolve().parent
        full = {path: path.resolve() for path in dict.fromkeys(path for _, path in self.places)}
        return {
            path: whole.relative_to(folder) if whole.is_relative_to(folder) else whole for path, whole in full.items()
        }
