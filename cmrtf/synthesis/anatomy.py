"""A heart through both phases as numbers that add up, and back to labels on slices."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cmrtf.core.labels import PHASES
from cmrtf.shape.plausibility import repair
from cmrtf.shape.pose import inverse, move
from cmrtf.synthesis.heart_axis import codes_at, interpolated
from cmrtf.synthesis.protocols import Decoder

PLACES = 48
"""Places along the heart, apex to base, at which a heart is described: several for each thick slice, so that
little is lost when codes of slices become codes of places and those of slices again."""

MARGIN_SLICES = 1
"""Empty slices below the apex and above the base of a decoded stack."""


@dataclass(frozen=True)
class Anatomy:
    """Shape of a heart in ED and ES.

    Sums and multiples of anatomies are taken entry by entry: codes are meant to be added up, and lengths can.

    Args:
        codes: `(2, places, latent_dim)`: ED and ES, from the apical to the basal labelled slice.
        ends_mm: `(2, 2)`: apical and basal slice centre in ED and ES, along the axis of the stack from the
            apical centre in ED.
        pose: `(3,)`: how the heart lies in its slices, the same in both phases; see `cmrtf.shape.pose`.
            Codes are those of the heart without it.
    """

    codes: NDArray[np.float32]
    ends_mm: NDArray[np.float32]
    pose: NDArray[np.float32]

    @classmethod
    def encode(
        cls,
        encode: Callable[[NDArray[np.uint8]], NDArray[np.float32]],
        label_ids: Mapping[str, NDArray[np.uint8]],
        slice_spacing_mm: float,
        pose: NDArray[Any],
        places: int = PLACES,
    ) -> "Anatomy":
        """Encode a subject that has both phases, each labelled in two slices or more.

        Args:
            encode: `(slices, size, size)` label ids to codes `(slices, latent_dim)`.
            label_ids: by phase, `(slices, size, size)`, apex first.
            slice_spacing_mm: distance of slice centres.
            pose: to take out before encoding.
            places: at how many to describe it: as many as the anatomies that it is added to or compared with.
        """
        codes, ends = [], []
        for phase in PHASES:
            labelled = np.flatnonzero(label_ids[phase].any(axis=(1, 2)))
            first, last = labelled[0], labelled[-1]
            # Slices in between that are not labelled (there are some) have no code of their own.
            slice_codes = encode(move(label_ids[phase][labelled], inverse(pose)))
            codes.append(interpolated(np.linspace(first, last, places), labelled, slice_codes))
            ends.append((first * slice_spacing_mm, last * slice_spacing_mm))
        ends_mm = np.array(ends, np.float32)
        return cls(np.stack(codes), ends_mm - ends_mm[0, 0], np.asarray(pose, np.float32))

    def slices(self, slice_spacing_mm: float) -> tuple[NDArray[np.intp], range]:
        """Where the heart lies on slices of this spacing, counted from the apical one in ED.

        Args:
            slice_spacing_mm: distance of slice centres.

        Returns:
            apical and basal slice in ED and ES, `(2, 2)`: the ends, moved to the closest slice; and all
            slices of the stack, `MARGIN_SLICES` empty ones at either end included.
        """
        ends = np.rint(self.ends_mm / slice_spacing_mm).astype(np.intp)
        ends[:, 1] = np.maximum(ends[:, 1], ends[:, 0] + 1)
        return ends, range(ends[:, 0].min() - MARGIN_SLICES, ends[:, 1].max() + MARGIN_SLICES + 1)

    def decode(
        self, models: Decoder, slice_spacing_mm: float, on_slices: range | None = None
    ) -> dict[str, NDArray[np.uint8]]:
        """Labels on slices that both phases share.

        Args:
            models: a bundle.
            slice_spacing_mm: distance of slice centres.
            on_slices: counted from the apical one in ED, the whole heart among them; None for those of
                `slices`.

        Returns:
            by phase, `(slices, size, size)` label ids, apex first, repaired.
        """
        ends, with_margins = self.slices(slice_spacing_mm)
        on_slices = on_slices or with_margins
        stacks = {}
        for phase, codes, (first, last) in zip(PHASES, self.codes, ends - on_slices.start, strict=True):
            decoded = models.decode(codes_at(codes, np.linspace(0.0, 1.0, last - first + 1)))
            label_ids = np.zeros((len(on_slices), *decoded.shape[1:]), np.uint8)
            label_ids[first : last + 1] = repair(move(decoded, self.pose))
            stacks[phase] = label_ids
        return stacks
