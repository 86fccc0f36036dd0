"""How poses and shifts are spread over a set of particles: deviates that a uniform draw in [0, 1) stands for."""

import numpy as np
import scipy.special


def truncated_normal(draw: float, sigma: float, limit: float) -> float:
    """Return a normal deviate that stays within a limit.

    Parameters
    ----------
    draw : float
        Uniform in [0, 1).
    sigma : float
        Standard deviation of the normal distribution before it is cut.
    limit : float
        Largest absolute value, in the unit of `sigma`.

    Returns
    -------
    float
        The deviate; 0 where `sigma` or `limit` is 0.

    Examples
    --------
    >>> round(truncated_normal(0.975, 1.0, 9.0), 2), truncated_normal(0.0, 5.0, 1.0)
    (1.96, -1.0)
    """
    if sigma == 0 or limit == 0:
        return 0.0
    below = scipy.special.ndtr(-limit / sigma)
    deviate = sigma * scipy.special.ndtri(below + (1.0 - 2.0 * below) * draw)
    return float(np.clip(deviate, -limit, limit))


def uniform_tilt(draw: float) -> float:
    """Return the tilt of a direction drawn evenly from the sphere.

    Parameters
    ----------
    draw : float
        Uniform in [0, 1).

    Returns
    -------
    float
        Tilt [degree].

    Examples
    --------
    >>> round(uniform_tilt(0.5), 6)
    90.0
    """
    return float(np.rad2deg(np.arccos(1.0 - 2.0 * draw)))


def preferred_tilt(draw: float, view: str, spread: float) -> float:
    """Return the tilt of a particle that prefers to lie in one way.

    Parameters
    ----------
    draw : float
        Uniform in [0, 1).
    view : {"top", "side"}
        Seen along the object's z axis, or across it.
    spread : float
        Standard deviation of the tilt about 0 (in each of two directions) or about 90 [degree].

    Returns
    -------
    float
        Tilt [degree].

    Examples
    --------
    >>> preferred_tilt(0.5, "side", 8.0), round(preferred_tilt(0.5, "top", 8.0), 3)
    (90.0, 9.419)
    """
    if view == "side":
        return 90.0 + truncated_normal(draw, spread, 90.0)
    return float(min(180.0, spread * np.sqrt(-2.0 * np.log1p(-draw))))
