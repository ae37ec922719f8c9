"""Brings a heart to given volumes: an initial match between training anatomies, then a refinement."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

from cmrtf.core.measures import VOLUMES, measure_volumes_ml
from cmrtf.synthesis.anatomy import Anatomy
from cmrtf.synthesis.anatomy_prior import AnatomyPrior, log_volumes, mix
from cmrtf.synthesis.protocols import Decoder

CLOSE_ENOUGH = 0.02
"""Relative difference to a wanted volume at which the search stops."""

MAX_MIXTURES = 4
"""Rounds of `initial_match`, at most."""

MIXING_COST, SUM_COST = 0.05, 30.0
"""What squared weights of hearts that are mixed in cost beside squared differences of logarithms of volumes;
and how strictly the weights add up to 1, that of the heart itself included."""

MAX_ROUNDS = 30
"""Steps of `refine`, at most."""

LARGEST_STEP = 0.25
"""Largest relative change of a volume in one round: further away the regression says little."""


@dataclass(frozen=True)
class VolumeMatching:
    """Brings hearts to given volumes, which are measured on what a bundle decodes, at one slice spacing.

    Args:
        models: decode.
        prior: of the same bundle.
        slice_spacing_mm: of the stack whose volumes are meant.
    """

    models: Decoder
    prior: AnatomyPrior
    slice_spacing_mm: float

    def initial_match(self, anatomy: Anatomy, wanted_ml: NDArray[np.float64]) -> Anatomy:
        """Mix training anatomies into one until its volumes are near wanted ones.

        A heart that moves far looks like one only between hearts, so it goes there as long as volumes are far
        off; `refine` does the rest. Weights are the smallest that add up to the difference of the logarithms
        of the volumes, none below 0 (Lawson and Hanson, *Solving Least Squares Problems*, 1974, ch. 23).

        Args:
            anatomy: where to start.
            wanted_ml: `(6,)`, by `VOLUMES`.

        Returns:
            the closest heart, in the pose of the first.
        """
        start, wanted = self._log_measured(anatomy), log_volumes(wanted_ml)
        num_hearts, goal, closest, error = (
            len(self.prior.codes),
            wanted,
            anatomy,
            np.abs(wanted - start).max(),
        )
        terms = np.zeros((len(VOLUMES) + num_hearts + 1, num_hearts + 1))
        terms[: len(VOLUMES), :-1] = (log_volumes(self.prior.volumes_ml) - start).T
        terms[len(VOLUMES) : -1, :-1] = np.sqrt(MIXING_COST) * np.eye(num_hearts)
        terms[-1] = SUM_COST  # the last weight is that of the heart itself
        for _ in range(MAX_MIXTURES):
            if error < CLOSE_ENOUGH:
                break
            sums = np.concatenate([goal - start, np.zeros(num_hearts), [SUM_COST]])
            weights = optimize.nnls(terms, sums)[0][:-1]
            mixed = replace(
                anatomy,
                codes=anatomy.codes + mix(weights, self.prior.codes - anatomy.codes),
                ends_mm=anatomy.ends_mm + mix(weights, self.prior.ends_mm - anatomy.ends_mm),
            )
            measured = self._log_measured(mixed)
            if np.abs(wanted - measured).max() < error:
                closest, error = mixed, np.abs(wanted - measured).max()
            goal = goal + wanted - measured
        return closest

    def refine(self, anatomy: Anatomy, wanted_ml: NDArray[np.float64]) -> Anatomy:
        """Bring a heart to given volumes.

        Codes move in the six directions of the regression of codes on the logarithms of the six volumes,
        which says what else changes where one volume does and the others do not; the length of the heart
        stays. How much the volumes of this heart change along them is learnt on the way (Broyden, *A class
        of methods for solving nonlinear simultaneous equations*, Mathematics of Computation 1965; 19:577).

        Args:
            anatomy: where to start.
            wanted_ml: `(6,)`, by `VOLUMES`.

        Returns:
            the closest heart: measure it to know how close.
        """
        directions = volume_directions(self.prior)

        def moved(amounts: NDArray[np.float64]) -> Anatomy:
            step = (amounts @ directions).reshape(anatomy.codes.shape)
            return replace(anatomy, codes=anatomy.codes + step.astype(np.float32))

        amounts, wanted = np.zeros(len(VOLUMES)), log_volumes(wanted_ml)
        measured = self._log_measured(anatomy)
        jacobian = np.eye(len(VOLUMES))
        closest, error = amounts, np.abs(wanted - measured).max()
        for _ in range(MAX_ROUNDS):
            if error < CLOSE_ENOUGH:
                break
            step = np.linalg.lstsq(jacobian, wanted - measured)[0]
            step *= min(1.0, LARGEST_STEP / np.abs(step).max())
            amounts, before = amounts + step, measured
            measured = self._log_measured(moved(amounts))
            jacobian += np.outer(measured - before - jacobian @ step, step) / (step @ step)
            if np.abs(wanted - measured).max() < error:
                closest, error = amounts, np.abs(wanted - measured).max()
        return moved(closest)

    def _log_measured(self, anatomy: Anatomy) -> NDArray[np.float64]:
        """Logarithms of `VOLUMES` as they are decoded."""
        upright = replace(anatomy, pose=np.zeros(3, np.float32))  # which is faster
        label_ids = upright.decode(self.models, self.slice_spacing_mm)
        return log_volumes(measure_volumes_ml(label_ids, self.slice_spacing_mm))


def volume_directions(prior: AnatomyPrior) -> NDArray[np.float64]:
    """`(6, code values)`: how codes change with the logarithm of each volume, the others held."""
    log_ml = log_volumes(prior.volumes_ml)
    codes = prior.codes.reshape(len(log_ml), -1).astype(np.float64)
    return np.linalg.pinv(log_ml - log_ml.mean(axis=0)) @ (codes - codes.mean(axis=0))
