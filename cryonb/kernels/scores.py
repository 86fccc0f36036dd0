"""Kernel makers that compare one image with slices: the best turn in the plane, and the derivatives by the pose.

An image is held as the coefficients of half its plane inside a circle, row by row, divided by the deviation of the
noise: coefficient (kx, ky) stands at start[ky + reach] + kx, for kx >= 0 where ky > 0 and kx >= 1 elsewhere.
"""

import math
from collections.abc import Callable

import numpy as np

from .phases import make_wave

_ZERO = np.float32(0.0)
_ONE = np.float32(1.0)
_TWO_PI = np.float32(2.0 * np.pi)

CROSS, POWER, FIT_OF, FIT_ON, PRODUCTS = 0, 1, 2, 7, 12
"""Where the sums of `make_normal_equations` stand: sum Re(Y M*), sum |M|^2, the five of image and derivative, the five
of slice and derivative, and the fifteen products of derivatives."""

SUMS = 27


def make_best_turn(target, width: int) -> Callable:
    """Return the function that finds the best turns in the plane of one image and shift against some views.

    Item    : (shift, block, nothing): `width` views next to each other; many where one thread walks them, one on a GPU.
    Reads   : even[angle, shift, view] and odd[angle, shift, view] for angles of half a circle.
    Writes  : value[shift, view], turn[shift, view]: the largest of even + odd and even - odd, and where.
    Races   : none.
    Cost    : two additions and two comparisons an angle; 8 bytes read for each.
    Source  : the two halves of a circle of correlations differ by the sign of the odd orders.
    """
    if width == 1:
        return _make_best_turn_of_one(target)

    @target.function
    def best_turn(shift, block, nothing, even, odd, value, turn):
        first = block * width
        last = min(first + width, even.shape[2])
        found, where = value[shift, first:last], turn[shift, first:last]
        for view in range(last - first):
            found[view] = even[0, shift, first + view] + odd[0, shift, first + view]
            where[view] = np.int32(0)
        for angle in range(even.shape[0]):
            one, other = even[angle, shift, first:last], odd[angle, shift, first:last]
            along, across = np.int32(angle), np.int32(angle + even.shape[0])
            for view in range(last - first):
                here, there = one[view] + other[view], one[view] - other[view]
                best = here if here > there else there
                known = found[view]
                where[view] = (along if here > there else across) if best > known else where[view]
                found[view] = best if best > known else known

    return best_turn


def _make_best_turn_of_one(target) -> Callable:
    """Return `best_turn` for one view: what is found stays in registers, and neighbouring threads read neighbours."""

    @target.function
    def best_turn_of_one(shift, view, nothing, even, odd, value, turn):
        half = even.shape[0]
        found, where = even[0, shift, view] + odd[0, shift, view], np.int32(0)
        for angle in range(half):
            one, other = even[angle, shift, view], odd[angle, shift, view]
            here, there = one + other, one - other
            best = here if here > there else there
            if best > found:
                found = best
                where = np.int32(angle) if here > there else np.int32(angle + half)
        value[shift, view] = found
        turn[shift, view] = where

    return best_turn_of_one


