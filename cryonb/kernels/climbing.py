"""Kernel makers that move a pose uphill: what is climbed, which way, and how far."""

import math
from collections.abc import Callable

import numpy as np

from .phases import make_wave
from .scores import CROSS, FIT_OF, FIT_ON, POWER, PRODUCTS, SUMS, make_normal_equations

_ZERO = np.float32(0.0)
_ONE = np.float32(1.0)
_TWO = np.float32(2.0)
_HALF = np.float32(0.5)
_TINY = np.float32(1e-20)
_EASIER = np.float32(0.2)
_HARDER = np.float32(8.0)
_DAMPING = np.float32(1e-3)
_SETTLED = np.float32(1e-3)
_TURN_LIMIT = np.float32(0.25)
_TURNS = np.float32(0.5 / np.pi)

UNKNOWNS = 5
"""Turns about x, y, z of the image frame, and shifts along x and y."""

WORK = 95
"""Floats of scratch that `make_refine_pose` needs for a pose: sums twice, a pose, the matrix and the change."""


def make_objective(target, free_scale: bool) -> Callable:
    """Return the function that turns sums of an image and its slice into a log-likelihood ratio.

    Item    : one pose.
    Reads   : sums, as `make_normal_equations` leaves them.
    Writes  : nothing; returns the ratio against an empty image, and the amplitude of the slice.
    Races   : none.
    Cost    : 5 flops.
    Source  : 2 a A - a^2 B with a = 1, or with the a = A / B of the best fit.
    """

    @target.function
    def objective(sums, shift_precision, pose):
        cross = sums[CROSS]
        power = max(sums[POWER], _TINY)
        prior = _HALF * shift_precision * (pose[9] * pose[9] + pose[10] * pose[10])
        amplitude = _ONE
        if free_scale:
            amplitude = max(cross, _ZERO) / power
            return cross * abs(cross) / power - prior, amplitude
        return _TWO * cross - power - prior, amplitude

    return objective


def make_step(target, free_scale: bool) -> Callable:
    """Return the function that solves for the change of a pose.

    Item    : one pose.
    Reads   : sums, as `make_normal_equations` leaves them.
    Writes  : matrix[0:25], change[0:5].
    Races   : none; both belong to the item.
    Cost    : 200 flops.
    Source  : Levenberg-Marquardt; with a free amplitude its direction is projected out of the normal equations.
    """

    @target.function
    def step(sums, amplitude, shift_precision, pose, damping, matrix, change):
        power = max(sums[POWER], _TINY)
        place = PRODUCTS
        for row in range(UNKNOWNS):
            change[row] = _TWO * amplitude * (sums[FIT_OF + row] - amplitude * sums[FIT_ON + row])
            for column in range(row, UNKNOWNS):
                product = sums[place]
                if free_scale:
                    product -= sums[FIT_ON + row] * sums[FIT_ON + column] / power
                matrix[row * UNKNOWNS + column] = _TWO * amplitude * amplitude * product
                matrix[column * UNKNOWNS + row] = matrix[row * UNKNOWNS + column]
                place += 1
        for row in range(3, UNKNOWNS):
            matrix[row * UNKNOWNS + row] += shift_precision
            change[row] -= shift_precision * pose[6 + row]
        for row in range(UNKNOWNS):
            matrix[row * UNKNOWNS + row] = matrix[row * UNKNOWNS + row] * (_ONE + damping) + _TINY
        for row in range(UNKNOWNS):
            for column in range(row + 1):
                total = matrix[row * UNKNOWNS + column]
                for inner in range(column):
                    total -= matrix[row * UNKNOWNS + inner] * matrix[column * UNKNOWNS + inner]
                if row == column:
                    matrix[row * UNKNOWNS + row] = np.float32(math.sqrt(max(total, _TINY)))
                else:
                    matrix[row * UNKNOWNS + column] = total / matrix[column * UNKNOWNS + column]
        for row in range(UNKNOWNS):
            total = change[row]
            for inner in range(row):
                total -= matrix[row * UNKNOWNS + inner] * change[inner]
            change[row] = total / matrix[row * UNKNOWNS + row]
        for back in range(UNKNOWNS):
            row = UNKNOWNS - 1 - back
            total = change[row]
            for inner in range(row + 1, UNKNOWNS):
                total -= matrix[inner * UNKNOWNS + row] * change[inner]
            change[row] = total / matrix[row * UNKNOWNS + row]

    return step


