"""Kernel makers for central slices: how a sample is spread on the grid, and how one is read from it.

The grid is half of a Hermitian Fourier volume, flattened, with its origin in the middle of z and y: the value of
frequency (z, y, x) stands at ((z + reach) * side + y + reach) * columns + x + margin with side = 2 reach + 1 and
x >= -margin. Samples with x < 0 are replaced by their conjugate mirror image.
"""

import math
from collections.abc import Callable

import numpy as np

WIDTH = {"nearest": 1, "trilinear": 2, "kaiser_bessel": 4, "kaiser_bessel_8": 8}
_ZERO = np.float32(0.0)
_HALF = np.float32(0.5)
_ONE = np.float32(1.0)
_AHEAD = np.float32(4.0)
_NEXT = np.uintp(1)
_AFTER = np.uintp(2)


def margin(kernel: str) -> int:
    """Return how many columns with x < 0 the grid of a kernel needs.

    Parameters
    ----------
    kernel : {"nearest", "trilinear", "kaiser_bessel", "kaiser_bessel_8"}
        Interpolation kernel.

    Returns
    -------
    int
        Columns.
    """
    return max(0, WIDTH[kernel] // 2 - 1)


def kaiser_bessel_shape(pad_factor: float, kernel: str = "kaiser_bessel") -> float:
    """Return the shape parameter of a Kaiser-Bessel kernel for a padded grid.

    Parameters
    ----------
    pad_factor : float
        Oversampling of Fourier space.
    kernel : {"kaiser_bessel", "kaiser_bessel_8"}, optional
        Which of them: 4 or 8 points wide.

    Returns
    -------
    float
        beta [1].

    References
    ----------
    Beatty, Nishimura & Pauly (2005), eq. 5, doi:10.1109/TMI.2005.848376
    """
    width = WIDTH[kernel]
    return math.pi * math.sqrt((width / pad_factor) ** 2 * (pad_factor - 0.5) ** 2 - 0.8)


def make_footprint(target, kernel: str, shape: float) -> Callable:
    """Return the weight of a kernel at a distance.

    Item    : one distance along one axis [grid step].
    Reads   : nothing.
    Writes  : nothing; returns the weight as float32. Every kernel has integral 1.
    Races   : none.
    Cost    : trilinear 2 flops; Kaiser-Bessel about 25 (a polynomial of the Bessel function).
    Source  : Abramowitz & Stegun 9.8.1-2 for I0; Jackson et al. (1991), doi:10.1109/42.97598, for the kernel.
    """
    if kernel == "nearest":

        @target.function
        def footprint(distance):
            return _ONE

        return footprint
    if kernel == "trilinear":

        @target.function
        def footprint(distance):
            return _ONE - abs(distance)

        return footprint
    bessel = _make_bessel(target)
    beta = np.float32(shape)
    half_width = np.float32(WIDTH[kernel] / 2)
    unit_integral = np.float32(shape / (WIDTH[kernel] * math.sinh(shape)))

    @target.function
    def footprint(distance):
        ratio = distance / half_width
        inside = _ONE - ratio * ratio
        if inside <= _ZERO:
            return _ZERO
        return bessel(beta * np.float32(math.sqrt(inside))) * unit_integral

    return footprint


def _make_bessel(target) -> Callable:
    small = tuple(map(np.float32, (1.0, 3.5156229, 3.0899424, 1.2067492, 0.2659732, 0.0360768, 0.0045813)))
    large = tuple(
        map(
            np.float32,
            (
                0.39894228,
                0.01328592,
                0.00225319,
                -0.00157565,
                0.00916281,
                -0.02057706,
                0.02635537,
                -0.01647633,
                0.00392377,
            ),
        )
    )
    threshold = np.float32(3.75)

    @target.function
    def bessel(argument):
        total = _ZERO
        if argument < threshold:
            ratio = argument / threshold
            square = ratio * ratio
            for power in range(6, -1, -1):
                total = total * square + small[power]
            return total
        inverse = threshold / argument
        for power in range(8, -1, -1):
            total = total * inverse + large[power]
        return total * np.float32(math.exp(argument)) / np.float32(math.sqrt(argument))

    return bessel


def make_fetch_ahead(target, kernel: str) -> Callable:
    """Return the function that asks for the points around a sample to be brought into the cache.

    Item    : one sample, a few columns ahead of the one being inserted.
    Reads   : nothing that counts.
    Writes  : nothing.
    Races   : none.
    Cost    : four requests and 20 operations, against some 100 ns for each point that is not in the cache.
    Source  : the access pattern of `make_insert_slice`, measured: 1.5 times as many images a second at box 128.
    """
    negative_columns = margin(kernel)
    prefetch = target.prefetch

    @target.function
    def fetch_ahead(grid, x, y, z, reach, columns):
        if x < _ZERO:
            x = -x
            y = -y
            z = -z
        side = 2 * reach + 1
        x0 = int(x)
        y0 = int(y + np.float32(reach))
        z0 = int(z + np.float32(reach))
        if x0 < reach and 0 < y0 < side - 1 and 0 < z0 < side - 1:
            point = ((z0 * side + y0) * columns + x0 + negative_columns) * 3
            line = columns * 3
            prefetch(grid, np.uintp(point))
            prefetch(grid, np.uintp(point + line))
            prefetch(grid, np.uintp(point + side * line))
            prefetch(grid, np.uintp(point + side * line + line))

    return fetch_ahead


def make_insert_slice(target, kernel: str, shape: float) -> Callable:
    """Return the function that spreads one Fourier coefficient of one image on the grid.

    Item    : (image, row, column): one coefficient of the half transform of one image, for all symmetry operators.
    Reads   : weight[image, row, column] (zero = skip), coefficient (complex), rotation[image, operator].
    Writes  : adds coefficient and weight, times the kernel, to grid[..., 0:3] of width^3 points in its own planes.
    Races   : points are shared between items: one thread owns a plane, or `add` is atomic.
    Cost    : trilinear: 8 points x 3 additions and about 60 flops; 96 bytes written for 12 bytes read.
    Source  : Scheres (2012), doi:10.1016/j.jsb.2012.09.006, eq. 5.
    """
    width = WIDTH[kernel]
    below = width // 2 - 1 if width > 1 else 0
    rounding = _HALF if width == 1 else _ZERO
    negative_columns = margin(kernel)
    footprint = make_footprint(target, kernel, shape)
    add = target.add
    fetch_ahead = make_fetch_ahead(target, kernel)

    @target.function
    def insert_slice(
        image, row, column, first_plane, last_plane, coefficient, weight, rotation, scale, edge, reach, columns, grid
    ):
        amount = weight[image, row, column]
        if amount == _ZERO:
            return
        rows = weight.shape[1]
        line = row if row < (rows + 1) // 2 else row - rows
        ky = np.float32(line) * scale
        kx = np.float32(column) * scale
        shift = np.float32(reach)
        side = 2 * reach + 1
        for operator in range(rotation.shape[1]):
            x = kx * rotation[image, operator, 0, 0] + ky * rotation[image, operator, 1, 0]
            y = kx * rotation[image, operator, 0, 1] + ky * rotation[image, operator, 1, 1]
            z = kx * rotation[image, operator, 0, 2] + ky * rotation[image, operator, 1, 2]
            step = _AHEAD * scale
            fetch_ahead(
                grid,
                x + step * rotation[image, operator, 0, 0],
                y + step * rotation[image, operator, 0, 1],
                z + step * rotation[image, operator, 0, 2],
                reach,
                columns,
            )
            real = coefficient[image, row, column].real
            imaginary = coefficient[image, row, column].imag
            if x < _ZERO:
                x = -x
                y = -y
                z = -z
                imaginary = -imaginary
            if x > edge or abs(y) > edge or abs(z) > edge:
                continue
            x0 = int(x + rounding) - below
            y0 = int(y + rounding + shift) - reach - below
            z0 = int(z + rounding + shift) - reach - below
            for dz in range(width):
                plane = z0 + dz + reach
                if plane < first_plane or plane >= last_plane:
                    continue
                weight_z = footprint(z - np.float32(z0 + dz))
                for dy in range(width):
                    weight_zy = weight_z * footprint(y - np.float32(y0 + dy))
                    start = ((plane * side + y0 + dy + reach) * columns + x0 + negative_columns) * 3
                    for dx in range(width):
                        part = weight_zy * footprint(x - np.float32(x0 + dx))
                        point = np.uintp(start + 3 * dx)
                        add(grid, point, part * real)
                        add(grid, point + _NEXT, part * imaginary)
                        add(grid, point + _AFTER, part * amount)

    return insert_slice


def make_sample(target, kernel: str, shape: float) -> Callable:
    """Return the function that reads the value of a grid at one point.

    Item    : one point (x, y, z) [grid step].
    Reads   : width^3 complex points of the grid.
    Writes  : nothing; returns the real and the imaginary part, zero beyond the edge.
    Races   : none.
    Cost    : trilinear: 8 points, about 50 flops; 64 bytes read.
    Source  : Crowther, DeRosier & Klug (1970), doi:10.1098/rspa.1970.0119, for the projection-slice theorem.
    """
    width = WIDTH[kernel]
    below = width // 2 - 1 if width > 1 else 0
    rounding = _HALF if width == 1 else _ZERO
    negative_columns = margin(kernel)
    footprint = make_footprint(target, kernel, shape)

    @target.function
    def sample(x, y, z, grid, edge, reach, columns):
        shift = np.float32(reach)
        sign = _ONE
        if x < _ZERO:
            x = -x
            y = -y
            z = -z
            sign = -_ONE
        real = _ZERO
        imaginary = _ZERO
        if x > edge or abs(y) > edge or abs(z) > edge:
            return real, imaginary
        x0 = int(x + rounding) - below
        y0 = int(y + rounding + shift) - reach - below
        z0 = int(z + rounding + shift) - reach - below
        side = 2 * reach + 1
        for dz in range(width):
            weight_z = footprint(z - np.float32(z0 + dz))
            for dy in range(width):
                weight_zy = weight_z * footprint(y - np.float32(y0 + dy))
                start = ((z0 + dz + reach) * side + y0 + dy + reach) * columns + x0 + negative_columns
                for dx in range(width):
                    part = weight_zy * footprint(x - np.float32(x0 + dx))
                    value = grid[np.uintp(start + dx)]
                    real += part * value.real
                    imaginary += part * value.imag
        return real, sign * imaginary

    return sample


def make_extract_slice(target, kernel: str, shape: float) -> Callable:
    """Return the function that reads one Fourier coefficient of one central slice from the grid.

    Item    : (image, row, column): one coefficient of the half transform of one image.
    Reads   : width^3 complex points of grid, rotation[image], inside[row, column] (zero = outside the limit).
    Writes  : slices[image, row, column].
    Races   : none.
    Cost    : trilinear: 8 points, about 60 flops; 64 bytes read for 8 written.
    Source  : as `make_sample`.
    """
    sample = make_sample(target, kernel, shape)

    @target.function
    def extract_slice(image, row, column, grid, rotation, inside, scale, edge, reach, columns, slices):
        slices[image, row, column] = 0.0
        if inside[row, column] == _ZERO:
            return
        rows = inside.shape[0]
        line = row if row < (rows + 1) // 2 else row - rows
        ky = np.float32(line) * scale
        kx = np.float32(column) * scale
        x = kx * rotation[image, 0, 0] + ky * rotation[image, 1, 0]
        y = kx * rotation[image, 0, 1] + ky * rotation[image, 1, 1]
        z = kx * rotation[image, 0, 2] + ky * rotation[image, 1, 2]
        real, imaginary = sample(x, y, z, grid, edge, reach, columns)
        slices[image, row, column] = complex(real, imaginary)

    return extract_slice


def make_extract_ring(target, kernel: str, shape: float) -> Callable:
    """Return the function that reads one coefficient of one ring of one central slice from the grid.

    Item    : (image, ring, angle): one coefficient at radius[ring] and at the angle whose cosine and sine are given.
    Reads   : width^3 complex points of grid, rotation[image], radius[ring], cosine[angle], sine[angle].
    Writes  : rings[image, ring, angle].
    Races   : none.
    Cost    : as `make_extract_slice`.
    Source  : as `make_sample`.
    """
    sample = make_sample(target, kernel, shape)

    @target.function
    def extract_ring(image, ring, angle, grid, rotation, radius, cosine, sine, scale, edge, reach, columns, rings):
        ky = radius[ring] * sine[angle] * scale
        kx = radius[ring] * cosine[angle] * scale
        x = kx * rotation[image, 0, 0] + ky * rotation[image, 1, 0]
        y = kx * rotation[image, 0, 1] + ky * rotation[image, 1, 1]
        z = kx * rotation[image, 0, 2] + ky * rotation[image, 1, 2]
        real, imaginary = sample(x, y, z, grid, edge, reach, columns)
        rings[image, ring, angle] = complex(real, imaginary)

    return extract_ring


def make_read_turned(target, kernel: str, shape: float) -> Callable:
    """Return the function that reads one coefficient of the half transform of a map from that of the map turned.

    Item    : (plane, row, column): one coefficient (kz, ky, kx) of a half transform, at rotation (kx, ky, kz).
    Reads   : width^3 complex points of grid, rotation[3, 3].
    Writes  : transform[plane, row, column]; zero where abs(k) > n / 2.
    Races   : none.
    Cost    : eight points wide: 512 points, about 30,000 flops; 4096 bytes read, mostly from the cache, for 8 written.
    Source  : as `make_sample`.
    """
    sample = make_sample(target, kernel, shape)

    @target.function
    def read_turned(plane, row, column, grid, rotation, scale, edge, reach, columns, transform):
        transform[plane, row, column] = 0.0
        size = transform.shape[0]
        height = plane if plane < (size + 1) // 2 else plane - size
        line = row if row < (size + 1) // 2 else row - size
        if 4 * (height * height + line * line + column * column) > size * size:
            return
        kz = np.float32(height) * scale
        ky = np.float32(line) * scale
        kx = np.float32(column) * scale
        x = rotation[0, 0] * kx + rotation[0, 1] * ky + rotation[0, 2] * kz
        y = rotation[1, 0] * kx + rotation[1, 1] * ky + rotation[1, 2] * kz
        z = rotation[2, 0] * kx + rotation[2, 1] * ky + rotation[2, 2] * kz
        real, imaginary = sample(x, y, z, grid, edge, reach, columns)
        transform[plane, row, column] = complex(real, imaginary)

    return read_turned