def make_value_and_gradient(target) -> Callable:
    """Return the function that reads a trilinear grid and its gradient at one point.

    Item    : one point (x, y, z) [grid step].
    Reads   : 8 complex points of one class of the grid.
    Writes  : nothing; returns real and imaginary part of the value and of its derivatives along x, y and z.
    Races   : none.
    Cost    : about 70 flops; 64 bytes read.
    Source  : derivatives of the trilinear interpolant, cell by cell.
    """

    @target.function
    def value_and_gradient(x, y, z, grid, class_index, edge, reach, columns):
        sign = _ONE
        if x < _ZERO:
            x = -x
            y = -y
            z = -z
            sign = -_ONE
        if x > edge or abs(y) > edge or abs(z) > edge:
            return _ZERO, _ZERO, _ZERO, _ZERO, _ZERO, _ZERO, _ZERO, _ZERO
        shift = np.float32(reach)
        side = 2 * reach + 1
        x0 = int(x)
        y0 = int(y + shift)
        z0 = int(z + shift)
        fx = x - np.float32(x0)
        fy = y + shift - np.float32(y0)
        fz = z + shift - np.float32(z0)
        first = np.uintp((z0 * side + y0) * columns + x0)
        across = np.uintp(columns)
        up = np.uintp(side * columns)
        one = np.uintp(1)
        p000 = grid[class_index, first]
        p001 = grid[class_index, first + one]
        p010 = grid[class_index, first + across]
        p011 = grid[class_index, first + across + one]
        p100 = grid[class_index, first + up]
        p101 = grid[class_index, first + up + one]
        p110 = grid[class_index, first + up + across]
        p111 = grid[class_index, first + up + across + one]
        d00 = p001 - p000
        d01 = p011 - p010
        d10 = p101 - p100
        d11 = p111 - p110
        v00r, v00i = p000.real + fx * d00.real, p000.imag + fx * d00.imag
        v01r, v01i = p010.real + fx * d01.real, p010.imag + fx * d01.imag
        v10r, v10i = p100.real + fx * d10.real, p100.imag + fx * d10.imag
        v11r, v11i = p110.real + fx * d11.real, p110.imag + fx * d11.imag
        e0r, e0i = v01r - v00r, v01i - v00i
        e1r, e1i = v11r - v10r, v11i - v10i
        w0r, w0i = v00r + fy * e0r, v00i + fy * e0i
        w1r, w1i = v10r + fy * e1r, v10i + fy * e1i
        along_x0r = d00.real + fy * (d01.real - d00.real)
        along_x0i = d00.imag + fy * (d01.imag - d00.imag)
        along_x1r = d10.real + fy * (d11.real - d10.real)
        along_x1i = d10.imag + fy * (d11.imag - d10.imag)
        # At a mirrored point the value is the conjugate and the derivative changes its sign as well.
        return (
            w0r + fz * (w1r - w0r),
            sign * (w0i + fz * (w1i - w0i)),
            sign * (along_x0r + fz * (along_x1r - along_x0r)),
            along_x0i + fz * (along_x1i - along_x0i),
            sign * (e0r + fz * (e1r - e0r)),
            e0i + fz * (e1i - e0i),
            sign * (w1r - w0r),
            w1i - w0i,
        )

    return value_and_gradient


def make_row_products(target) -> Callable:
    """Return the function that sums what one row of an image, of its slice and of the slice's derivatives multiply to.

    Item    : one row ky of one image at one pose.
    Reads   : data and transfer of the row, its noise divided out; about 8 points of the grid a coefficient.
    Writes  : nothing; returns 23 sums over kx: Y M; M M, Y x M (both by powers of kx); and with C, the derivative out
              of the plane, and E, that along the turn in the plane: C C, C E, E E, C x M, E x M, C Y, E Y, C M, E M.
    Races   : none.
    Cost    : some 170 flops a coefficient: 70 to interpolate, 30 for the derivatives, 70 for the products.
    Source  : a dot is Re(a* b), a cross is Im(a* b); shifts multiply the slice by 2 pi i k.
    """
    wave = make_wave(target)
    value_and_gradient = make_value_and_gradient(target)

    @target.function
    def row_products(known, passing, first, last, ky, pose, grid, class_index, scale, edge, reach, columns):
        ym = m0 = m1 = m2 = y0 = y1 = c0 = c1 = c2 = ce0 = ce1 = ee = _ZERO
        p0 = p1 = p2 = q0 = q1 = cy0 = cy1 = ey = cm0 = cm1 = em = _ZERO
        step_r, step_i = wave(-pose[9])
        ramp_r, ramp_i = wave(-(ky * pose[10] + np.float32(first) * pose[9]))
        for column in range(first, last + 1):
            kx = np.float32(column)
            value = known[column - first]
            yr = value.real * ramp_r - value.imag * ramp_i
            yi = value.real * ramp_i + value.imag * ramp_r
            ramp_r, ramp_i = ramp_r * step_r - ramp_i * step_i, ramp_r * step_i + ramp_i * step_r
            x = (kx * pose[0] + ky * pose[3]) * scale
            y = (kx * pose[1] + ky * pose[4]) * scale
            z = (kx * pose[2] + ky * pose[5]) * scale
            vr, vi, xr, xi, ur, ui, zr, zi = value_and_gradient(x, y, z, grid, class_index, edge, reach, columns)
            transfer = passing[column - first]
            mr, mi = transfer * vr, transfer * vi
            transfer *= scale
            ax = transfer * (ky * pose[0] - kx * pose[3])
            ay = transfer * (ky * pose[1] - kx * pose[4])
            az = transfer * (ky * pose[2] - kx * pose[5])
            er, ei = ax * xr + ay * ur + az * zr, ax * xi + ay * ui + az * zi
            cr = transfer * (pose[6] * xr + pose[7] * ur + pose[8] * zr)
            ci = transfer * (pose[6] * xi + pose[7] * ui + pose[8] * zi)
            mm, cc, ce = mr * mr + mi * mi, cr * cr + ci * ci, cr * er + ci * ei
            my, pc, qe = mr * yi - mi * yr, cr * mi - ci * mr, er * mi - ei * mr
            cy, cm = cr * yr + ci * yi, cr * mr + ci * mi
            ym, m0, m1, m2 = ym + yr * mr + yi * mi, m0 + mm, m1 + kx * mm, m2 + kx * kx * mm
            y0, y1, c0, c1, c2 = y0 + my, y1 + kx * my, c0 + cc, c1 + kx * cc, c2 + kx * kx * cc
            ce0, ce1, ee = ce0 + ce, ce1 + kx * ce, ee + er * er + ei * ei
            p0, p1, p2, q0, q1 = p0 + pc, p1 + kx * pc, p2 + kx * kx * pc, q0 + qe, q1 + kx * qe
            cy0, cy1, ey = cy0 + cy, cy1 + kx * cy, ey + er * yr + ei * yi
            cm0, cm1, em = cm0 + cm, cm1 + kx * cm, em + er * mr + ei * mi
        return ym, m0, m1, m2, y0, y1, c0, c1, c2, ce0, ce1, ee, p0, p1, p2, q0, q1, cy0, cy1, ey, cm0, cm1, em

    return row_products


