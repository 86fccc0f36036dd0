"""The kinds of Dataset, with their variables, dimensions and units, from the schema."""

from cryonb import diagnostics, schema

from . import restructured as rst

INTRO = """
Everything that cryonb opens, makes and judges is an xarray Dataset. Its kind is ``ds.attrs["schema"]``, and every
variable carries its unit. A dimension in square brackets may be absent.
"""


def pages() -> dict[str, str]:
    """Return the page of all kinds."""
    diagnostics.names()  # they declare their kinds when they are found
    units = [(rst.code(name), unit_words(unit)) for name, unit in schema.DIMENSION_UNITS.items()]
    return {
        "datasets": rst.page(
            rst.heading("Kinds of Dataset", label="reference-datasets"),
            [*INTRO.strip().splitlines(), ""],
            *(section(kind) for kind in schema.KINDS.values()),
            rst.heading("Dimensions", 1),
            rst.table(("Dimension", "Unit of its coordinate"), units),
        )
    }


def label_of(kind: str) -> str:
    """Return the label of a kind."""
    return f"kind-{kind.replace('/', '-').replace('_', '-')}"


def kind_link(kind: str) -> str:
    """Return a link to a kind."""
    return rst.link(kind, label_of(kind))


def section(kind: schema.Kind) -> list[str]:
    """Return what is said of one kind."""
    entries = [(name, field, "variable") for name, field in kind.variables.items()]
    entries += [(name, field, "coordinate") for name, field in kind.coordinates.items()]
    rows = [
        (
            rst.code(name),
            what,
            rst.code(", ".join(field.dims)),
            unit_words(field.unit),
            "yes" if field.required else "",
        )
        for name, field, what in entries
    ]
    rows += [(rst.code(name), "scalar", "", unit_words(unit), "") for name, unit in kind.scalars.items()]
    own = ", ".join(f"``{name}`` {unit_words(unit)}".strip() for name, unit in kind.dimensions.items())
    lines = [f"Dimensions of its own: {own}.", ""] if own else []
    lines += [f"It has at least one of {', '.join(map(rst.code, kind.one_of))}.", ""] if kind.one_of else []
    header = ("Name", "What", "Dimensions", "Unit", "Always there")
    return [*rst.heading(kind.name, 1, label_of(kind.name)), *lines, *rst.table(header, rows)]


def unit_words(unit: str) -> str:
    """Return a unit, or nothing where there is none."""
    return "" if unit == "1" else unit
