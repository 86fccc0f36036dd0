"""FSC curves of other programs, and ours for other programs."""

import os
import re
import warnings
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import xarray as xr

from .. import schema
from ..errors import FormatError, must, nearest
from .atomic import replacing
from .cryosparc_curve import is_cryosparc_text, read_cryosparc_text
from .curve_table import write_table
from .formats import FileFormat
from .source import existing_file
from .star_columns import read_blocks

RELION_COLUMNS = {
    "raw": "rlnFourierShellCorrelationUnmaskedMaps",
    "masked": "rlnFourierShellCorrelationMaskedMaps",
    "phase_randomised": "rlnCorrectedFourierShellCorrelationPhaseRandomizedMaskedMaps",
    "corrected": "rlnFourierShellCorrelationCorrected",
}
PLAIN_COLUMNS = ("rlnFourierShellCorrelation", "rlnGoldStandardFsc")
RELION_INFINITY = 0.001001
CROSSINGS = ("0.143", "0.5")
XML_PREFERENCE = ("corrected", "masked", "raw")
TITLE_WORDS = (
    ("random", "phase_randomised"),
    ("corrected", "corrected"),
    ("unmasked", "raw"),
    ("no mask", "raw"),
    ("mask", "masked"),
)
ROUNDING = 0.25
"""Of a shell: the frequency in a file is a shell's own, or that of its middle, with few digits."""

FINAL = re.compile(r"FINAL RESOLUTION:\s*([0-9.eE+-]+)")


def read_curve(path: str | os.PathLike, fsc_kind: str | None = None, length: float | None = None) -> xr.Dataset:
    """Return a stored FSC curve as a Dataset of kind ``cryonb/fsc``.

    Parameters
    ----------
    path : str or path
        RELION's postprocess.star, or the model.star of a refinement in halves (or any with an FSC loop); an FSC .xml as
        the EMDB takes them, from cryoSPARC too; the .txt of a cryoSPARC plot; a two-column .dat or .txt; or our own
        .csv.
    fsc_kind : str, optional
        What a single unnamed curve is: raw, masked, modified, phase_randomised or corrected. By default the title of
        an XML file decides; a .dat file is taken as "corrected", which is what RELION writes there; and the curve of
        a model.star as "raw", which it is unless RELION was told to correct for the solvent. Of a file with several,
        only this one.
    length : float, optional
        Length of the box [angstrom], for the .txt of a cryoSPARC plot, which counts shells.

    Returns
    -------
    xarray.Dataset
        `fsc(fsc_kind, frequency)` with the columns that the file has; `fsc_resolution` at the thresholds 0.143 and
        0.5, interpolated between shells; `band` "measured" wherever there is a number. `resolution` [angstrom] is what
        the program itself reported, where the file says so.

    Raises
    ------
    FormatError
        If the file holds no FSC curve.
    """
    found = existing_file(path)
    given = list(schema.FSC_KINDS)
    must(fsc_kind is None or fsc_kind in given, "fsc_kind must be known", repr(fsc_kind), nearest(str(fsc_kind), given))
    if is_cryosparc_text(found):
        return _curve(found, *read_cryosparc_text(found, fsc_kind, length))
    reader = {".star": _read_star, ".xml": _read_xml, ".csv": _read_csv}.get(found.suffix.lower(), _read_columns)
    return reader(found, fsc_kind)


def reported_resolution(path: str | os.PathLike) -> float:
    """Return the final resolution that RELION's postprocess reported.

    Parameters
    ----------
    path : str or path
        The log that it printed, or its postprocess.star.

    Returns
    -------
    float
        Resolution [angstrom]: RELION's last whole shell, not interpolated.

    Raises
    ------
    FormatError
        If the file does not say.
    """
    found = existing_file(path)
    if found.suffix.lower() == ".star":
        value = _general(read_blocks(found)).get("rlnFinalResolution")
    else:
        match = FINAL.search(found.read_text(errors="replace"))
        value = match.group(1) if match else None
    must(value is not None, f"{found} must report a final resolution", "none", "Give a postprocess log", FormatError)
    return float(value)


