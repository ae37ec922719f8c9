"""Hearts of nobody in particular: drawn, moved towards a pathology, brought to given volumes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cmrtf.data.cohort import PHASES
from cmrtf.data.preparation import SPACING_MM
from cmrtf.data.schema import SCHEMA
from cmrtf.errors import CmrtfError
from cmrtf.synthesis.anatomy import Anatomy, Decoder

VOLUMES = tuple(f"{structure}_{phase}" for phase in PHASES for structure in SCHEMA.foreground)
"""What a heart is measured by, in ml: `LV_ED`, `MYO_ED`, `RV_ED` and the same in ES."""

CLOSE_ENOUGH = 0.02
"""Relative difference to a wanted volume at which the search stops."""
MAX_ROUNDS = 12
LARGEST_STEP = 0.25
"""Largest relative change of a volume in one round: further away the regression says little."""
SMALLEST_ML = 0.1
"""What a structure that vanished is taken to measure."""
PARENTS = 4
"""Known hearts that a new one lies between: more are safer to give nobody away, and more alike."""
CANDIDATES = 20_000
"""Hearts drawn, as volumes only, in search of one that fulfils conditions."""


@dataclass(frozen=True)
class DrawnHeart:
    """A new heart, and what it was drawn from.

    Args:
        anatomy: its shape.
        wanted_ml: volumes that it should have, by `VOLUMES`. What is decoded differs from them: `reach` them.
        parents: numbers of the known hearts between which it lies, with their weights, which sum up to 1.
    """

    anatomy: Anatomy
    wanted_ml: dict[str, float]
    parents: dict[int, float]


@dataclass(frozen=True)
class AnatomyPrior:
    """Whole hearts, both phases and all slices together, and new ones between them.

    A new heart is a random point between `PARENTS` known ones of its pathology, as the decoder was trained to
    take points between two. So slices of a stack fit each other, and ES fits ED, as they do in each parent.
    Means of hearts vary less than hearts; what that takes from the spread of the volumes is given back
    (Silverman and Young, *The bootstrap: to smooth or not to smooth?*, Biometrika 1987; 74:469), the
    shape stays between.

    Args:
        codes: of known hearts, `(subjects, 2, PLACES, latent_dim)`; see `Anatomy`.
        ends_mm: `(subjects, 2, 2)`.
        poses: `(subjects, 3)`.
        volumes_ml: `(subjects, 6)`, by `VOLUMES`.
        slice_spacing_mm: `(subjects,)`.
        pathologies: `(subjects,)`; empty where unknown.

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

    @classmethod
    def of(
        cls,
        anatomies: Sequence[Anatomy],
        volumes_ml: NDArray[np.float64],
        slice_spacing_mm: NDArray[np.float64],
        pathologies: NDArray[np.str_],
    ) -> "AnatomyPrior":
        """Of known hearts, two or more."""
        return cls(
            np.stack([anatomy.codes for anatomy in anatomies]),
            np.stack([anatomy.ends_mm for anatomy in anatomies]),
            np.stack([anatomy.pose for anatomy in anatomies]),
            volumes_ml,
            slice_spacing_mm,
            pathologies,
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
        except (OSError, ValueError, KeyError) as error:
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
        spread_lost = np.linalg.norm(weights, axis=1, keepdims=True)
        volumes_ml = np.exp(mean + (weights @ log_ml - mean) / spread_lost)
        possible = (volumes_ml[:, 3] < volumes_ml[:, 0]) & (
            volumes_ml[:, 5] < volumes_ml[:, 2]
        )  # hearts eject
        possible &= accept(volumes_ml)
        if not possible.any():
            raise CmrtfError(
                f"expected conditions that one in {CANDIDATES:,} hearts fulfils. Received: none."
            )
        first = int(possible.argmax())
        parents = np.flatnonzero(weights[first])
        return DrawnHeart(
            Anatomy(*(_mix(weights[first], of) for of in (self.codes, self.ends_mm, self.poses))),
            dict(zip(VOLUMES, volumes_ml[first].tolist(), strict=True)),
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

    def towards(self, anatomy: Anatomy, start: str, end: str, amount: float) -> Anatomy:
        """Move a heart by `amount` of the way from the mean of one pathology to that of another.

        Its pose stays.
        """
        a, b = self.mean(start), self.mean(end)
        return replace(
            anatomy,
            codes=anatomy.codes + np.float32(amount) * (b.codes - a.codes),
            ends_mm=anatomy.ends_mm + np.float32(amount) * (b.ends_mm - a.ends_mm),
        )

    def reach(
        self,
        models: Decoder,
        anatomy: Anatomy,
        wanted_ml: Mapping[str, float],
        slice_spacing_mm: float,
    ) -> Anatomy:
        """Bring a heart to given volumes, and leave the others as they are.

        Codes move in the six directions of the regression of codes on the logarithms of the six volumes,
        which says what else changes where one volume does and the others do not; the length of the heart
        stays. How much the volumes of this heart change along them is learnt on the way (Broyden, *A class
        of methods for solving nonlinear simultaneous equations*, Mathematics of Computation 1965; 19:577).

        Args:
            models: a bundle.
            anatomy: where to start.
            wanted_ml: of `VOLUMES`, in ml.
            slice_spacing_mm: of the stack whose volumes are meant.

        Returns:
            the closest heart found: measure it to know how close.
        """
        directions = np.linalg.pinv(self._deviations(_log(self.volumes_ml))) @ self._deviations(
            self.codes
        ).reshape(len(self.codes), -1)

        def moved(amounts: NDArray[np.float64]) -> Anatomy:
            step = (amounts @ directions).reshape(anatomy.codes.shape)
            return replace(anatomy, codes=anatomy.codes + step.astype(np.float32))

        def measured(amounts: NDArray[np.float64]) -> NDArray[np.float64]:
            upright = replace(moved(amounts), pose=np.zeros(3, np.float32))  # which is faster
            volumes_ml = measure_volumes_ml(upright.decode(models, slice_spacing_mm), slice_spacing_mm)
            return _log(volumes_ml)

        at = np.zeros(len(VOLUMES))
        found = measured(at)
        wanted = np.array([np.log(wanted_ml.get(n, np.exp(v))) for n, v in zip(VOLUMES, found, strict=True)])
        jacobian = np.eye(len(VOLUMES))
        closest, missing = at, np.abs(wanted - found).max()
        for _ in range(MAX_ROUNDS):
            if missing < CLOSE_ENOUGH:
                break
            step = np.linalg.lstsq(jacobian, wanted - found)[0]
            step *= min(1.0, LARGEST_STEP / np.abs(step).max())
            at, before, found = at + step, found, measured(at + step)
            jacobian += np.outer(found - before - jacobian @ step, step) / (step @ step)
            if np.abs(wanted - found).max() < missing:
                closest, missing = at, np.abs(wanted - found).max()
        return moved(closest)

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
        np.put_along_axis(weights, order[:, :PARENTS], rng.dirichlet(np.ones(PARENTS), CANDIDATES), axis=1)
        return weights

    def _chosen(self, pathology: str | None) -> NDArray[np.bool_]:
        chosen = np.full(len(self.codes), True) if pathology is None else self.pathologies == pathology
        if not chosen.any():
            known = ", ".join(sorted(set(self.pathologies)))
            raise CmrtfError(f"expected one of the pathologies {known}. Received: {pathology!r}.")
        return chosen

    def _deviations(self, values: NDArray[Any]) -> NDArray[np.float64]:
        """From the mean of each subject's pathology."""
        deviations = values.astype(np.float64)
        for pathology in set(self.pathologies):
            chosen = self.pathologies == pathology
            deviations[chosen] -= deviations[chosen].mean(axis=0)
        return deviations


def measure_volumes_ml(
    stacks: Mapping[str, NDArray[np.uint8]], slice_spacing_mm: float
) -> NDArray[np.float64]:
    """`VOLUMES` of prepared label stacks, by slice summation."""
    voxel_ml = SPACING_MM * SPACING_MM * slice_spacing_mm / 1000.0
    return np.array(
        [
            np.count_nonzero(stacks[phase] == SCHEMA.id_of(structure)) * voxel_ml
            for phase in PHASES
            for structure in SCHEMA.foreground
        ]
    )


def _log(volumes_ml: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.log(np.maximum(volumes_ml, SMALLEST_ML))


def _mix(weights: NDArray[np.float64], values: NDArray[Any]) -> NDArray[np.float32]:
    return np.tensordot(weights, values, 1).astype(np.float32)
