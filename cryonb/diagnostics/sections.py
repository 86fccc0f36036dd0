"""Sections through the centre and projections of maps, along all three axes."""

from ..schema import SAMPLING, Field, Kind, declare

SECTIONS = declare(
    Kind(
        "cryonb/sections",
        {
            "section": Field(("[map]", "plane", "row", "column"), required=True),
            "projection": Field(("[map]", "plane", "row", "column"), required=True),
        },
        SAMPLING,
        dimensions={"map": "1", "plane": "1", "row": "angstrom", "column": "angstrom"},
    )
)
"""`plane` names the axis that is looked along: z (rows y, columns x), y (rows z, columns x), x (rows z, columns y);
`map` is present where there are several: classes, or the sharpened and the unsharpened map."""