def write_csv(dataset: xr.Dataset, path: str | os.PathLike, fsc_kind: str | None = None) -> None:
    """Write an FSC Dataset as CSV, headed by lines that name units and settings.

    Parameters
    ----------
    dataset : xarray.Dataset
        Kind ``cryonb/fsc``.
    path : str or path
        Target.
    fsc_kind : str, optional
        Write this curve only.

    Raises
    ------
    InputError
        If the Dataset is of another kind or the target cannot be written.
    """
    schema.validate(dataset, schema.FSC)
    kinds = [_chosen(dataset, fsc_kind)] if fsc_kind else [str(kind) for kind in dataset["fsc_kind"].values]
    lines = ["# Fourier shell correlation, cryonb", "# frequency [1/angstrom], shell_resolution [angstrom], fsc [1]"]
    for name, value in dataset.coords.items():
        if value.ndim == 0:
            lines.append(f"# {name} [{value.attrs.get('units', '1')}]: {value.item()}")
    for kind in kinds:
        for threshold in dataset["threshold"].values:
            size = float(dataset["fsc_resolution"].sel(fsc_kind=kind, threshold=threshold))
            text = "not reached" if np.isnan(size) else f"{size:.6g}"
            lines.append(f"# fsc_resolution [angstrom] {kind} at {threshold}: {text}")
    lines.append(",".join(["frequency", "shell_resolution", *kinds, "band"]))
    columns = [dataset["fsc"].sel(fsc_kind=kind).values for kind in kinds]
    frequency = dataset["frequency"].values
    for row, (place, band) in enumerate(zip(frequency, dataset["band"].values)):
        resolution = 1.0 / place if place > 0 else np.inf
        values = ["" if np.isnan(column[row]) else f"{column[row]:.8g}" for column in columns]
        lines.append(",".join([f"{place:.10g}", f"{resolution:.10g}", *values, str(band)]))
    with replacing(path) as partial:
        partial.write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_xml(dataset: xr.Dataset, path: str | os.PathLike, fsc_kind: str | None = None) -> None:
    """Write one curve as the EMDB's FSC XML.

    Parameters
    ----------
    dataset : xarray.Dataset
        Kind ``cryonb/fsc``.
    path : str or path
        Target.
    fsc_kind : str, optional
        Which curve; by default corrected, else masked, else raw.

    Raises
    ------
    InputError
        If the Dataset is of another kind, has no such curve, or the target cannot be written.

    Notes
    -----
    Shells without data are left out: the format has no word for them.
    """
    schema.validate(dataset, schema.FSC)
    kind = _chosen(dataset, fsc_kind)
    labels = {"title": f"cryonb {kind} FSC", "xaxis": "Resolution (A-1)", "yaxis": "Correlation Coefficient"}
    root = ElementTree.Element("fsc", labels)
    for place, value in zip(dataset["frequency"].values, dataset["fsc"].sel(fsc_kind=kind).values):
        if np.isfinite(value):
            point = ElementTree.SubElement(root, "coordinate")
            ElementTree.SubElement(point, "x").text = f"{place:.8g}"
            ElementTree.SubElement(point, "y").text = f"{value:.8g}"
    ElementTree.indent(root)
    with replacing(path) as partial:
        partial.write_bytes(ElementTree.tostring(root, encoding="utf-8", xml_declaration=True) + b"\n")


def write_curve(dataset: xr.Dataset, path: str | os.PathLike, fsc_kind: str | None = None) -> None:
    """Write an FSC Dataset as CSV or as EMDB XML, by the ending of the path; other curves as CSV.

    Parameters
    ----------
    dataset : xarray.Dataset
        Kind ``cryonb/fsc``; for CSV any kind with curves over `frequency`, see `curve_table.write_table`.
    path : str or path
        Target ending in .csv or .xml.
    fsc_kind : str, optional
        Which curve; see `write_csv` and `write_xml`.

    Raises
    ------
    InputError
        If the Dataset is of another kind, the ending is neither, or the target cannot be written.
    """
    suffix = Path(path).suffix.lower()
    writers = {".csv": write_csv, ".xml": write_xml}
    must(suffix in writers, "a curve's file name must end in .csv or .xml", repr(suffix), nearest(suffix, writers))
    if suffix == ".csv" and "frequency" in dataset.dims and dataset.attrs.get("schema") != schema.FSC.name:
        write_table(dataset, path)
    else:
        writers[suffix](dataset, path, fsc_kind)


