"""Whether one label file holds one heart, and all of it: values, strays, structures and slices.

Nothing here raises: what is wrong becomes an issue. Arrays are in the order of their files, `(x, y, z)`.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cmrtf.core.geometry import bounding_box
from cmrtf.core.issues import ERROR, WARNING, Issue
from cmrtf.core.labels import SCHEMA, foreign_values, whole_numbers
from cmrtf.core.unknown import Unknown
from cmrtf.shape.one_heart import APART_MM, find_apart


def read_label_ids(
    path: Path,
    label: NDArray[Any],
    label_to_schema: Mapping[int, int],
    spacing_mm: tuple[float, float, float],
    phase: str = "",
    frame: int | None = None,
    unknown: Unknown = None,
) -> tuple[NDArray[np.uint8], list[Issue]]:
    """Bring the labels of one phase into `SCHEMA`'s order, without strays, and say what is wrong with them.

    Args:
        path: the label's file.
        label: `(x, y, z)` as stored.
        label_to_schema: label value in the file to label id.
        spacing_mm: `(x, y, z)`.
        phase: to name in messages; `""` where there is none.
        frame: of a cine, counted from 0, to name in messages.
        unknown: which structures are unknown in which slices; these are not missed.

    Returns:
        `(x, y, z)` label ids, of no meaning where an issue is an error; and the issues.
    """
    label = whole_numbers(label)
    names = {value: SCHEMA.structures[label_id] for value, label_id in label_to_schema.items()}
    if problem := foreign_values(label, names, "the file's order"):
        return np.zeros(label.shape, np.uint8), [Issue(ERROR, path, problem)]
    label_ids = _in_schema_order(label, label_to_schema)
    strays, beside = find_apart(label_ids > 0, spacing_mm)
    label_ids[strays] = 0
    at = f" at {phase}" if phase else ""
    present = _present(label_ids)
    if problem := _heart_problem(present, frame):
        return label_ids, [Issue(ERROR, path, problem)]
    structures = sorted(set(label_to_schema.values()) - {0})
    if unknown is not None:
        structures = [label_id for label_id in structures if not unknown[:, label_id].any()]
    missing = [SCHEMA.structures[label_id] for label_id in structures if not present[label_id].any()]
    issues = [_missing_issue(path, structure, at) for structure in missing]
    warnings = (
        *_stray_problems(strays.sum(axis=(0, 1)), at),
        *_beside_problems(beside, at),
        *_gap_problems(present, structures, at),
    )
    return label_ids, issues + [Issue(WARNING, path, problem) for problem in warnings]


def _in_schema_order(label: NDArray[Any], label_to_schema: Mapping[int, int]) -> NDArray[np.uint8]:
    """Label ids of a label whose values are all known."""
    table = np.zeros(max(label_to_schema) + 1, np.uint8)
    table[list(label_to_schema)] = list(label_to_schema.values())
    return table[label if label.dtype.kind in "iu" else label.astype(np.uint16)]


def _present(label_ids: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """`(classes, z)`: whether a slice has a structure; of the background, whether it has any."""
    labelled = label_ids > 0
    near = label_ids[bounding_box(labelled)[:2]] if labelled.any() else label_ids
    masks = (near > 0, *(near == label_id for label_id in range(1, SCHEMA.num_classes)))
    return np.stack([mask.any(axis=(0, 1)) for mask in masks])


def _heart_problem(present: NDArray[np.bool_], frame: int | None) -> str | None:
    """A heart in less than two slices."""
    labelled_slices = int(np.count_nonzero(present[0]))
    if labelled_slices >= 2:
        return None
    received = "an empty mask" if labelled_slices == 0 else "labels in one slice only"
    where = "" if frame is None else f" of frame {frame} (counted from 0)"
    return f"expected a heart labelled in at least 2 slices{where}. Received: {received}."


def _missing_issue(path: Path, structure: str, at: str) -> Issue:
    """A structure that the data set labels, but this file does not: an error if it is the LV."""
    problem = f"expected a label of {structure}{at}. Received: none"
    return Issue(ERROR if structure == "LV" else WARNING, path, problem)


def _stray_problems(dropped: NDArray[np.intp], at: str) -> list[str]:
    """Strays that were dropped, slice by slice."""
    if not dropped.any():
        return []
    where = ", ".join(f"{dropped[z]} in slice {z}" for z in np.flatnonzero(dropped))
    return [
        f"expected one heart{at}. Received: {dropped.sum()} labelled voxels away from it ({where}; slices "
        f"counted from 0); they are dropped"
    ]


def _beside_problems(beside: int, at: str) -> list[str]:
    """Labels in two places, of which either may be the heart."""
    if not beside:
        return []
    return [
        f"expected one heart{at}. Received: {beside} labelled voxels in a second place, more than "
        f"{APART_MM:g} mm beside it; they are kept, look which is the heart"
    ]


def _gap_problems(present: NDArray[np.bool_], structures: Iterable[int], at: str) -> list[str]:
    """Slices without a label, or without one of its structures, between slices that have it."""
    empty = _gap(present[0])
    problems = []
    if empty:
        problems.append(
            f"expected labels in all slices of the heart{at}. Received: none in {named_slices(empty)}; they "
            f"are filled in where subjects are interpolated"
        )
    for label_id in structures:
        if missing := sorted(set(_gap(present[label_id])) - set(empty)):
            name = SCHEMA.structures[label_id]
            problems.append(
                f"expected {name} in all of its slices{at}. Received: none in {named_slices(missing)}"
            )
    return problems


def _gap(filled: NDArray[np.bool_]) -> list[int]:
    """Slices of nothing between the first and the last that have something."""
    at = np.flatnonzero(filled)
    return sorted(set(range(at[0], at[-1])) - set(at.tolist())) if at.size else []


def named_slices(numbers: list[int]) -> str:
    """Slices as people write them."""
    word = "slice" if len(numbers) == 1 else "slices"
    return f"{word} {', '.join(map(str, numbers))} (counted from 0)"