def make_moved(target) -> Callable:
    """Return the function that applies a change to a pose.

    Item    : one pose.
    Reads   : pose[0:11]: nine of the rotation, two of the shift; change[0:5].
    Writes  : moved[0:11]; its shift no further out than the range, or than it was.
    Races   : none.
    Cost    : 80 flops.
    Source  : Rodrigues' formula, the turn in the image's frame, cut to 0.25 radian.
    """
    wave = make_wave(target)

    @target.function
    def moved_to(pose, change, shift_range, moved):
        angle = np.float32(math.sqrt(change[0] * change[0] + change[1] * change[1] + change[2] * change[2]))
        kept = min(angle, _TURN_LIMIT)
        ux, uy, uz = _ZERO, _ZERO, _ONE
        if angle > _TINY:
            ux, uy, uz = change[0] / angle, change[1] / angle, change[2] / angle
        c, s = wave(kept * _TURNS)
        d = _ONE - c
        turn = (
            (c + d * ux * ux, d * ux * uy - s * uz, d * ux * uz + s * uy),
            (d * ux * uy + s * uz, c + d * uy * uy, d * uy * uz - s * ux),
            (d * ux * uz - s * uy, d * uy * uz + s * ux, c + d * uz * uz),
        )
        for row in range(3):
            for column in range(3):
                moved[3 * row + column] = (
                    turn[row][0] * pose[column] + turn[row][1] * pose[3 + column] + turn[row][2] * pose[6 + column]
                )
        for axis in range(2):
            furthest = max(shift_range, abs(pose[9 + axis]))
            moved[9 + axis] = min(max(pose[9 + axis] + change[3 + axis], -furthest), furthest)

    return moved_to


def make_refine_pose(target, free_scale: bool) -> Callable:
    """Return the function that refines one pose of one image from where it stands.

    Item    : (image, candidate, nothing).
    Reads   : the image's coefficients inside the limit, the grid of the candidate's class; steps[image, candidate],
              zero to leave the pose alone.
    Writes  : pose[image, candidate, 0:11]; result[image, candidate, 0:3]: log-likelihood ratio, sum Re(Y M*) and
              sum |M|^2.
    Races   : none; `work` belongs to the item.
    Cost    : one more `make_normal_equations` than steps tried.
    Source  : Levenberg-Marquardt.
    """
    normal_equations = make_normal_equations(target)
    objective = make_objective(target, free_scale)
    step = make_step(target, free_scale)
    moved_to = make_moved(target)

    @target.function
    def refine_pose(
        image, candidate, nothing, steps, data, transfer, start, limit, precision, shift_range, class_index, grid,
        scale, edge, reach, columns, pose, result, work,
    ):  # fmt: skip
        if steps[image, candidate] == 0:
            return
        here, own = pose[image, candidate], work[image, candidate]
        group = class_index[image, candidate]
        sums, tried, moved, matrix, change = own[0:27], own[27:54], own[54:65], own[65:90], own[90:95]
        normal_equations(image, data, transfer, start, limit, here, group, grid, scale, edge, reach, columns, sums)
        best, amplitude = objective(sums, precision, here)
        damping = _DAMPING
        for _ in range(steps[image, candidate] - 1):
            step(sums, amplitude, precision, here, damping, matrix, change)
            moved_to(here, change, shift_range, moved)
            normal_equations(
                image, data, transfer, start, limit, moved, group, grid, scale, edge, reach, columns, tried
            )
            found, wanted = objective(tried, precision, moved)
            gained = found - best
            if gained > _ZERO:
                best, amplitude = found, wanted
                for index in range(11):
                    here[index] = moved[index]
                for index in range(SUMS):
                    sums[index] = tried[index]
                damping *= _EASIER
                if gained < _SETTLED:
                    break
            else:
                damping = max(damping, _DAMPING) * _HARDER
        result[image, candidate, 0] = best
        result[image, candidate, 1] = sums[CROSS]
        result[image, candidate, 2] = sums[POWER]

    return refine_pose
