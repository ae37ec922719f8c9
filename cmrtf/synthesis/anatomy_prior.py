"""The distribution of whole hearts that new ones are drawn from, and that changed ones move in."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cmrtf.core.files import new_file
from cmrtf.core.measures import VOLUMES
from cmrtf.errors import CmrtfError
from cmrtf.synthesis.anatomy import Anatomy
from cmrtf.synthesis.bank_files import read_anatomy_bank

VENTRICLES = [(VOLUMES.index(f"{name}_ED"), VOLUMES.index(f"{name}_ES")) for name in ("LV", "RV")]
"""Where in `VOLUMES` EDV and ESV of a ventricle are."""

SMALLEST_ML = 0.1
"""What a structure that vanished is taken to measure."""

PARENTS = 4
"""Training anatomies that a new one lies between: with more of them none can be recognised, and new ones are
more alike."""

LARGEST_WEIGHT = 0.5
"""Of one parent in a new heart, at most."""

CANDIDATES = 20_000
"""Hearts drawn, as volumes only, in search of one that fulfils conditions."""


@dataclass(frozen=True)
class Candidates:
    """Hearts that could be drawn, before any is decoded.

    Args:
        parents: `(candidates, PARENTS)`, numbers of training anatomies.
        weights: `(candidates, PARENTS)`, each row sums up to 1.
        volumes_ml: `(candidates, 6)`, by `VOLUMES`.
    """

    parents: NDArray[np.intp]
    weights: NDArray[np.float64]
    volumes_ml: NDArray[np.float64]


@dataclass(frozen=True)
class DrawnHeart:
    """A new heart, and what it was drawn from.

    Args:
        anatomy: its shape.
        wanted_ml: volumes that it should have, `(6,)`, by `VOLUMES`. What is decoded differs: see
            `cmrtf.synthesis.volume_matching`.
        parents: numbers of the training anatomies between which it lies, with their weights, which sum
            up to 1.
    """

    anatomy: Anatomy
    wanted_ml: NDArray[np.float64]
    parents: dict[int, float]


@dataclass(frozen=True)
class AnatomyPrior:
    """Whole hearts, both phases and all slices together, and new ones between them.

    A new heart is a random point between `PARENTS` training anatomies of its pathology, none of them more
    than half of it, as the decoder was trained to take points between two. So slices of a stack fit each
    other, and ES fits ED, as they do in each parent. Means of hearts vary less than hearts; what that takes
    from the spread of the volumes is given back (Silverman and Young, *The bootstrap: to smooth or not to
    smooth?*, Biometrika 1987; 74:469), the shape stays between.

    Args:
        codes: of training anatomies, `(subjects, 2, places, latent_dim)`; see `Anatomy`.
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
        """Of training anatomies, two or more."""
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
            CmrtfError: the file is missing or holds something else, or lengths that no heart has.
        """
        return cls(**read_anatomy_bank(path))

    def save(self, path: Path) -> None:
        """Write all arrays into one npz file."""
        with new_file(path) as partial:
            np.savez(partial, **{name: getattr(self, name) for name in self.__dataclass_fields__})

    @property
    def places(self) -> int:
        """At how many places along the heart anatomies are described."""
        return int(self.codes.shape[2])

    def drawable(self) -> list[str]:
        """Pathologies that new hearts can be drawn of.

        Raises:
            CmrtfError: none has `PARENTS` training anatomies.
        """
        names, counts = np.unique(self.pathologies, return_counts=True)
        if counts.max() < PARENTS:
            raise CmrtfError(
                f"expected {PARENTS} training subjects or more of one pathology. "
                f"Received: {counts.max()} at most."
            )
        return names[counts >= PARENTS].tolist()

    def candidates(self, rng: np.random.Generator, pathology: str) -> Candidates:
        """Volumes of `CANDIDATES` new hearts, uniform between `PARENTS` training anatomies each.

        Args:
            rng: draws.
            pathology: whose hearts they lie between.

        Raises:
            CmrtfError: fewer than `PARENTS` hearts have this pathology.
        """
        if pathology not in self.drawable():
            raise CmrtfError(
                f"expected a pathology with {PARENTS} training subjects or more, one of "
                f"{', '.join(self.drawable())}. Received: {pathology!r}."
            )
        hearts = np.flatnonzero(self._members(pathology))
        parents = rng.permuted(np.tile(hearts, (CANDIDATES, 1)), axis=1)[:, :PARENTS]
        weights = rng.dirichlet(np.ones(PARENTS), 4 * CANDIDATES)  # of which half will do
        weights = weights[weights.max(axis=1) <= LARGEST_WEIGHT][:CANDIDATES]
        log_ml = log_volumes(self.volumes_ml)
        mean = log_ml[hearts].mean(axis=0)
        # Exact where hearts are many. Of few, such as eight, a third of the spread is still missing: with all
        # of it shapes would have too far to go, and a quarter fewer of them would be plausible.
        spread_left = np.linalg.norm(weights, axis=1, keepdims=True)
        mixed = np.einsum("cp,cpv->cv", weights, log_ml[parents])
        return Candidates(parents, weights, np.exp(mean + (mixed - mean) / spread_left))

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
        candidates = self.candidates(rng, pathology)
        acceptable = eject(candidates.volumes_ml) & accept(candidates.volumes_ml)
        if not acceptable.any():
            raise CmrtfError(
                f"expected conditions that one in {CANDIDATES:,} hearts fulfils. Received: none."
            )
        first = int(acceptable.argmax())
        weights = np.zeros(len(self.codes))
        weights[candidates.parents[first]] = candidates.weights[first]
        parents = np.flatnonzero(weights)
        return DrawnHeart(
            Anatomy(*(mix(weights, values) for values in (self.codes, self.ends_mm, self.poses))),
            candidates.volumes_ml[first],
            dict(zip(parents.tolist(), weights[parents].tolist(), strict=True)),
        )

    def mean(self, pathology: str | None = None) -> Anatomy:
        """The average heart of all subjects or of one pathology.

        Raises:
            CmrtfError: no training subject has this pathology.
        """
        members = self._members(pathology)
        return Anatomy(
            self.codes[members].mean(axis=0),
            self.ends_mm[members].mean(axis=0),
            self.poses[members].mean(axis=0),
        )

    def towards(self, anatomy: Anatomy, start: str | None, end: str, amount: float) -> Anatomy:
        """Move a heart along the way from the mean of one pathology (None: of all) to that of another.

        Its pose stays; amount 1 is the whole way.

        Raises:
            CmrtfError: no training subject has this pathology.
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
            CmrtfError: no training subject has this pathology.
        """
        known = _to_scale(self.volumes_ml)
        difference = known[self._members(end)].mean(axis=0) - known[self._members(start)].mean(axis=0)
        return _from_scale(_to_scale(volumes_ml) + amount * difference)

    def _members(self, pathology: str | None) -> NDArray[np.bool_]:
        members = np.full(len(self.codes), True) if pathology is None else self.pathologies == pathology
        if not members.any():
            known = ", ".join(sorted(set(self.pathologies)))
            raise CmrtfError(f"expected one of the pathologies {known}. Received: {pathology!r}.")
        return members


def eject(volumes_ml: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which of `(hearts, 6)` have ventricles that are smaller at ES than at ED."""
    return np.logical_and.reduce([volumes_ml[:, esv] < volumes_ml[:, edv] for edv, esv in VENTRICLES])


def log_volumes(volumes_ml: NDArray[np.float64]) -> NDArray[np.float64]:
    """Logarithms, of `SMALLEST_ML` at least."""
    return np.log(np.maximum(volumes_ml, SMALLEST_ML))


def mix(weights: NDArray[np.float64], values: NDArray[Any]) -> NDArray[np.float32]:
    """The weighted sum of `values` along their first axis."""
    return np.tensordot(weights, values, 1).astype(np.float32)


def _to_scale(volumes_ml: NDArray[np.float64]) -> NDArray[np.float64]:
    """`(..., 6)`: logarithms, and log-odds of ESV / EDV in place of ESV."""
    scaled = log_volumes(volumes_ml)
    for edv, esv in VENTRICLES:
        fraction_left = np.exp(scaled[..., esv] - scaled[..., edv]).clip(0.01, 0.99)
        scaled[..., esv] = np.log(fraction_left / (1.0 - fraction_left))
    return scaled


def _from_scale(scaled: NDArray[np.float64]) -> NDArray[np.float64]:
    volumes_ml = np.exp(scaled)
    for edv, esv in VENTRICLES:
        volumes_ml[..., esv] = volumes_ml[..., edv] / (1.0 + np.exp(-scaled[..., esv]))
    return volumes_ml
