"""Whose hearts, where nobody says: as often as they were seen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cmrtf.errors import CmrtfError
from cmrtf.synthesis.anatomy_prior import AnatomyPrior
from cmrtf.synthesis.criteria import Condition, all_hold


@dataclass(frozen=True)
class Choice:
    """Names, each with its chance.

    Args:
        chances: sum up to 1.
    """

    chances: Mapping[str, float]

    def draw(self, rng: np.random.Generator) -> str:
        """One of the names."""
        return str(rng.choice(list(self.chances), p=list(self.chances.values())))


def pathology_choice(prior: AnatomyPrior, wanted: str | None, conditions: Sequence[Condition]) -> Choice:
    """The pathology that is wanted, or all, by how many of their hearts there are that fulfil conditions.

    Raises:
        CmrtfError: no heart does, or too few have this pathology.
    """
    names = prior.drawable() if wanted is None else [wanted]
    weights = {
        name: int((prior.pathologies == name).sum()) * _share_that_fulfils(prior, name, conditions)
        for name in names
    }
    if not any(weights.values()):
        raise CmrtfError(
            "expected conditions that hearts of this bundle can fulfil. Received: "
            f"{', '.join(map(str, conditions))}, for {', '.join(names)}."
        )
    return _choice(weights)


def _share_that_fulfils(prior: AnatomyPrior, pathology: str, conditions: Sequence[Condition]) -> float:
    """Of the hearts that a prior considers when it draws one."""
    shares: list[float] = []

    def accept_all(volumes_ml: NDArray[np.float64]) -> NDArray[np.bool_]:
        shares.append(float(all_hold(conditions, volumes_ml).mean()))
        return np.full(len(volumes_ml), True)

    prior.draw(np.random.default_rng(0), pathology, accept_all)
    return shares[0]


def _choice(weights: Mapping[str, float]) -> Choice:
    total = sum(weights.values())
    return Choice({name: weight / total for name, weight in weights.items()})