def first_crossing(frequency: np.ndarray, curve: np.ndarray, threshold: float) -> float:
    """Return the resolution where a curve first falls below a threshold, interpolated between shells.

    Parameters
    ----------
    frequency : ndarray
        float64, shape (shell,) [1/angstrom].
    curve : ndarray
        float64, shape (shell,): FSC; shell 0 is not looked at.
    threshold : float
        The threshold.

    Returns
    -------
    float
        Resolution [angstrom]; NaN if the curve never crosses.
    """
    below = np.flatnonzero(curve[1:] < threshold) + 1
    if below.size == 0:
        return float("nan")
    stop = int(below[0])
    if stop == 1:
        return float(1.0 / frequency[1])
    high, low = curve[stop - 1], curve[stop]
    part = (high - threshold) / (high - low)
    return float(1.0 / (frequency[stop - 1] + part * (frequency[stop] - frequency[stop - 1])))


def _chosen(dataset: xr.Dataset, fsc_kind: str | None) -> str:
    valid = [str(kind) for kind in dataset["fsc_kind"].values]
    if fsc_kind is None:
        return next((kind for kind in XML_PREFERENCE if kind in valid), valid[0])
    must(fsc_kind in valid, "the curve to write must be in the Dataset", repr(fsc_kind), nearest(fsc_kind, valid))
    return fsc_kind


def _curve(
    path: Path, frequency: np.ndarray, columns: dict[str, np.ndarray], scalars: dict | None = None
) -> xr.Dataset:
    rule = f"{path} must hold an FSC curve of rising frequency [1/angstrom]"
    rising = frequency.size >= 2 and bool(np.all(np.diff(frequency) > 0)) and frequency[0] >= 0
    must(rising, rule, f"{frequency.size} rows that are not", "Check that it is an FSC file", FormatError)
    kinds = [kind for kind in schema.FSC_KINDS if kind in columns]
    fsc = np.stack([columns[kind] for kind in kinds]).astype(np.float64)
    crossings = [[first_crossing(frequency, curve, float(name)) for name in CROSSINGS] for curve in fsc]
    positive = frequency > 0
    resolution = np.divide(1.0, frequency, out=np.full(frequency.shape, np.inf), where=positive)
    band = np.where(np.isfinite(fsc).any(axis=0), "measured", "no data")
    coords = {
        "fsc_kind": np.array(kinds),
        "threshold": np.array(CROSSINGS),
        "frequency": frequency,
        "shell": np.floor(frequency / np.diff(frequency)[-1] + ROUNDING).astype(np.int64),
        "shell_resolution": resolution,
        "data_end": float(1.0 / frequency[-1]),
        **(scalars or {}),
    }
    return schema.build(schema.FSC, {"fsc": fsc, "fsc_resolution": np.array(crossings), "band": band}, coords)


def _without_infinity(frequency: np.ndarray) -> np.ndarray:
    """Return frequencies with RELION's first row, 999 angstrom for infinity, as zero."""
    frequency = frequency.copy()
    if frequency.size and abs(frequency[0] - RELION_INFINITY) < 1e-6:
        frequency[0] = 0.0
    return frequency


def _general(blocks: dict) -> dict:
    general = blocks.get("general", blocks.get("model_general", {}))
    return general if isinstance(general, dict) else {name: general[name].iloc[0] for name in general}


def _read_star(path: Path, fsc_kind: str | None) -> xr.Dataset:
    blocks = read_blocks(path)
    for frame in blocks.values():
        columns = _relion_columns(frame, fsc_kind) if "rlnAngstromResolution" in frame else {}
        if columns:
            resolution = np.asarray(frame["rlnAngstromResolution"], float)
            frequency = np.where(resolution >= 999.0 - 1e-6, 0.0, 1.0 / resolution)
            frequency = frequency if frequency[0] == 0 else _without_infinity(np.asarray(frame["rlnResolution"], float))
            return _curve(path, frequency, columns, _scalars(_general(blocks)))
    remedy = "Give a postprocess.star, or the model.star of a refinement in halves (other runs leave zeros in theirs)"
    must(False, f"{path} must hold an FSC loop", "none", remedy, FormatError)


