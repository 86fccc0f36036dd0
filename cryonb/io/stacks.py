"""Images that stay in their files until somebody looks at them."""

import io
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from xarray.backends import BackendArray
from xarray.core import indexing

from ..errors import FormatError, must
from .headers import Header, opened

CHUNK_BYTES = 1 << 20
OPEN_FILES = 64


class ImageStacks(BackendArray):
    """Images of one or more MRC stacks, seen as one array (particle, y, x) and read when indexed.

    Parameters
    ----------
    headers : sequence of Header
        The stacks; all images have one shape.
    stack : ndarray
        int, shape (particle,): which stack each image is in.
    index : ndarray
        int, shape (particle,): which image of that stack it is, from 0.

    Raises
    ------
    FormatError
        If images have different shapes, are not square, or a stack has fewer images than are asked of it.

    Notes
    -----
    No file stays open and no state changes on reading (apart from a locked cache of decompressed stacks), so any number
    of threads may read at once. Each call opens the files it needs; runs of neighbouring images are one read.
    """

    dtype = np.dtype(np.float32)

    def __init__(self, headers: Sequence[Header], stack: np.ndarray, index: np.ndarray) -> None:
        self.headers = list(headers)
        self.stack = np.asarray(stack, dtype=np.int32)
        self.index = np.asarray(index, dtype=np.int64)
        self.shape = (self.index.size, *_image_shape(self.headers))
        _check_counts(self.headers, self.stack, self.index)
        self._cache: dict[int, np.ndarray] = {}
        self._lock = threading.Lock()

    def __getstate__(self) -> dict:
        """Return what travels to another process: no cache and no lock."""
        return {**self.__dict__, "_cache": {}, "_lock": None}

    def __setstate__(self, state: dict) -> None:
        """Take up a state that travelled."""
        self.__dict__.update(state, _lock=threading.Lock())

    def __getitem__(self, key: indexing.ExplicitIndexer) -> np.ndarray:
        """Return the images that an xarray indexer selects."""
        return indexing.explicit_indexing_adapter(key, self.shape, indexing.IndexingSupport.OUTER, self._outer)

    def names(self, particles: Any = slice(None)) -> list[tuple[int, Path]]:
        """Return where images come from.

        Parameters
        ----------
        particles : slice or ndarray, optional
            Positions of the images.

        Returns
        -------
        list of tuple of int and pathlib.Path
            Number of the image in its stack, from 1, and the stack.
        """
        pairs = zip(self.index[particles], self.stack[particles])
        return [(int(index) + 1, self.headers[stack].path) for index, stack in pairs]

    def fingerprint(self) -> str:
        """Return a text that changes with the images' files, without reading the images.

        Returns
        -------
        str
            Name, size and digest of the header of each stack.
        """
        import hashlib

        total = hashlib.blake2b(self.stack.tobytes() + self.index.tobytes(), digest_size=8)
        for header in self.headers:
            with header.path.open("rb") as stream:
                total.update(f"{header.path.name} {header.path.stat().st_size}".encode() + stream.read(4096))
        return f"{self.shape} {total.hexdigest()}"

    def read(self, particles: np.ndarray) -> np.ndarray:
        """Return images in the order asked for.

        Parameters
        ----------
        particles : ndarray
            int, shape (n,): positions of the images.

        Returns
        -------
        ndarray
            float32, shape (n, y, x).

        Raises
        ------
        FormatError
            If an image is all zero or holds NaN or infinite pixels, or its file has become shorter.
        """
        out = np.empty((particles.size, *self.shape[1:]), np.float32)
        stack, index = self.stack[particles], self.index[particles]
        streams: dict[int, io.RawIOBase] = {}
        try:
            for start, stop in _runs(stack, index):
                number, first = int(stack[start]), int(index[start])
                block = out[start:stop]
                if self.headers[number].compressed:
                    block[...] = self._decompressed(number)[first : first + stop - start]
                else:
                    self._fill(block, self._stream(streams, number), number, first)
        finally:
            for stream in streams.values():
                stream.close()
        most = max(1, CHUNK_BYTES // max(1, 4 * self.shape[1] * self.shape[2]))
        for start in range(0, particles.size, most):
            chunk = slice(start, start + most)
            self._check(out[chunk], stack[chunk], index[chunk])
        return out

    def _outer(self, key: tuple) -> np.ndarray:
        particle, y, x = key
        if isinstance(particle, slice):
            images = self.read(np.arange(*particle.indices(self.shape[0])))
        else:
            images = self.read(np.atleast_1d(particle))
        images = images[:, :, x] if _selects(x, self.shape[2]) else images
        images = images[:, y] if _selects(y, self.shape[1]) else images
        return images[0] if not isinstance(particle, slice) and np.ndim(particle) == 0 else images

    def _stream(self, streams: dict, number: int) -> io.RawIOBase:
        if number not in streams:
            if len(streams) >= OPEN_FILES:
                streams.pop(next(iter(streams))).close()
            try:
                streams[number] = self.headers[number].path.open("rb", buffering=0)
            except OSError as problem:
                rule = f"{self.headers[number].path} must stay readable"
                raise FormatError(f"{rule}; got {problem.strerror}. Open the particles again.") from None
        return streams[number]

    def _fill(self, block: np.ndarray, stream: io.RawIOBase, number: int, first: int) -> None:
        header = self.headers[number]
        count, rows, columns = block.shape
        stream.seek(header.offset + first * rows * columns * header.dtype.itemsize)
        direct = header.dtype == block.dtype
        target = block if direct else np.empty(block.shape, header.dtype)
        view = memoryview(target).cast("B")
        while len(view):
            size = stream.readinto(view)
            rule, got = f"{header.path} must hold image {first + count}", "the end of the file before it"
            must(bool(size), rule, got, "Copy or download it again", FormatError)
            view = view[size:]
        if not direct:
            block[...] = target

    def _decompressed(self, number: int) -> np.ndarray:
        with self._lock:
            if number not in self._cache:
                header = self.headers[number]
                with opened(header.path) as stream:
                    self._cache[number] = np.array(stream.data, dtype=np.float32).reshape(header.shape)
            return self._cache[number]

    def _check(self, images: np.ndarray, stack: np.ndarray, index: np.ndarray) -> None:
        """Refuse images without a signal; a cheap sum decides, and only suspects are looked at closely."""
        flat = images.reshape(images.shape[0], -1)
        power = np.einsum("np,np->n", flat, flat)
        if np.all((power > 0) & (power < np.inf)):
            return
        remedy = "Take it out of the table or write it again"
        for image, number, position in zip(flat, stack, index):
            got = f"image {position + 1} of {self.headers[number].path}"
            finite = bool(np.isfinite(image).all())
            must(finite, "every image must hold finite pixels", f"NaN or infinity in {got}", remedy, FormatError)
            must(bool(image.any()), "every image must hold a signal", f"zeros only in {got}", remedy, FormatError)


def open_stack(header: Header) -> xr.Variable:
    """Return all images of one stack as a lazy variable.

    Parameters
    ----------
    header : Header
        The stack.

    Returns
    -------
    xarray.Variable
        float32, dims (particle, y, x).
    """
    count = header.shape[0]
    return lazy(ImageStacks([header], np.zeros(count, int), np.arange(count)))


def lazy(stacks: ImageStacks) -> xr.Variable:
    """Return images as a variable that reads them when its values are asked for.

    Parameters
    ----------
    stacks : ImageStacks
        The images.

    Returns
    -------
    xarray.Variable
        float32, dims (particle, y, x).
    """
    return xr.Variable(("particle", "y", "x"), indexing.LazilyIndexedArray(stacks))


def image_names(image: xr.DataArray) -> list[tuple[int, Path]] | None:
    """Return where the images of a variable come from, if it still is a view of files.

    Parameters
    ----------
    image : xarray.DataArray
        Images (particle, y, x), perhaps a selection of particles.

    Returns
    -------
    list of tuple of int and pathlib.Path, or None
        Number in the stack, from 1, and the stack; None if the pixels are in memory or cropped.
    """
    data = image.variable._data
    if not isinstance(data, indexing.LazilyIndexedArray) or not isinstance(data.array, ImageStacks):
        return None
    particle, *rest = data.key.tuple
    if any(_selects(part, size) for part, size in zip(rest, data.array.shape[1:])):
        return None
    return data.array.names(particle)


def _runs(stack: np.ndarray, index: np.ndarray) -> Iterator[tuple[int, int]]:
    """Yield the bounds of images that are neighbours in one file."""
    if stack.size == 0:
        return
    breaks = np.flatnonzero((np.diff(stack) != 0) | (np.diff(index) != 1)) + 1
    bounds = [0, *breaks.tolist(), stack.size]
    yield from zip(bounds, bounds[1:])


def _selects(key: Any, size: int) -> bool:
    return not (isinstance(key, slice) and key.indices(size) == (0, size, 1))


def _image_shape(headers: Sequence[Header]) -> tuple[int, int]:
    for header in headers:
        rows, columns = header.shape[1:]
        got = f"{rows} x {columns} in {header.path}"
        must(rows == columns, "particle images must be square [pixel]", got, "Crop or pad them", FormatError)
        first = headers[0]
        rule = "particle images must all have the same size [pixel]"
        got = f"{first.shape[1]} in {first.path.name} and {rows} in {header.path.name}"
        must(header.shape[1:] == first.shape[1:], rule, got, "Split the table by image size", FormatError)
    return headers[0].shape[1:]


def _check_counts(headers: Sequence[Header], stack: np.ndarray, index: np.ndarray) -> None:
    needed = np.full(len(headers), -1, np.int64)
    np.maximum.at(needed, stack, index)
    for header, most in zip(headers, needed):
        rule = f"{header.path} must hold every image that the table names"
        got = f"{header.shape[0]} images where image {most + 1} is named"
        must(most < header.shape[0], rule, got, "Use the stack that belongs to this table", FormatError)
    rule = "images must be numbered from 1"
    must(index.size == 0 or int(index.min()) >= 0, rule, int(index.min(initial=0)) + 1, "Mend the table", FormatError)