def make_normal_equations(target) -> Callable:
    """Return the function that compares an image with the slice at a pose, and with the slice's derivatives.

    Item    : (image, candidate): one pose.
    Reads   : rows of the image inside the limit, start[row].
    Writes  : sums[0:27], as `CROSS` .. `PRODUCTS` say.
    Races   : none; sums belong to the item.
    Cost    : that of `make_row_products`, and 40 flops a row; sums are kept in registers until the last row.
    Source  : Gauss-Newton for y = M(pose) + noise, M = transfer * slice * exp(2 pi i k.shift).
    """
    row_products = make_row_products(target)

    @target.function
    def normal_equations(
        image, data, transfer, start, limit, pose, class_index, grid, scale, edge, reach, columns, sums
    ):
        # f: image with derivatives; g: slice with derivatives; a, b, d, e, h: rows of the triangle of their products.
        cross = power = f0 = f1 = f2 = f3 = f4 = g0 = g1 = g2 = _ZERO
        a0 = a1 = a2 = a3 = a4 = b1 = b2 = b3 = b4 = d2 = d3 = d4 = e3 = e4 = h4 = _ZERO
        furthest = int(limit)
        middle = (start.shape[0] - 1) // 2
        for line in range(-furthest, furthest + 1):
            ky = np.float32(line)
            first = 0 if line > 0 else 1
            last = int(math.sqrt(max(_ZERO, limit * limit - ky * ky)))
            if last < first:
                continue
            place = start[line + middle]
            row = data[image, place + first : place + last + 1]
            passing = transfer[image, place + first : place + last + 1]
            ym, m0, m1, m2, y0, y1, c0, c1, c2, ce0, ce1, ee, p0, p1, p2, q0, q1, cy0, cy1, ey, cm0, cm1, em = (
                row_products(row, passing, first, last, ky, pose, grid, class_index, scale, edge, reach, columns)
            )
            cross, power = cross + ym, power + m0
            f0, f1, f2, f3, f4 = f0 - ky * cy0, f1 + cy1, f2 + ey, f3 + _TWO_PI * y1, f4 + _TWO_PI * ky * y0
            g0, g1, g2 = g0 - ky * cm0, g1 + cm1, g2 + em
            a0, a1, a2 = a0 + ky * ky * c0, a1 - ky * c1, a2 - ky * ce0
            a3, a4 = a3 + ky * _TWO_PI * p1, a4 + ky * ky * _TWO_PI * p0
            b1, b2, b3, b4 = b1 + c2, b2 + ce1, b3 - _TWO_PI * p2, b4 - ky * _TWO_PI * p1
            d2, d3, d4 = d2 + ee, d3 - _TWO_PI * q1, d4 - ky * _TWO_PI * q0
            e3, e4 = e3 + _TWO_PI * _TWO_PI * m2, e4 + _TWO_PI * _TWO_PI * ky * m1
            h4 += _TWO_PI * _TWO_PI * ky * ky * m0
        sums[CROSS], sums[POWER] = cross, power
        of_image, on_slice = (f0, f1, f2, f3, f4), (g0, g1, g2, _ZERO, _ZERO)
        products = (a0, a1, a2, a3, a4, b1, b2, b3, b4, d2, d3, d4, e3, e4, h4)
        for index in range(5):
            sums[FIT_OF + index] = of_image[index]
            sums[FIT_ON + index] = on_slice[index]
        for index in range(15):
            sums[PRODUCTS + index] = products[index]

    return normal_equations
