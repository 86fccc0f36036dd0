"""The door to the recipes: how each package decides, one file each."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from ...config import RunConfig
from ...contracts import Recipe, discover
from ...errors import must, nearest

DEFAULTS = {"n_iterations": 10, "initial_lowpass": 30.0, "limit_threshold": 0.143}
"""What settings of zero stand for where a recipe does not say: iterations, angstrom, correlation."""


def _recipes() -> dict[str, Recipe]:
    return discover(__name__, "RECIPE")


def names() -> tuple[str, ...]:
    """Return the names of all recipes.

    Returns
    -------
    tuple of str
        Words for `RefineConfig.recipe`.
    """
    return tuple(_recipes())


def get_recipe(name: str | Recipe) -> Recipe:
    """Return a recipe.

    Parameters
    ----------
    name : str or Recipe
        Its name; a recipe itself is returned as it is.

    Returns
    -------
    Recipe
        The recipe.

    Raises
    ------
    InputError
        If no recipe has that name.
    """
    if not isinstance(name, str):
        return name
    must(name in _recipes(), "recipe must have a known name", repr(name), nearest(name, _recipes()))
    return _recipes()[name]


def decided(recipe: Recipe, config: RunConfig) -> tuple[RunConfig, Any]:
    """Return settings with what was left to a recipe decided, and the recipe's own settings.

    Parameters
    ----------
    recipe : Recipe
        The recipe. Its optional attribute `defaults` maps names of `RefineConfig` to what their zero stands for;
        what it does not name is taken from `DEFAULTS`. Its optional method `settle` has the last word.
    config : RunConfig
        Settings.

    Returns
    -------
    config : RunConfig
        Settings whose iterations, first low-pass and threshold are numbers.
    params : Config
        The recipe's own settings.

    Raises
    ------
    InputError
        If a setting of the recipe is unknown or cannot work.
    """
    own: Mapping[str, Any] = {**DEFAULTS, **getattr(recipe, "defaults", {})}
    chosen = {name: value for name, value in own.items() if not getattr(config.refine, name)}
    filled = dataclasses.replace(config, refine=config.refine.replace(**chosen))
    params = recipe.params.parse(config.refine.params)
    settle = getattr(recipe, "settle", None)
    return (settle(filled, params) if settle else filled), params
