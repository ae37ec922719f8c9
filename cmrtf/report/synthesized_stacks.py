"""Images for label maps of one's own, each made when it is asked for, and written as one unit."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cmrtf.core.files import new_folder
from cmrtf.core.stack import Stack
from cmrtf.synthesis.appearance import Appearance
from cmrtf.synthesis.appearance_bank import AppearanceBank, find_style
from cmrtf.synthesis.label_maps import LabelMaps
from cmrtf.synthesis.protocols import Models


class SynthesizedStacks(Mapping[str, Stack]):
    """Given labels with images of them, by name.

    Names are those of the label files: `"patient1"`, or `"patient1_frame07"` (counted from 0) of a 4D file.
    All frames of a file have one appearance; each file of several draws its own.

    Args:
        models: a bundle's.
        bank: of the same bundle.
        files: the label maps.
        style: what images look like, as `find_style` understands it.
        seed: of what is drawn.

    Raises:
        CmrtfError: the style has no meaning or several.
    """

    def __init__(
        self, models: Models, bank: AppearanceBank, files: Sequence[LabelMaps], style: str, seed: int
    ) -> None:
        self.models = models
        self._labels: dict[str, tuple[Stack, Appearance, NDArray[np.float32]]] = {}
        for number, file in enumerate(files):
            rng = np.random.default_rng(seed if len(files) == 1 else (seed, number))
            geometry = next(iter(file.stacks.values())).geometry
            appearance = find_style(models, bank, style, geometry).draw(rng)
            styles = appearance.styles_of([stack.label_ids for stack in file.stacks.values()])
            for frame, labels in file.stacks.items():
                self._labels[f"{file.name}{frame and f'_{frame}'}"] = labels, appearance, styles

    def save(self, folder: Path | str) -> None:
        """Write an image `<name>.nii.gz` for each, on the voxels of its label file.

        Args:
            folder: that does not exist yet or is empty.

        Raises:
            CmrtfError: it is taken, or cannot be written.
        """
        with new_folder(Path(folder)) as partial:
            for name, stack in self.items():
                file = partial / f"{name}.nii.gz"
                file.parent.mkdir(parents=True, exist_ok=True)
                stack.save_on_source(file)

    def __getitem__(self, name: str) -> Stack:
        labels, appearance, styles = self._labels[name]
        image = self.models.synthesize(labels.label_ids, styles)
        return labels.with_image(image, appearance.intensity_window)

    def __iter__(self) -> Iterator[str]:
        return iter(self._labels)

    def __len__(self) -> int:
        return len(self._labels)

    def __repr__(self) -> str:
        return f"SynthesizedStacks({len(self)}: {', '.join(self)})"
