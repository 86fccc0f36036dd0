"""Every diagnostic: what it judges, what it says, how it is called and its options, from what is plugged in."""

import inspect
import re
from typing import Any

from numpydoc.docscrape import NumpyDocString

from cryonb import diagnostics, schema
from cryonb.verbs import joins_particles

from . import dataset_pages, knob_tables, python_pages
from . import restructured as rst

INTRO = """
A diagnostic judges a Dataset and returns another, whose figure ``cn.draw`` makes. Each is called by name, or as a
method: ``cn.diagnose(halves, "fsc")`` and ``halves.cryo.fsc()`` are the same.
"""


def pages() -> dict[str, str]:
    """Return the page of every diagnostic, and the one that lists them."""
    names = diagnostics.names()
    rows = [
        (rst.link(name, f"diagnostic-{name}"), diagnostics.get(name).title, accepted(diagnostics.get(name)))
        for name in names
    ]
    overview = rst.page(
        rst.heading("Diagnostics", label="reference-diagnostics"),
        [*INTRO.strip().splitlines(), ""],
        rst.table(("Name", "Title", "It judges"), rows),
        rst.toctree(names),
    )
    return {"diagnostics/index": overview, **{f"diagnostics/{name}": page(diagnostics.get(name)) for name in names}}


def page(plug: Any) -> str:
    """Return the page of a diagnostic."""
    module = type(plug).__module__
    return rst.page(
        rst.heading(plug.name, label=f"diagnostic-{plug.name}"),
        [f"**{plug.title}.**", "", *python_pages.module_words(module).splitlines(), ""],
        facts(plug),
        rst.heading("Call it", 1),
        calls(plug),
        rst.heading("Options", 1),
        knob_tables.table(plug.options, f"{plug.name}."),
        notes(plug),
    )


def facts(plug: Any) -> list[str]:
    """Return what goes in and what comes out."""
    made = f"cryonb/{plug.name}"
    lines = [f"- It judges {accepted(plug)}."]
    if made in schema.KINDS:
        lines += [f"- It returns a Dataset of kind {dataset_pages.kind_link(made)}."]
    if joins_particles(plug):
        lines += ["- It reads the images of the particles; a reconstruction is judged with ``particles=`` beside it."]
    if diagnostics.takes_references(plug):
        lines += ["- It may run a refinement again: ``references=`` are the starting volumes of that refinement."]
    return [*lines, ""]


def accepted(plug: Any) -> str:
    """Return the kinds of Dataset that a diagnostic takes, as links."""
    return " or ".join(dataset_pages.kind_link(kind) for kind in plug.accepts)


def calls(plug: Any) -> list[str]:
    """Return how a diagnostic is called, in Python and in a shell."""
    if "cryonb/particles" in plug.accepts:
        opened, given = 'dataset = cn.open_particles("particles.star")', "particles.star"
    else:
        opened, given = 'dataset = cn.open_half_maps("half1.mrc", "half2.mrc")', "half1.mrc half2.mrc"
    python = f'{opened}\nresult = cn.diagnose(dataset, "{plug.name}")\ncn.draw(result)'
    shell = f"cryonb diagnose {given} {plug.name} --out {plug.name}"
    return [*rst.block("python", python), *rst.block("bash", shell)]


def notes(plug: Any) -> list[str]:
    """Return how it is computed and where that is from, as far as the docstring says."""
    documented = NumpyDocString(inspect.getdoc(plug.compute))
    lines = []
    if documented["Notes"]:
        lines += [
            *rst.heading("How it is computed", 1),
            *[re.sub(r"(\[\d+\])_", r"\1", line) for line in documented["Notes"]],
            "",
        ]
    if documented["References"]:
        text = "\n".join(documented["References"])
        works = [" ".join(work.split()) for work in re.split(r"\.\. \[\d+\]", text) if work.strip()]
        lines += [*rst.heading("References", 1), *[f"{number}. {work}" for number, work in enumerate(works, 1)], ""]
    return lines
