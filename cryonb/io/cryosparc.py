"""cryoSPARC's .cs particle tables <-> Dataset; passthrough files are joined when they are read."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import xarray as xr

from ..errors import FormatError, must
from .atomic import replacing
from .formats import FileFormat
from .mrc import write_stack
from .named_images import NamedImages
from .source import existing_file
from .table import ParticleTable, Request, optics_groups, particles_from

DEFOCUS = {"defocus_u": "ctf/df1_A", "defocus_v": "ctf/df2_A", "defocus_angle": "ctf/df_angle_rad"}
OPTICS = {
    "voltage": "ctf/accel_kv",
    "spherical_aberration": "ctf/cs_mm",
    "amplitude_contrast": "ctf/amp_contrast",
}
ABERRATIONS = {
    "ctf/tilt_A": "beam tilt",
    "ctf/shift_A": "CTF-dependent image shift",
    "ctf/trefoil_A": "trefoil",
    "ctf/tetra_A": "tetrafoil and fourth-order aberrations",
    "ctf/anisomag": "anisotropic magnification",
}
POSE, SHIFT, SHIFT_PIXEL = "alignments3D/pose", "alignments3D/shift", "alignments3D/psize_A"
UID_FACTOR, UID_START = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xD1B54A32D192ED03)
"""An odd factor spreads ids over all 64-bit numbers and never gives two of them the same."""


def read_particles(path: str | os.PathLike, request: Request, passthrough: Sequence = ()) -> xr.Dataset:
    """Return a cryoSPARC particle table as a Dataset of kind ``cryonb/particles``.

    Parameters
    ----------
    path : str or path
        The .cs file.
    request : Request
        What the caller asked for.
    passthrough : sequence of str or path, optional
        Passthrough .cs files of the same job, joined on `uid`.

    Returns
    -------
    xarray.Dataset
        With lazy images, as the STAR route gives it for the same particles.

    Raises
    ------
    FormatError
        If a file cannot be read or used; see `open_particles`.

    Notes
    -----
    `alignments3D/pose` is a rotation vector of the rotation that takes the image frame to the object, so its intrinsic
    z-y-z angles are rot, tilt, psi. `alignments3D/shift` is (x, y) in pixels of `alignments3D/psize_A` with RELION's
    sign. Classes count from 0 there and from 1 here. `blob/sign` is not applied: `invert_contrast` is the switch for
    that.
    """
    return particles_from(read_table(existing_file(path), passthrough), request)


def read_table(path: Path, passthrough: Sequence = ()) -> ParticleTable:
    """Return what a cryoSPARC particle table says.

    Parameters
    ----------
    path : pathlib.Path
        The .cs file.
    passthrough : sequence of str or path, optional
        Passthrough files.

    Returns
    -------
    ParticleTable
        In this package's units.

    Raises
    ------
    FormatError
        If a file is not a particle table or a value is damaged.
    """
    fields = _joined(path, [passthrough] if isinstance(passthrough, (str, os.PathLike)) else passthrough)
    remedy = "Give the job's passthrough file too, with passthrough="
    for name in ("blob/path", "blob/idx"):
        must(name in fields, f"{path} must name its images in {name}", "no such field", remedy, FormatError)
    names, stack = _stack_names(fields["blob/path"])
    count = stack.size
    missing = [name for name in (*DEFOCUS.values(), *OPTICS.values()) if name not in fields]
    columns = {**_poses(fields, path), **({} if missing else _ctf_columns(fields, path))}
    if "alignments3D/class" in fields:
        columns["class_number"] = fields["alignments3D/class"].astype(np.int64) + 1
    groups = {} if missing else {name: _printed(_numbers(fields, label, path)) for name, label in OPTICS.items()}
    optics_id, optics, group = optics_groups(groups, fields.get("ctf/exp_group_id", np.zeros(count)))
    split = fields.get("alignments3D/split")
    sizes = _printed(_numbers(fields, "blob/psize_A", path)) if "blob/psize_A" in fields else np.empty(0)
    shape = fields.get("blob/shape")
    return ParticleTable(
        path=path,
        stack_names=names,
        stack=stack,
        index=fields["blob/idx"].astype(np.int64),
        columns=columns,
        optics=optics,
        optics_id=optics_id,
        optics_group=group,
        subset=None if split is None else split.astype(np.int64) + int(split.min() == 0),
        pixel_sizes=sizes[np.sort(np.unique(sizes, return_index=True)[1])],
        image_size=0 if shape is None or np.ptp(shape) else int(shape.flat[0]),
        no_poses="" if POSE in fields else f"no {POSE}",
        unmodelled=unmodelled(fields),
        missing_optics=missing,
    )


def unmodelled(fields: dict[str, np.ndarray]) -> list[str]:
    """Return the effects that a table describes and the model of imaging leaves out, each by name.

    Parameters
    ----------
    fields : dict of str to ndarray
        Fields of the table.

    Returns
    -------
    list of str
        Empty if there are none.
    """
    found = [f"{words} ({name})" for name, words in ABERRATIONS.items() if name in fields and np.any(fields[name])]
    if "blob/sign" in fields and np.ptp(fields["blob/sign"]) > 0:
        found.append("images of both contrasts (blob/sign)")
    return found


def _joined(path: Path, passthrough: Sequence) -> dict[str, np.ndarray]:
    """Return the fields of a table with those of its passthrough files in the table's order; the table's own win."""
    table = _records(path)
    fields = {name: table[name] for name in table.dtype.names}
    for other in map(existing_file, passthrough):
        extra = _records(other)
        both = "uid" in fields and "uid" in extra.dtype.names
        rule = "a table and its passthrough file must both have uid"
        must(both, rule, f"{other} without", "Give the passthrough file of the same job", FormatError)
        order = np.argsort(extra["uid"], kind="stable")
        position = np.searchsorted(extra["uid"][order], fields["uid"])
        row = order[np.minimum(position, order.size - 1)]
        absent = int(np.count_nonzero(extra["uid"][row] != fields["uid"]))
        rule = f"{other} must hold every particle of {path.name}"
        must(absent == 0, rule, f"{absent} missing", "Give the passthrough file of the same job", FormatError)
        fields.update({name: extra[name][row] for name in extra.dtype.names if name not in fields})
    return fields


def _records(path: Path) -> np.ndarray:
    remedy = "Export the particles again; pickled objects are never loaded"
    try:
        table = np.load(path, allow_pickle=False)
    except (ValueError, EOFError, OSError) as problem:
        reason = str(problem).splitlines()[0].rstrip(".")
        raise FormatError(f"{path} must be a cryoSPARC table of plain numbers; got {reason!r}. {remedy}.") from None
    fields = getattr(getattr(table, "dtype", None), "names", None)
    must(bool(fields), f"{path} must be a cryoSPARC table with named fields", "an array without", remedy, FormatError)
    must(table.size > 0, f"{path} must hold at least one particle", "none", "Choose another table", FormatError)
    return table.reshape(-1)


def _stack_names(paths: np.ndarray) -> tuple[list[str], np.ndarray]:
    unique, stack = np.unique(paths, return_inverse=True)
    texts = [name.decode() if isinstance(name, bytes) else str(name) for name in unique]
    return [name.lstrip(">") for name in texts], stack.reshape(-1).astype(np.int32)


def _numbers(fields: dict, name: str, path: Path) -> np.ndarray:
    values = fields[name].astype(np.float64)
    finite = bool(np.isfinite(values).all())
    must(finite, f"{name} in {path} must hold finite numbers", "NaN or infinity", "Export it again", FormatError)
    return values


def _printed(values: np.ndarray) -> np.ndarray:
    """Return float32 values as the decimals that people typed, 2.95 rather than 2.950000047683716."""
    unique, member = np.unique(values, return_inverse=True)
    return np.array([float(f"{value:.7g}") for value in unique])[member.reshape(-1)]


def _poses(fields: dict, path: Path) -> dict[str, np.ndarray]:
    if POSE not in fields:
        return {}
    from scipy.spatial.transform import Rotation

    vectors = _numbers(fields, POSE, path)
    rot, tilt, psi = Rotation.from_rotvec(vectors).as_euler("ZYZ", degrees=True, suppress_warnings=True).T
    poses = {"rot": rot, "tilt": tilt, "psi": psi, "shift_x": np.zeros(rot.size), "shift_y": np.zeros(rot.size)}
    if SHIFT in fields:
        pixel = SHIFT_PIXEL if SHIFT_PIXEL in fields else "blob/psize_A"
        rule = f"{path} must say in which pixels its shifts are"
        must(pixel in fields, rule, f"no {SHIFT_PIXEL}", "Give the passthrough file too", FormatError)
        shifts = _numbers(fields, SHIFT, path) * _printed(_numbers(fields, pixel, path))[:, np.newaxis]
        poses["shift_x"], poses["shift_y"] = shifts[:, 0].copy(), shifts[:, 1].copy()
    return poses


def _ctf_columns(fields: dict, path: Path) -> dict[str, np.ndarray]:
    columns = {name: _numbers(fields, label, path) for name, label in DEFOCUS.items()}
    columns["defocus_angle"] = np.rad2deg(columns["defocus_angle"])
    phase = "ctf/phase_shift_rad"
    columns["phase_shift"] = (
        np.rad2deg(_numbers(fields, phase, path)) if phase in fields else 0.0 * columns["defocus_u"]
    )
    for name, label, default in (("ctf_b_factor", "ctf/bfactor", 0.0), ("ctf_scale", "ctf/scale", 1.0)):
        if label in fields and np.any(fields[label] != default):
            columns[name] = _numbers(fields, label, path)
    return columns


def write_particles(particles: xr.Dataset, path: str | os.PathLike, stack: str | os.PathLike | None = None) -> None:
    """Write particles as a structured array with cryoSPARC's fields.

    Parameters
    ----------
    particles : xarray.Dataset
        Kind ``cryonb/particles``.
    path : str or path
        Target ending in .cs; a NumPy file of plain numbers.
    stack : str or path, optional
        Where to write the images too; see `cryonb.io.named_images.NamedImages.of`.

    Raises
    ------
    InputError
        If there are no images to name, or a target cannot be written.

    Notes
    -----
    `uid` is the id of a particle times an odd number, modulo 2^64, so that tables of the same particles join.
    `alignments3D/class_posterior` is the share of the particle's own class. `blob/sign` is 1: bright particles.
    """
    target = Path(path).expanduser()
    images = NamedImages.of(particles, target, stack)
    fields = {**_blob_fields(particles, images, target), **_alignment_fields(particles), **_ctf_fields(particles)}
    count = particles.sizes["particle"]
    table = np.empty(count, [(name, value.dtype, value.shape[1:]) for name, value in fields.items()])
    for name, value in fields.items():
        table[name] = value
    with replacing(target) as partial:
        with partial.open("wb") as stream:
            np.save(stream, table, allow_pickle=False)
        if images.own is not None:
            write_stack(particles, images.own)


def _blob_fields(particles: xr.Dataset, images: NamedImages, target: Path) -> dict[str, np.ndarray]:
    shown = {path: name.as_posix().encode() for path, name in images.shown(target).items()}
    count = len(images.places)
    return {
        "uid": particles["particle"].values.astype(np.uint64) * UID_FACTOR + UID_START,
        "blob/path": np.array([shown[path] for _, path in images.places]),
        "blob/idx": np.array([number - 1 for number, _ in images.places], np.uint32),
        "blob/shape": np.tile(np.array([particles.sizes["y"], particles.sizes["x"]], np.uint32), (count, 1)),
        "blob/psize_A": np.full(count, float(particles["pixel_size"]), np.float32),
        "blob/sign": np.ones(count, np.float32),
    }


def _alignment_fields(particles: xr.Dataset) -> dict[str, np.ndarray]:
    from scipy.spatial.transform import Rotation

    found, count = {}, particles.sizes["particle"]
    if "random_subset" in particles:
        found["alignments3D/split"] = (particles["random_subset"].values - 1).astype(np.uint32)
    if "class_number" in particles:
        found["alignments3D/class"] = (particles["class_number"].values - 1).astype(np.uint32)
    if "class_posterior" in particles:
        found["alignments3D/class_posterior"] = particles["class_posterior"].max("class_id").values.astype(np.float32)
    if "rot" in particles:
        angles = np.column_stack([particles[name].values for name in ("rot", "tilt", "psi")])
        found[POSE] = Rotation.from_euler("ZYZ", angles, degrees=True).as_rotvec().astype(np.float32)
        shifts = [particles[name].values if name in particles else np.zeros(count) for name in ("shift_x", "shift_y")]
        found[SHIFT] = (np.column_stack(shifts) / float(particles["pixel_size"])).astype(np.float32)
        found[SHIFT_PIXEL] = np.full(count, float(particles["pixel_size"]), np.float32)
    return found


def _ctf_fields(particles: xr.Dataset) -> dict[str, np.ndarray]:
    """Return the fields of the contrast transfer; none where the particles do not carry all of it."""
    if any(name not in particles for name in (*DEFOCUS, *OPTICS)):
        return {}
    count = particles.sizes["particle"]
    group = particles["optics_group"].values if "optics_group" in particles else np.ones(count, np.int64)
    ids = particles["optics"].values
    order = np.argsort(ids)
    row = order[np.searchsorted(ids[order], group)]
    found = {"ctf/exp_group_id": group.astype(np.uint32)}
    found |= {label: particles[name].values[row] for name, label in OPTICS.items()}
    found |= {label: particles[name].values for name, label in DEFOCUS.items()}
    found[DEFOCUS["defocus_angle"]] = np.deg2rad(particles["defocus_angle"].values)
    extras = {"phase_shift": 0.0, "ctf_b_factor": 0.0, "ctf_scale": 1.0}
    rest = {
        name: particles[name].values if name in particles else np.full(count, value) for name, value in extras.items()
    }
    found["ctf/phase_shift_rad"] = np.deg2rad(rest["phase_shift"])
    found |= {"ctf/bfactor": rest["ctf_b_factor"], "ctf/scale": rest["ctf_scale"]}
    return {name: value if value.dtype == np.uint32 else value.astype(np.float32) for name, value in found.items()}


FORMAT = FileFormat(
    name="cryoSPARC",
    suffixes=(".cs",),
    read_particles=read_particles,
    write_particles=write_particles,
)
