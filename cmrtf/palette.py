"""Colours of the structures, in every picture alike."""

from typing import Final

LABEL_COLOURS: Final = (
    (0, 0, 0),
    (213, 94, 0),
    (240, 228, 66),
    (86, 180, 233),
    (0, 158, 115),
    (204, 121, 167),
    (230, 159, 0),
    (0, 114, 178),
)
"""RGB by label id (0 background): the colour-blind-safe set of Okabe and Ito (*Color Universal
Design*, 2008); LV vermilion, myocardium yellow, RV sky blue, then colours for larger schemas."""