def _relion_columns(frame: dict, fsc_kind: str | None) -> dict[str, np.ndarray]:
    """Return the curves of a loop by kind; none where they are all zero."""
    named = [(kind, label) for kind, label in RELION_COLUMNS.items() if label in frame and fsc_kind in (None, kind)]
    plain = [(fsc_kind or "raw", label) for label in PLAIN_COLUMNS if label in frame]
    columns = {kind: np.asarray(frame[label], float) for kind, label in named or plain}
    return {kind: curve for kind, curve in columns.items() if curve.any()}


def _scalars(general: dict) -> dict[str, float]:
    labels = {
        "resolution": ("rlnFinalResolution", "rlnCurrentResolution"),
        "randomisation_resolution": ("rlnRandomiseFrom",),
    }
    return {name: float(general[label]) for name, known in labels.items() for label in known if label in general}


def _read_xml(path: Path, fsc_kind: str | None) -> xr.Dataset:
    remedy = "Give an EMDB FSC XML file"
    try:
        root = ElementTree.fromstring(path.read_bytes())
        points = [(float(point.findtext("x")), float(point.findtext("y"))) for point in root.iter("coordinate")]
    except (ElementTree.ParseError, TypeError, ValueError) as problem:
        raise FormatError(f"{path} must be an FSC curve in XML; got a damaged one ({problem}). {remedy}.") from None
    must(len(points) > 1, f"{path} must hold an FSC curve", f"{len(points)} points", remedy, FormatError)
    frequency, curve = np.array(points).T
    title = root.get("title", "")
    kind = fsc_kind or _kind_of(title)
    if not kind:
        kind = "raw"
        warnings.warn(f"{path.name} does not say which FSC it holds (title {title!r}); taking it as raw", stacklevel=2)
    return _curve(path, _without_infinity(frequency), {kind: curve})


def _kind_of(title: str) -> str:
    exact = next((kind for kind in schema.FSC_KINDS if kind in title.split()), "")
    return exact or next((kind for word, kind in TITLE_WORDS if word in title.lower()), "")


def _read_columns(path: Path, fsc_kind: str | None) -> xr.Dataset:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            table = np.loadtxt(path, ndmin=2)
    except (ValueError, UnicodeDecodeError) as problem:
        reason = str(problem).splitlines()[0].rstrip(".")
        raise FormatError(
            f"{path} must hold two columns of numbers; got other text ({reason}). Give an FSC file."
        ) from None
    rule = f"{path} must hold the two columns frequency [1/angstrom] and FSC"
    must(table.ndim == 2 and table.shape[1] == 2, rule, f"shape {table.shape}", "Give an FSC file", FormatError)
    return _curve(path, _without_infinity(table[:, 0]), {fsc_kind or "corrected": table[:, 1]})


def _read_csv(path: Path, fsc_kind: str | None) -> xr.Dataset:
    text = path.read_text(encoding="utf-8", errors="replace")
    lines = [line for line in text.splitlines() if line[:1] not in ("#", "")]
    names = lines[0].split(",") if lines else []
    kinds = [name for name in names if name in schema.FSC_KINDS and fsc_kind in (None, name)]
    rule = f"{path} must be headed by frequency and the kinds of FSC"
    must("frequency" in names and bool(kinds), rule, names, f"Valid kinds: {', '.join(schema.FSC_KINDS)}", FormatError)
    rows = [line.split(",") for line in lines[1:]]
    try:
        place = {name: names.index(name) for name in ("frequency", *kinds)}
        values = {name: np.array([float(row[column] or "nan") for row in rows]) for name, column in place.items()}
    except (ValueError, IndexError) as problem:
        raise FormatError(f"{path} must hold numbers in every row; got {problem}. Write it again.") from None
    curve = _curve(path, values["frequency"], {kind: values[kind] for kind in kinds})
    if "band" in names:
        band = np.array([row[names.index("band")] for row in rows])
        curve["band"] = (("frequency",), band, curve["band"].attrs)
    return curve


FORMAT = FileFormat(
    name="FSC curve",
    suffixes=(".star", ".xml", ".dat", ".txt", ".csv"),
    read_curve=read_curve,
    write_curve=write_curve,
)
