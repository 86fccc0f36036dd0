"""The poses that a search keeps of every image, with their scores and shares."""

import dataclasses
from typing import Any, Self

import numpy as np

from ..backends import backend_of


@dataclasses.dataclass(frozen=True)
class Candidates:
    """Poses kept of m images, k each, best first.

    Attributes
    ----------
    rotation : ndarray, (m, k, 3, 3), float64
        Object to image frame.
    shift : ndarray, (m, k, 2), float64
        Displacement along x and y that centres the image, as a fraction of the field of view.
    class_index : ndarray, (m, k), int64
        Class of each pose, from 0.
    score : ndarray, (m, k), float64
        Log-likelihood ratio against an empty image [1]; minus infinity for a place that holds no pose.
    correlation : ndarray, (m, k), float64
        Normalised cross-correlation of image and slice within the limit.
    scale : ndarray, (m, k), float64
        Amplitude of the slice in the image.
    weight : ndarray, (m, k), float64
        Share of the image that goes to each pose; sums to one an image.
    class_posterior : ndarray, (m, classes), float64
        Share of the image in each class; sums to one an image.
    hypotheses : ndarray, (m,), int64
        Poses that were compared to find these.
    """

    rotation: np.ndarray
    shift: np.ndarray
    class_index: np.ndarray
    score: np.ndarray
    correlation: np.ndarray
    scale: np.ndarray
    weight: np.ndarray
    class_posterior: np.ndarray
    hypotheses: np.ndarray

    def __len__(self) -> int:
        return len(self.score)

    def __getitem__(self, chosen: np.ndarray | slice) -> Self:
        """Return the candidates of some images.

        Parameters
        ----------
        chosen : ndarray or slice
            Which images.

        Returns
        -------
        Candidates
            Theirs.
        """
        return type(self)(**{name: values[chosen] for name, values in self.arrays().items()})

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the arrays by name.

        Returns
        -------
        dict of str to ndarray
            All attributes.
        """
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}

    @classmethod
    def scored(cls, found: tuple[Any, Any, Any], energy: Any, classes: int, hypotheses: np.ndarray) -> Self:
        """Return the candidates of some images from what a search found, put in order where it lives.

        Parameters
        ----------
        found : tuple of array
            Poses (m, k, 11), float32: rotation, row by row, and shift; their classes (m, k), int64; and (m, k, 3),
            float32: log-likelihood ratio, sum Re(Y M*) and sum abs(M)^2.
        energy : array, (m, 1), float64
            Sum abs(Y)^2 of every image.
        classes : int
            How many there are.
        hypotheses : ndarray, (m,), int64
            Poses that were compared.

        Returns
        -------
        Candidates
            On the host.
        """
        backend, (poses, members, result) = backend_of(found[0]), found
        xp, score = backend.xp, result[..., 0].astype(np.float64)
        order = xp.argsort(-score, axis=1, kind="stable")
        members, score = (xp.take_along_axis(part, order, 1) for part in (members, score))
        poses, result = (xp.take_along_axis(part, order[..., None], 1) for part in (poses, result))
        held = xp.isfinite(score)
        cross, power = (xp.where(held, result[..., place], 0.0).astype(np.float64) for place in (1, 2))
        strength = xp.sqrt(xp.maximum(power * energy, np.finfo(np.float32).tiny))
        share = xp.exp(score - score.max(axis=1, keepdims=True)) if score.size else score
        share = share / xp.where(held.any(axis=1), share.sum(axis=1), 1.0)[:, None]
        inside = members[..., None] == xp.arange(classes)
        arrays = {
            "rotation": _orthonormal(poses[..., :9].reshape(*members.shape, 3, 3).astype(np.float64)),
            "shift": poses[..., 9:].astype(np.float64),
            "class_index": members.astype(np.int64),
            "score": score,
            "correlation": cross / strength,
            "scale": xp.maximum(cross, 0.0) / xp.maximum(power, np.finfo(np.float32).tiny),
            "weight": share,
            "class_posterior": xp.minimum((inside * share[..., None]).sum(axis=1), 1.0),
        }
        arrays = {name: backend.download(values) for name, values in arrays.items()}
        return cls(hypotheses=hypotheses.astype(np.int64), **arrays)

    @classmethod
    def joined(cls, parts: list[Self], order: np.ndarray | None = None) -> Self:
        """Return the candidates of several groups of images as those of one.

        Parameters
        ----------
        parts : list of Candidates
            Groups, with as many places an image and as many classes.
        order : ndarray, (m,), int, optional
            Where in the result each row of the joined groups goes; as they come if not given.

        Returns
        -------
        Candidates
            All of them.
        """
        names = parts[0].arrays()
        arrays = {name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
        if order is not None:
            back = np.argsort(order, kind="stable")
            arrays = {name: values[back] for name, values in arrays.items()}
        return cls(**arrays)

    def widened(self, places: int) -> Self:
        """Return the same poses with more places an image; the further ones hold no pose.

        Parameters
        ----------
        places : int
            Places an image, at least as many as there are.

        Returns
        -------
        Candidates
            The poses.
        """
        more = places - self.score.shape[1]
        if more <= 0:
            return self

        def grown(values: np.ndarray) -> np.ndarray:
            return np.concatenate([values, np.repeat(values[:, :1], more, axis=1)], axis=1)

        a_pose = ("rotation", "shift", "class_index", "score", "correlation", "scale", "weight")
        wide = {name: grown(getattr(self, name)) for name in a_pose}
        wide["score"][:, -more:] = -np.inf
        for name in ("correlation", "scale", "weight"):
            wide[name][:, -more:] = 0.0
        return dataclasses.replace(self, **wide)

    @property
    def best(self) -> np.ndarray:
        """Place of the best pose of every image, (m,), int64."""
        return np.argmax(self.score, axis=1)

    def of_best(self, name: str) -> np.ndarray:
        """Return one attribute of the best pose of every image.

        Parameters
        ----------
        name : str
            Attribute with one entry a pose.

        Returns
        -------
        ndarray, (m, ...)
            Its values.
        """
        return getattr(self, name)[np.arange(len(self)), self.best]

    def hard(self) -> Self:
        """Return the same poses with all of each image given to its best one, and its class.

        Returns
        -------
        Candidates
            With weights and class posteriors of zero or one.
        """
        rows, best = np.arange(len(self)), self.best
        weight, posterior = np.zeros_like(self.weight), np.zeros_like(self.class_posterior)
        weight[rows, best] = 1.0
        posterior[rows, self.class_index[rows, best]] = 1.0
        return dataclasses.replace(self, weight=weight, class_posterior=posterior)

    def best_of_each_class(self) -> Self:
        """Return the same poses with the share of each class given to the best pose in it.

        Returns
        -------
        Candidates
            With at most one weighted pose a class and image.
        """
        weight = np.zeros_like(self.weight)
        rows = np.arange(len(self))
        for number in range(self.class_posterior.shape[1]):
            inside = np.where(self.class_index == number, self.score, -np.inf)
            place = np.argmax(inside, axis=1)
            held = np.isfinite(inside[rows, place])
            weight[rows[held], place[held]] = self.class_posterior[held, number]
        total = weight.sum(axis=1, keepdims=True)
        return dataclasses.replace(self, weight=weight / np.where(total > 0, total, 1.0))


def _orthonormal(turns: Any) -> Any:
    """Return rotations whose rounding errors are taken out: rows made orthogonal and of length one."""
    xp = backend_of(turns).xp
    first = turns[..., 0, :] / xp.linalg.norm(turns[..., 0, :], axis=-1, keepdims=True)
    second = turns[..., 1, :] - (turns[..., 1, :] * first).sum(axis=-1, keepdims=True) * first
    second /= xp.linalg.norm(second, axis=-1, keepdims=True)
    return xp.stack([first, second, xp.cross(first, second)], axis=-2)
