"""Where a Dataset came from: what was run, with which settings and versions, on which inputs.

The record is JSON text in ``attrs["provenance"]``, so that it survives every file format. It holds no time and no
path: the same inputs and settings on the same versions and the same machine give the same text.
"""

import hashlib
import json
import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

PACKAGES = ("cryonb", "numpy", "numba", "scipy")
DIGITS = 16
SAMPLE_BYTES = 1 << 20


def stamp(
    dataset: Any, verb: str, settings: Mapping | None = None, inputs: Iterable = (), science: Mapping | None = None
) -> Any:
    """Return the Dataset with a provenance record of what made it.

    Parameters
    ----------
    dataset : xarray.Dataset
        The result.
    verb : str
        What was run, for example ``"reconstruct"``.
    settings : mapping, optional
        Settings as plain values; nested mappings may appear.
    inputs : iterable of xarray.Dataset, numpy.ndarray, str or pathlib.Path, optional
        What it was made from: Datasets keep their own lineage, paths are digested.

    science : mapping, optional
        Those settings that change results, not speed, for their digest; all of `settings` if not given.

    Returns
    -------
    xarray.Dataset
        A shallow copy with ``attrs["provenance"]``: versions, verb, settings, their digest, the digest of the
        result and one record per input.

    Examples
    --------
    >>> import xarray
    >>> result = stamp(xarray.Dataset(), "demo", {"seed": 3})
    >>> lineage(result)[0]["settings"]
    {'seed': 3}
    """
    plain = json.loads(json.dumps(dict(settings or {}), default=_plain, sort_keys=True))
    decisive = json.dumps(dict(plain if science is None else science), default=_plain, sort_keys=True)
    record = {
        "verb": verb,
        "versions": versions(),
        "settings": plain,
        "settings_digest": _hexadecimal(decisive.encode()),
        "digest": digest(dataset),
        "inputs": [_input_record(item) for item in inputs],
    }
    stamped = dataset.copy(deep=False)
    stamped.attrs["provenance"] = json.dumps(record, sort_keys=True)
    return stamped


def computed_on(dataset: Any, backend: str, description: str) -> Any:
    """Return a stamped Dataset whose record names the machine that computed it.

    Parameters
    ----------
    dataset : xarray.Dataset
        The result, with its provenance.
    backend : str
        The backend's name.
    description : str
        What the machine is, as the backend describes it.

    Returns
    -------
    xarray.Dataset
        A shallow copy with ``machine`` in its record, which no digest covers.

    Examples
    --------
    >>> import xarray
    >>> result = computed_on(stamp(xarray.Dataset(), "demo"), "numba", "two cores")
    >>> lineage(result)[0]["machine"]["backend"]
    'numba'
    """
    record = json.loads(dataset.attrs["provenance"])
    record["machine"] = {"backend": backend, "description": description}
    stamped = dataset.copy(deep=False)
    stamped.attrs["provenance"] = json.dumps(record, sort_keys=True)
    return stamped


def versions() -> dict[str, str]:
    """Return the versions of the packages that decide the numbers.

    Returns
    -------
    dict of str to str
        Package names and versions; "unknown" for one that is neither installed nor loaded.
    """
    from importlib import metadata

    found = {}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = getattr(sys.modules.get(name), "__version__", "unknown")
    return found


def digest(thing: Any) -> str:
    """Return a digest of content that does not depend on names of files, machines or times.

    Parameters
    ----------
    thing : numpy.ndarray, xarray.Dataset, xarray.DataArray, str or pathlib.Path
        An array, a labelled array, or the path of a file or folder. Variables that are still on disk are represented
        by the fingerprint of their files, so that nothing large is read.

    Returns
    -------
    str
        Sixteen hexadecimal digits.

    Examples
    --------
    >>> import numpy
    >>> digest(numpy.zeros(3)) == digest(numpy.zeros(3)), digest(numpy.zeros(3)) == digest(numpy.zeros(4))
    (True, False)
    """
    if isinstance(thing, (str, os.PathLike)):
        return _path_digest(Path(thing))
    total = hashlib.blake2b(digest_size=DIGITS // 2)
    if hasattr(thing, "data_vars"):
        for name in sorted(thing.variables):
            total.update(name.encode() + _variable_digest(thing.variables[name]).encode())
        total.update(str(thing.attrs.get("schema", "")).encode())
    elif hasattr(thing, "variable"):
        total.update(_variable_digest(thing.variable).encode())
    else:
        _feed(total, thing)
    return total.hexdigest()


def lineage(dataset: Any) -> list[dict]:
    """Return the provenance records behind a Dataset, the oldest first.

    Parameters
    ----------
    dataset : xarray.Dataset
        A stamped Dataset; one without a record has an empty lineage.

    Returns
    -------
    list of dict
        Each record once, inputs before what was made from them.
    """
    text = dataset.attrs.get("provenance", "")
    return _flattened(json.loads(text)) if text else []


def _flattened(record: dict) -> list[dict]:
    found: list[dict] = []
    for item in record.get("inputs", []):
        if "provenance" in item:
            found += [older for older in _flattened(item["provenance"]) if older not in found]
    return [*found, record]


def _input_record(item: Any) -> dict:
    record = {"digest": digest(item)}
    if isinstance(item, (str, os.PathLike)):
        return {**record, "file": Path(item).name}
    attrs = getattr(item, "attrs", {})
    if "schema" in attrs:
        record["schema"] = attrs["schema"]
    if attrs.get("provenance"):
        record["provenance"] = json.loads(attrs["provenance"])
    return record


def _plain(value: Any) -> Any:
    if hasattr(value, "as_dict"):
        return value.as_dict()
    if hasattr(value, "tolist"):
        return value.tolist()
    return str(value)


def _hexadecimal(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=DIGITS // 2).hexdigest()


def _variable_digest(variable: Any) -> str:
    total = hashlib.blake2b(digest_size=DIGITS // 2)
    total.update(repr((variable.dims, variable.shape)).encode())
    fingerprint = _fingerprint(variable)
    if fingerprint:
        total.update(fingerprint.encode())
    else:
        _feed(total, variable.values)
    return total.hexdigest()


def _fingerprint(variable: Any) -> str:
    """Return what a file-backed array says of its files, without reading the array; empty for one in memory."""
    layer = getattr(variable, "_data", None)
    for _ in range(8):
        if layer is None or hasattr(layer, "fingerprint"):
            break
        layer = getattr(layer, "array", None)
    return layer.fingerprint() if layer is not None else ""


def _feed(total: Any, array: Any) -> None:
    import numpy as np

    values = np.asarray(array)
    if values.dtype.kind in "OUT":
        content = json.dumps(values.tolist(), default=str).encode()
        total.update(b"text" + content)
        return
    values = np.ascontiguousarray(values.astype(values.dtype.newbyteorder("<"), copy=False))
    total.update(repr((values.dtype.str, values.shape)).encode())
    total.update(values.reshape(-1).view(np.uint8).data)


def _path_digest(path: Path) -> str:
    if path.is_dir():
        parts = sorted(item for item in path.rglob("*") if item.is_file())
        text = "".join(f"{item.relative_to(path).as_posix()} {_path_digest(item)}\n" for item in parts)
        return _hexadecimal(text.encode())
    size = path.stat().st_size
    with path.open("rb") as stream:
        if size <= 64 * SAMPLE_BYTES:
            return _hexadecimal(stream.read())
        head = stream.read(SAMPLE_BYTES)
        stream.seek(size - SAMPLE_BYTES)
        return _hexadecimal(head + stream.read(SAMPLE_BYTES) + str(size).encode())
