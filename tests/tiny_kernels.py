"""Kernels so small that what a backend does with them is plain: what tests of backends launch."""

import numpy as np


def make_product(target, factor):
    @target.function
    def product(image, row, column, source, result):
        result[image, row, column] = source[image, row, column] * np.float32(factor)

    return product


def make_histogram(target):
    add = target.add

    @target.function
    def histogram(image, row, column, first_plane, last_plane, plane, value, result):
        chosen = plane[image, row, column]
        if first_plane <= chosen < last_plane:
            add(result, np.uintp(chosen), value[image, row, column])

    return histogram
