"""Hearts of nobody in particular: drawn, moved towards a pathology, brought to given volumes."""

import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

from cmrtf.core.measures import VOLUMES, measure_volumes_ml
from cmrtf.errors import CmrtfError
from cmrtf.synthesis.anatomy import Anatomy
from cmrtf.synthesis.protocols import Decoder

VENTRICLES = [(VOLUMES.index(f"{name}_ED"), VOLUMES.index(f"{name}_ES")) for name in ("LV", "RV")]
"""Where in `VOLUMES` EDV and ESV of a ventricle are."""

CLOSE_ENOUGH = 0.02
"""Relative difference to a wanted volume at which the search stops."""
MAX_ROUNDS = 30
LARGEST_STEP = 0.25
"""Largest relative change of a volume in one round: further away the regression says little."""
MAX_MIXTURES = 4
SMALL_WEIGHTS, NO_MORE_THAN_ALL = 0.05, 30.0
"""How much weights of hearts that are mixed in cost, squared, beside squared differences of logarithms of
volumes; and how strictly they add up to 1, the heart itself included."""
SMALLEST_ML = 0.1
"""What a structure that vanished is taken to measure."""
PARENTS = 4
"""Known hearts that a new one lies between: more are safer to give nobody away, and more alike."""
LARGEST_WEIGHT = 0.5
"""Of a parent: nobody is more than half of a new heart."""
CANDIDATES = 20_000
"""Hearts drawn, as volumes only, in search of one that fulfils conditions."""


@dataclass(frozen=True)
class DrawnHeart:
    """A new heart, and what it was drawn from.

    Args:
        anatomy: its shape.
        wanted_ml: volumes that it should have, `(6,)`, by `VOLUMES`. What is decoded differs: `reach` them.
        parents: numbers of the known hearts between which it lies, with their weights, which sum up to 1.
    """

    anatomy: Anatomy
    wanted_ml: NDArray[np.float64]
    parents: dict[int, float]


