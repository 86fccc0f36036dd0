"""Postprocessing: the map that a person looks at, with what RELION would have decided beside our decision."""

from ..schema import FSC, SAMPLING, Field, Kind, declare
from .guinier import FIT, FIT_SCALARS

POSTPROCESS = declare(
    Kind(
        "cryonb/postprocess",
        {
            "sharpened": Field(("z", "y", "x"), required=True),
            "unsharpened": Field(("z", "y", "x"), required=True),
            "mask": Field(("z", "y", "x")),
            **FSC.variables,
            **FIT,
            "weight": Field(("frequency",)),
            "mtf": Field(("frequency",)),
            "b_factor_used": Field((), "angstrom^2"),
            "relion_resolution": Field((), "angstrom"),
            "relion_b_factor": Field((), "angstrom^2"),
        },
        {**SAMPLING, **FSC.scalars, **FIT_SCALARS, "lowpass": "angstrom"},
    )
)
