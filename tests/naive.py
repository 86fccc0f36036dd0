"""The slow, obvious oracle: loops over every coefficient, in double precision, that share no code with the package."""

import numpy as np


def signed(index: int, size: int) -> int:
    """Frequency of a row of an FFT; the Nyquist row of an even size counts as negative."""
    return index if index < (size + 1) // 2 else index - size


def kernel_weight(kernel: str, distance: float, beta: float) -> float:
    """Weight of an interpolation kernel at a distance along one axis."""
    if kernel == "nearest":
        return float(-0.5 <= distance < 0.5)
    if kernel == "trilinear":
        return max(0.0, 1.0 - abs(distance))
    inside = 1.0 - (distance / 2.0) ** 2
    return float(np.i0(beta * np.sqrt(inside)) * beta / (4.0 * np.sinh(beta))) if inside > 0 else 0.0


def insert(coefficients, weights, rotations, scale, kernel, beta, reach):
    """Both Hermitian mates of every coefficient, spread one by one on a full cube of points -reach..reach."""
    sums = np.zeros((2 * reach + 1,) * 3, complex)
    totals = np.zeros(sums.shape)
    images, rows, columns = weights.shape
    for image, row, column in np.ndindex(images, rows, columns):
        weight = weights[image, row, column]
        if weight == 0:
            continue
        position = scale * (column * rotations[image][0] + signed(row, rows) * rotations[image][1])
        for sign in (1, -1):
            value = coefficients[image, row, column]
            value = value if sign == 1 else np.conj(value)
            for point in _around(sign * position):
                part = np.prod([kernel_weight(kernel, d, beta) for d in sign * position - point])
                if part:
                    x, y, z = point + reach
                    sums[z, y, x] += part * value
                    totals[z, y, x] += part * weight
    return sums, totals


def extract(transform, rotations, size, scale, kernel, beta):
    """Central slices read one coefficient at a time from a full centred cube [z, y, x]."""
    reach = transform.shape[0] // 2
    result = np.zeros((len(rotations), size, size // 2 + 1), complex)
    for image, row, column in np.ndindex(*result.shape):
        position = scale * (column * rotations[image][0] + signed(row, size) * rotations[image][1])
        for point in _around(position):
            part = np.prod([kernel_weight(kernel, d, beta) for d in position - point])
            x, y, z = point + reach
            if part and max(x, y, z) <= 2 * reach and min(x, y, z) >= 0:
                result[image, row, column] += part * transform[z, y, x]
    return result


def _around(position):
    base = np.floor(position).astype(int)
    return [base + np.array(step) for step in np.ndindex(4, 4, 4) for step in [np.array(step) - 1]]


def fourier_slice(volume, rotation, kx, ky):
    """One coefficient of the exact central slice: a direct sum over all voxels."""
    size = volume.shape[0]
    z, y, x = np.indices(volume.shape) - size // 2
    frequency = kx * rotation[0] + ky * rotation[1]
    phase = (x * frequency[0] + y * frequency[1] + z * frequency[2]) / size
    return np.sum(volume * np.exp(-2j * np.pi * phase))


def cone_sum(first, second, axis, half_angle, shell):
    """Sums over the coefficients of full transforms in one shell of one cone: cross, both powers, and how many."""
    size, sums = first.shape[0], np.zeros(4)
    for place in np.ndindex(*first.shape):
        frequency = np.array([signed(index, size) for index in place[::-1]], float)
        radius = np.linalg.norm(frequency)
        if radius == 0 or int(radius + 0.5) != shell:
            continue
        if abs(frequency @ axis) >= radius * np.cos(np.deg2rad(half_angle)):
            one, other = first[place], second[place]
            sums += [(one * np.conj(other)).real, abs(one) ** 2, abs(other) ** 2, 1]
    return sums