@dataclass(frozen=True)
class AnatomyPrior:
    """Whole hearts, both phases and all slices together, and new ones between them.

    A new heart is a random point between `PARENTS` known ones of its pathology, none of them more than half
    of it, as the decoder was trained to take points between two. So slices of a stack fit each other, and ES
    fits ED, as they do in each parent. Means of hearts vary less than hearts; what that takes from the spread
    of the volumes is given back (Silverman and Young, *The bootstrap: to smooth or not to smooth?*,
    Biometrika 1987; 74:469), the shape stays between.

    Args:
        codes: of known hearts, `(subjects, 2, PLACES, latent_dim)`; see `Anatomy`.
        ends_mm: `(subjects, 2, 2)`.
        poses: `(subjects, 3)`.
        volumes_ml: `(subjects, 6)`, by `VOLUMES`.
        slice_spacing_mm: `(subjects,)`.
        pathologies: `(subjects,)`; empty where unknown.
        usual_landmarks: `(2, 2)`, of the pose that codes are without; see `cmrtf.shape.pose`.

    Reference:
        Amirrajab et al. (2022, 2023) draw truncated normals slice by slice and correlate them afterwards
        without centring them, which changes their means and spreads.
    """

    codes: NDArray[np.float32]
    ends_mm: NDArray[np.float32]
    poses: NDArray[np.float32]
    volumes_ml: NDArray[np.float64]
    slice_spacing_mm: NDArray[np.float64]
    pathologies: NDArray[np.str_]
    usual_landmarks: NDArray[np.float64]

    @classmethod
    def of(
        cls,
        anatomies: Sequence[Anatomy],
        volumes_ml: NDArray[np.float64],
        slice_spacing_mm: NDArray[np.float64],
        pathologies: NDArray[np.str_],
        usual_landmarks: NDArray[np.float64],
    ) -> "AnatomyPrior":
        """Of known hearts, two or more."""
        return cls(
            np.stack([anatomy.codes for anatomy in anatomies]),
            np.stack([anatomy.ends_mm for anatomy in anatomies]),
            np.stack([anatomy.pose for anatomy in anatomies]),
            volumes_ml,
            slice_spacing_mm,
            pathologies,
            usual_landmarks,
        )

    @classmethod
    def load(cls, path: Path) -> "AnatomyPrior":
        """Read what `save` wrote.

        Raises:
            CmrtfError: the file is missing or holds something else.
        """
        try:
            with np.load(path) as arrays:
                return cls(**{name: arrays[name] for name in cls.__dataclass_fields__})
        except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile) as error:
            raise CmrtfError(f"{path}: expected the known hearts of a bundle. Received: {error}.") from error

    def save(self, path: Path) -> None:
        """Write all arrays into one npz file."""
        np.savez(path, **{name: getattr(self, name) for name in self.__dataclass_fields__})

    def mean(self, pathology: str | None = None) -> Anatomy:
        """The average heart of all subjects or of one pathology."""
        chosen = self._chosen(pathology)
        return Anatomy(
            self.codes[chosen].mean(axis=0),
            self.ends_mm[chosen].mean(axis=0),
            self.poses[chosen].mean(axis=0),
        )

    def draw(
        self,
        rng: np.random.Generator,
        pathology: str,
        accept: Callable[[NDArray[np.float64]], NDArray[np.bool_]],
    ) -> DrawnHeart:
        """A new heart.

        Args:
            rng: draws.
            pathology: whose hearts it lies between.
            accept: volumes `(candidates, 6)` in ml to whether they will do.

        Raises:
            CmrtfError: fewer than `PARENTS` hearts have this pathology, or no candidate will do.
        """
        weights = self._weights(rng, pathology)
        log_ml = _log(self.volumes_ml)
        mean = log_ml[self._chosen(pathology)].mean(axis=0)
        # Exact where hearts are many. Of few, such as eight, a third of the spread is still missing: with all
        # of it shapes would have too far to go, and a quarter fewer of them would be valid.
        spread_left = np.linalg.norm(weights, axis=1, keepdims=True)
        volumes_ml = np.exp(mean + (weights @ log_ml - mean) / spread_left)
        ejects = (volumes_ml[:, 3] < volumes_ml[:, 0]) & (volumes_ml[:, 5] < volumes_ml[:, 2])
        possible = ejects & accept(volumes_ml)
        if not possible.any():
            raise CmrtfError(
                f"expected conditions that one in {CANDIDATES:,} hearts fulfils. Received: none."
            )
        first = int(possible.argmax())
        parents = np.flatnonzero(weights[first])
        return DrawnHeart(
            Anatomy(*(_mix(weights[first], of) for of in (self.codes, self.ends_mm, self.poses))),
            volumes_ml[first],
            dict(zip(parents.tolist(), weights[first][parents].tolist(), strict=True)),
        )

    def drawable(self) -> list[str]:
        """Pathologies that new hearts can be drawn of.

        Raises:
            CmrtfError: none has `PARENTS` known hearts.
        """
        names, counts = np.unique(self.pathologies, return_counts=True)
        if counts.max() < PARENTS:
            raise CmrtfError(
                f"expected {PARENTS} known hearts or more of one pathology. Received: {counts.max()} at most."
            )
        return names[counts >= PARENTS].tolist()

    def towards(self, anatomy: Anatomy, start: str | None, end: str, amount: float) -> Anatomy:
        """Move a heart along the way from the mean of one pathology (None: of all) to that of another.

        Its pose stays; amount 1 is the whole way.

        Raises:
            CmrtfError: nobody has such a pathology.
        """
        a, b = self.mean(start), self.mean(end)
        return replace(
            anatomy,
            codes=anatomy.codes + np.float32(amount) * (b.codes - a.codes),
            ends_mm=anatomy.ends_mm + np.float32(amount) * (b.ends_mm - a.ends_mm),
        )

    def move_volumes(
        self, volumes_ml: NDArray[np.float64], start: str | None, end: str, amount: float
    ) -> NDArray[np.float64]:
        """Move volumes by the mean difference of two pathologies (None: of all).

        Differences are of logarithms, for ventricles in ES of log-odds of ESV / EDV: every heart ejects.

        Args:
            volumes_ml: `(6,)`, by `VOLUMES`.
            start: pathology.
            end: pathology.
            amount: 1 is the whole difference.

        Raises:
            CmrtfError: nobody has such a pathology.
        """
        known = _to_scale(self.volumes_ml)
        difference = known[self._chosen(end)].mean(axis=0) - known[self._chosen(start)].mean(axis=0)
        return _from_scale(_to_scale(volumes_ml) + amount * difference)

    def approach(
        self, models: Decoder, anatomy: Anatomy, wanted_ml: NDArray[np.float64], slice_spacing_mm: float
    ) -> Anatomy:
        """Mix known hearts into one until its volumes are near wanted ones.

        A heart that moves far looks like one only between hearts, so it goes there as long as volumes are far
        off; `reach` does the rest. Weights are the smallest that add up to the difference of the logarithms
        of the volumes, none below 0 (Lawson and Hanson, *Solving Least Squares Problems*, 1974, ch. 23).

        Args:
            models: a bundle.
            anatomy: where to start.
            wanted_ml: `(6,)`, by `VOLUMES`.
            slice_spacing_mm: of the stack whose volumes are meant.

        Returns:
            the closest heart found, in the pose of the first.
        """
        start, wanted = self._measured(models, anatomy, slice_spacing_mm), _log(wanted_ml)
        num_hearts, goal, closest, missing = len(self.codes), wanted, anatomy, np.abs(wanted - start).max()
        terms = np.zeros((len(VOLUMES) + num_hearts + 1, num_hearts + 1))
        terms[: len(VOLUMES), :-1] = (_log(self.volumes_ml) - start).T
        terms[len(VOLUMES) : -1, :-1] = np.sqrt(SMALL_WEIGHTS) * np.eye(num_hearts)
        terms[-1] = NO_MORE_THAN_ALL  # the last weight is that of the heart itself
        for _ in range(MAX_MIXTURES):
            if missing < CLOSE_ENOUGH:
                break
            sums = np.concatenate([goal - start, np.zeros(num_hearts), [NO_MORE_THAN_ALL]])
            weights = optimize.nnls(terms, sums)[0][:-1]
            mixed = replace(
                anatomy,
                codes=anatomy.codes + _mix(weights, self.codes - anatomy.codes),
                ends_mm=anatomy.ends_mm + _mix(weights, self.ends_mm - anatomy.ends_mm),
            )
            found = self._measured(models, mixed, slice_spacing_mm)
            if np.abs(wanted - found).max() < missing:
                closest, missing = mixed, np.abs(wanted - found).max()
            goal = goal + wanted - found
        return closest

    def reach(
        self,
        models: Decoder,
        anatomy: Anatomy,
        wanted_ml: NDArray[np.float64],
        slice_spacing_mm: float,
    ) -> Anatomy:
        """Bring a heart to given volumes.

        Codes move in the six directions of the regression of codes on the logarithms of the six volumes,
        which says what else changes where one volume does and the others do not; the length of the heart
        stays. How much the volumes of this heart change along them is learnt on the way (Broyden, *A class
        of methods for solving nonlinear simultaneous equations*, Mathematics of Computation 1965; 19:577).

        Args:
            models: a bundle.
            anatomy: where to start.
            wanted_ml: `(6,)`, by `VOLUMES`.
            slice_spacing_mm: of the stack whose volumes are meant.

        Returns:
            the closest heart found: measure it to know how close.
        """
        log_ml, codes = _log(self.volumes_ml), self.codes.reshape(len(self.codes), -1).astype(np.float64)
        directions = np.linalg.pinv(log_ml - log_ml.mean(axis=0)) @ (codes - codes.mean(axis=0))

        def moved(amounts: NDArray[np.float64]) -> Anatomy:
            step = (amounts @ directions).reshape(anatomy.codes.shape)
            return replace(anatomy, codes=anatomy.codes + step.astype(np.float32))

        at, wanted = np.zeros(len(VOLUMES)), _log(wanted_ml)
        found = self._measured(models, anatomy, slice_spacing_mm)
        jacobian = np.eye(len(VOLUMES))
        closest, missing = at, np.abs(wanted - found).max()
        for _ in range(MAX_ROUNDS):
            if missing < CLOSE_ENOUGH:
                break
            step = np.linalg.lstsq(jacobian, wanted - found)[0]
            step *= min(1.0, LARGEST_STEP / np.abs(step).max())
            at, before = at + step, found
            found = self._measured(models, moved(at), slice_spacing_mm)
            jacobian += np.outer(found - before - jacobian @ step, step) / (step @ step)
            if np.abs(wanted - found).max() < missing:
                closest, missing = at, np.abs(wanted - found).max()
        return moved(closest)

    def _measured(self, models: Decoder, anatomy: Anatomy, slice_spacing_mm: float) -> NDArray[np.float64]:
        """Logarithms of `VOLUMES`."""
        upright = replace(anatomy, pose=np.zeros(3, np.float32))  # which is faster
        return _log(measure_volumes_ml(upright.decode(models, slice_spacing_mm), slice_spacing_mm))

    def _weights(self, rng: np.random.Generator, pathology: str) -> NDArray[np.float64]:
        """`(CANDIDATES, subjects)`, uniform between `PARENTS` hearts each."""
        if pathology not in self.drawable():
            raise CmrtfError(
                f"expected a pathology with {PARENTS} known hearts or more, one of "
                f"{', '.join(self.drawable())}. Received: {pathology!r}."
            )
        hearts = np.flatnonzero(self._chosen(pathology))
        order = rng.permuted(np.tile(hearts, (CANDIDATES, 1)), axis=1)
        weights = np.zeros((CANDIDATES, len(self.codes)))
        shares = rng.dirichlet(np.ones(PARENTS), 4 * CANDIDATES)  # of which half will do
        shares = shares[shares.max(axis=1) <= LARGEST_WEIGHT][:CANDIDATES]
        np.put_along_axis(weights, order[:, :PARENTS], shares, axis=1)
        return weights

    def _chosen(self, pathology: str | None) -> NDArray[np.bool_]:
        chosen = np.full(len(self.codes), True) if pathology is None else self.pathologies == pathology
        if not chosen.any():
            known = ", ".join(sorted(set(self.pathologies)))
            raise CmrtfError(f"expected one of the pathologies {known}. Received: {pathology!r}.")
        return chosen


def _to_scale(volumes_ml: NDArray[np.float64]) -> NDArray[np.float64]:
    """`(..., 6)`: logarithms, and log-odds of ESV / EDV in place of ESV."""
    scaled = _log(volumes_ml)
    for edv, esv in VENTRICLES:
        filled = np.exp(scaled[..., esv] - scaled[..., edv]).clip(0.01, 0.99)
        scaled[..., esv] = np.log(filled / (1.0 - filled))
    return scaled


def _from_scale(scaled: NDArray[np.float64]) -> NDArray[np.float64]:
    volumes_ml = np.exp(scaled)
    for edv, esv in VENTRICLES:
        volumes_ml[..., esv] = volumes_ml[..., edv] / (1.0 + np.exp(-scaled[..., esv]))
    return volumes_ml


def _log(volumes_ml: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.log(np.maximum(volumes_ml, SMALLEST_ML))


def _mix(weights: NDArray[np.float64], values: NDArray[Any]) -> NDArray[np.float32]:
    return np.tensordot(weights, values, 1).astype(np.float32)
