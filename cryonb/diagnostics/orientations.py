"""Orientations: from where the particles were seen, and how evenly their slices fill Fourier space."""

from ..schema import SAMPLING, Field, Kind, declare

ORIENTATIONS = declare(
    Kind(
        "cryonb/orientations",
        {
            "view_density": Field(("view",), required=True),
            "view_count": Field(("view",)),
            "slice_density": Field(("view",), required=True),
            "evenness": Field(()),
            "efficiency": Field(()),
            "empty_fraction": Field(()),
        },
        {**SAMPLING, "n_particles": "1", "slice_half_angle": "degree"},
        dimensions={"view": "1"},
        coordinates={
            "view_rot": Field(("view",), "degree"),
            "view_tilt": Field(("view",), "degree"),
            "view_rot_width": Field(("view",), "degree"),
            "view_tilt_low": Field(("view",), "degree"),
            "view_tilt_high": Field(("view",), "degree"),
        },
    )
)
"""Cells of equal area on the sphere; densities are relative to an even spread (1 = as many as an even spread puts there)."""
