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
CANDIDATES = 20_000
"""Hearts drawn, as volumes only, in search of one that fulfils conditions."""
SMALLEST = 0.6
"""Drawn volumes are not below this part of the smallest known one: a normal distribution has no end."""


@dataclass(frozen=True)
class AnatomyPrior:
    """The normal distribution of whole hearts, both phases and all slices together.

    Mean and covariance are those of the known hearts: a drawn heart is the mean plus a random combination
    of all deviations from it. So slices of a stack fit each other, and ES fits ED, as they do in every
    deviation. Deviations are from the mean of the subject's own pathology; each pathology has its own mean,
    and all share the deviations.

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
    ) -> tuple[Anatomy, dict[str, float]]:
        """A new heart, and the volumes that it should have.

        Volumes are drawn together with the shape, as one more part of it. What is decoded differs from them a
        little, since decoding is not linear: `reach` them.

        Args:
            rng: draws.
            pathology: whose mean to take.
            accept: volumes `(candidates, 6)` in ml to whether they will do.

        Raises:
            CmrtfError: nobody has this pathology, or none of `CANDIDATES` hearts will do.
        """
        chosen = self._chosen(pathology)
        degrees_of_freedom = len(self.codes) - len(set(self.pathologies))
        weights = rng.standard_normal((CANDIDATES, len(self.codes))) / np.sqrt(degrees_of_freedom)
        volumes = self.volumes_ml[chosen].mean(axis=0) + weights @ self._deviations(self.volumes_ml)
        possible = (volumes > SMALLEST * self.volumes_ml.min(axis=0)).all(axis=1)
        possible &= (volumes[:, 3] < volumes[:, 0]) & (volumes[:, 5] < volumes[:, 2])  # hearts eject
        possible &= accept(volumes)
        if not possible.any():
            raise CmrtfError(
                f"expected conditions that one in {CANDIDATES:,} hearts fulfils. Received: none."
            )
        first = int(possible.argmax())
        mean = self.mean(pathology)
        return Anatomy(
            _add(mean.codes, weights[first], self._deviations(self.codes)),
            _add(mean.ends_mm, weights[first], self._deviations(self.ends_mm)),
            _add(mean.pose, weights[first], self._deviations(self.poses)),
        ), dict(zip(VOLUMES, volumes[first].tolist(), strict=True))

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


def _add(
    mean: NDArray[np.float32], weights: NDArray[np.float64], deviations: NDArray[np.float64]
) -> NDArray[np.float32]:
    return (mean + np.tensordot(weights, deviations, 1)).astype(np.float32)
