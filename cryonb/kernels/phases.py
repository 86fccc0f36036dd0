"""Kernel maker for the phase of a wave, in single precision on every machine."""

from collections.abc import Callable

import numpy as np

_ZERO = np.float32(0.0)
_EIGHTH = np.float32(0.125)
_QUARTER = np.float32(0.25)
_HALF = np.float32(0.5)
_ONE = np.float32(1.0)

LARGEST = 2.0**22
"""Turns from which on `make_wave` is not to be asked: a float32 knows no quarter of a turn there."""

_ROUNDING = np.float32(1.5 * 2.0**23)
_ODD = tuple(map(np.float32, (6.283185220341532, -41.34162804251888, 81.58812461207933, -75.24006296889577)))
_EVEN = tuple(map(np.float32, (-19.739208693655414, 64.93932647151891, -85.44374171069833, 59.24596348326925)))


def make_wave(target) -> Callable:
    """Return the function that gives cosine and sine of 2 pi times a number of turns.

    Item    : one phase [turns], float32, below `LARGEST` either way.
    Reads   : nothing.
    Writes  : nothing; returns cosine and sine as float32, 1e-7 from the true ones at most.
    Races   : none.
    Cost    : 30 flops, without a branch; the mathematics library of a GPU takes double precision for large angles.
    Source  : minimax polynomials for an eighth of a turn, fitted with Lawson's weights; errors 1.2e-9 and 6e-11.
    """
    odd_1, odd_3, odd_5, odd_7 = _ODD
    even_2, even_4, even_6, even_8 = _EVEN

    @target.function
    def wave(turns):
        # Adding so much leaves no bit for a fraction: what comes back is the nearest whole number.
        part = turns - ((turns + _ROUNDING) - _ROUNDING)
        size = abs(part)
        folded = min(size, _HALF - size)
        swapped = folded > _EIGHTH
        small = _QUARTER - folded if swapped else folded
        square = small * small
        across = small * (odd_1 + square * (odd_3 + square * (odd_5 + square * odd_7)))
        along = _ONE + square * (even_2 + square * (even_4 + square * (even_6 + square * even_8)))
        cosine, sine = (across, along) if swapped else (along, across)
        return -cosine if size > _QUARTER else cosine, -sine if part < _ZERO else sine

    return wave
