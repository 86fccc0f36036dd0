"""Every recipe: how a package decides, what a zero stands for, and its own settings, from what is plugged in."""

from typing import Any

from cryonb.config import RunConfig
from cryonb.errors import InputError
from cryonb.refine import recipes

from . import knob_tables, python_pages
from . import restructured as rst

INTRO = """
A refinement is a search, an average and a handful of decisions. cryonb does the search and the average once, and takes
the decisions as a recipe says: ``cn.refine(particles, "start.mrc", refine=dict(recipe="refine3d"))``. A recipe's own
settings go into ``refine=dict(params=dict(name=value))``, or are flags ``--refine.name`` of
``cryonb refine --refine.recipe NAME``.
"""
EXAMPLE_LIMIT = 8.0
"""Limit that a recipe is shown with where it has to be given one [angstrom]."""


def pages() -> dict[str, str]:
    """Return the page of every recipe, and the one that sets them side by side."""
    names = recipes.names()
    listed = [(rst.link(name, f"recipe-{name}"), recipes.get_recipe(name).title) for name in names]
    overview = rst.page(
        rst.heading("Recipes", label="reference-recipes"),
        [*INTRO.strip().splitlines(), ""],
        rst.table(("Name", "How it decides"), listed),
        rst.heading("Who decides what", 1),
        [
            f"With the defaults of each, and {EXAMPLE_LIMIT:g} angstrom where a limit has to be given:",
            "",
            *decisions(names),
        ],
        rst.toctree(names),
    )
    return {"recipes/index": overview, **{f"recipes/{name}": page(recipes.get_recipe(name)) for name in names}}


def decided(name: str) -> dict[str, str]:
    """Return the decisions of a recipe in words, with its defaults, and a limit where it has to be given one."""
    recipe = recipes.get_recipe(name)
    try:
        settled = recipes.decided(recipe, RunConfig.gather(refine=dict(recipe=name)))
    except InputError:  # it has to be given a limit
        settled = recipes.decided(recipe, RunConfig.gather(refine=dict(recipe=name, max_resolution=EXAMPLE_LIMIT)))
    return recipe.decides(*settled)


def decisions(names: tuple[str, ...]) -> list[str]:
    """Return a table for every subject of a decision, a row a recipe."""
    every = {name: decided(name) for name in names}
    lines = []
    for subject in dict.fromkeys(subject for said in every.values() for subject in said):
        rows = [(rst.link(name, f"recipe-{name}"), said.get(subject, "")) for name, said in every.items()]
        lines += rst.table(("Recipe", subject.capitalize()), rows)
    return lines


def page(recipe: Any) -> str:
    """Return the page of a recipe."""
    own = {**recipes.DEFAULTS, **getattr(recipe, "defaults", {})}
    searches = "It searches nothing: the table must have poses." if getattr(recipe, "needs_poses", False) else ""
    zeros = [(rst.code(f"refine.{name}"), f"{value:g}") for name, value in own.items()]
    return rst.page(
        rst.heading(recipe.name, label=f"recipe-{recipe.name}"),
        [
            f"**{recipe.title}.**",
            "",
            *python_pages.module_words(type(recipe).__module__).splitlines(),
            "",
            searches,
            "",
        ],
        rst.heading("What it decides", 1),
        rst.table(("About", "Decision, with the defaults"), decided(recipe.name).items()),
        rst.heading("Settings of its own", 1),
        knob_tables.table(recipe.params, f"{recipe.name}."),
        rst.heading("What a zero stands for", 1),
        rst.table(("Setting", "Where it is 0"), zeros),
    )
