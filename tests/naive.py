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


def gaussian_points(points, weights, width, frequencies, size):
    """Transform about voxel size // 2 of Gaussian points [voxel from there], at frequencies (..., 3) [1 / box]."""
    fall = np.exp(-2.0 * (np.pi * width / size) ** 2 * np.sum(frequencies**2, axis=-1))
    return fall * (np.exp(-2j * np.pi / size * (frequencies @ points.T)) @ weights)


def gaussian_volume(points, weights, width, size):
    """The same points voxel by voxel: (z, y, x)."""
    z, y, x = np.indices((size,) * 3) - size // 2
    volume = np.zeros((size,) * 3)
    for (px, py, pz), weight in zip(points, weights):
        square = (x - px) ** 2 + (y - py) ** 2 + (z - pz) ** 2
        volume += weight * np.exp(-0.5 * square / width**2) / (2.0 * np.pi * width**2) ** 1.5
    return volume


def half_circle(last):
    """One of each pair k and -k with 0 < abs(k) <= last: (coefficients, 2), kx and ky."""
    reach = range(-int(last), int(last) + 1)
    pairs = [(kx, ky) for kx in reach for ky in reach if 0 < kx**2 + ky**2 <= last**2]
    return np.array([(kx, ky) for kx, ky in pairs if kx > 0 or (kx == 0 and ky > 0)], float)


def coefficients(image, plane):
    """Transform of an image about pixel n // 2 at frequencies (m, 2), by a direct sum."""
    y, x = np.indices(image.shape) - image.shape[0] // 2
    phase = np.exp(-2j * np.pi / image.shape[0] * np.outer(plane[:, 0], x.ravel()))
    phase = phase * np.exp(-2j * np.pi / image.shape[0] * np.outer(plane[:, 1], y.ravel()))
    return phase @ image.ravel()


def contrast_transfer(plane, box, defocus_u, defocus_v, angle, voltage, aberration, amplitude):
    """RELION's contrast transfer at frequencies (m, 2) [1 / box], the box in angstrom, aberration in millimetres."""
    volt = 1000.0 * voltage
    wavelength = 12.2642598 / np.sqrt(volt * (1.0 + 0.978475598e-6 * volt))
    values = []
    for kx, ky in plane / box:
        square, turned = kx**2 + ky**2, np.arctan2(ky, kx) - np.deg2rad(angle)
        defocus = 0.5 * (defocus_u + defocus_v) + 0.5 * (defocus_u - defocus_v) * np.cos(2.0 * turned)
        phase = np.pi * wavelength * defocus * square - 0.5 * np.pi * 1e7 * aberration * wavelength**3 * square**2
        values.append(np.sin(phase + np.arcsin(amplitude)))
    return np.array(values)


def rotation(rot, tilt, psi):
    """RELION's matrix of Euler angles [degree]: a turn by rot about z, by tilt about y, by psi about z."""
    a, b, g = np.deg2rad([rot, tilt, psi])

    def about_z(angle):
        return np.array(
            [[np.cos(angle), np.sin(angle), 0], [-np.sin(angle), np.cos(angle), 0], [0, 0, 1]],
        )

    about_y = np.array([[np.cos(b), 0, -np.sin(b)], [0, 1, 0], [np.sin(b), 0, np.cos(b)]])
    return about_z(g) @ about_y @ about_z(a)


def every_rotation(step):
    """Rotations about `step` degrees apart: rings of tilt, as many views on each as fit, all turns in the plane."""
    found = []
    for tilt in np.arange(step / 2, 180.0, step):
        count = max(1, round(360.0 * np.sin(np.deg2rad(tilt)) / step))
        for rot in np.arange(count) * 360.0 / count:
            found += [rotation(rot, tilt, psi) for psi in np.arange(0.0, 360.0, step)]
    return np.array(found)


def compare(data, model, plane, shift, variance):
    """Products of an image, moved by `shift` [fraction of the box], with a model: cross, model's power, data's power.

    Sums over the whole plane of Re(Y conj M), abs(M)^2 and abs(Y)^2, each over the variance of a coefficient.
    """
    moved = data * np.exp(-2j * np.pi * (plane @ np.asarray(shift)))
    products = (moved * model.conj()).real, np.abs(model) ** 2, np.abs(moved) ** 2
    return [2.0 * np.sum(product / variance) for product in products]
