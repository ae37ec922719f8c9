"""Reads Sunnybrook (Radau et al., The MIDAS Journal 2009): DICOM cine series and contours of the LV.

`dicoms/<patient>/` holds a patient's series, `contourfiles/<contours>/` the contours drawn on it, in files
`IM-0001-NNNN-{i,o}contour-manual.txt`: NNNN is the InstanceNumber of an image, i the endocardium, o the
epicardium. `link.csv` says whose contours are whose.

The epicardium is drawn at ED only: that is how ED and ES are told apart, and why the myocardium is unknown at
ES. The RV is not drawn at all. Papillary muscles belong to the cavity; contours of their own are passed over.
"""

import re
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path

import numpy as np

from cmrtf.core.dicom_series import CineSeries
from cmrtf.core.issues import WARNING, Issue, listed
from cmrtf.core.labels import PHASES, SCHEMA
from cmrtf.core.nifti import NiftiVolume
from cmrtf.datasets.base import (
    PhaseFiles,
    RawCohort,
    RawSubject,
    Reader,
    SkippedSubject,
    gather,
)
from cmrtf.datasets.contours import inside, read_contour, share_outside
from cmrtf.datasets.raw_files import visible_files
from cmrtf.datasets.tables import Row, read_tables
from cmrtf.errors import FileError

NAME = "sunnybrook"
LINK_NAME = "link.csv"
PATIENT_COLUMN, CONTOURS_COLUMN = "patient_id", "original_id"
IMAGES_FOLDER, CONTOURS_FOLDER = "dicoms", "contourfiles"
FOLDER_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
CONTOUR_NAME = re.compile(r"IM-\d+-(?P<instance>\d{1,6})-(?P<kind>[io])contour-manual\.txt")
ENDOCARDIUM, EPICARDIUM = "i", "o"
PATHOLOGY = re.compile(r"SC-(HF-I|HF-NI|HYP|N)-\d+")
"""Heart failure with infarction and without, hypertrophy, normal: names of the contours' folders."""
VENDOR = "C"
"""All of Sunnybrook was acquired on GE scanners, vendor C of M&Ms."""
MAX_OUTSIDE = 0.1
"""Of the points of an endocardial contour, outside the epicardial one; at the base the two may touch."""
LV, MYO = SCHEMA.id_of("LV"), SCHEMA.id_of("MYO")
LABELS = {SCHEMA.id_of("background"): SCHEMA.id_of("background"), LV: LV, MYO: MYO}

Contours = Mapping[tuple[int, str], Path]
"""InstanceNumber and kind of each contour to its file."""


def read(root: Path) -> RawCohort:
    """All patients of Sunnybrook under a folder."""
    return gather(NAME, _candidates(root), _read_one)


def recognises(root: Path) -> bool:
    """Whether there is a table of contours with the folder of contours beside it."""
    return bool(_links(root))


READER = Reader(
    NAME,
    f"{LINK_NAME} with {IMAGES_FOLDER}/PATIENT/*.dcm and {CONTOURS_FOLDER}/*/*contour-manual.txt",
    recognises,
    read,
)


def _links(root: Path) -> list[Path]:
    return [
        path
        for path in visible_files(root)
        if path.name == LINK_NAME and (path.parent / CONTOURS_FOLDER).is_dir()
    ]


def _candidates(root: Path) -> list[tuple[str, Row]]:
    """Code of each patient, and its row of the table: in it, or a row made up, what is not known is `""`."""
    candidates: list[tuple[str, Row]] = []
    for link in _links(root):
        rows, _ = read_tables(link.parent, PATIENT_COLUMN, (PATIENT_COLUMN, CONTOURS_COLUMN))
        named = {row[CONTOURS_COLUMN] for row in rows.values()}
        images, contours = (_folder_names(link.parent / name) for name in (IMAGES_FOLDER, CONTOURS_FOLDER))
        rows = {patient: Row({CONTOURS_COLUMN: ""}, link) for patient in images} | rows
        candidates += rows.items()
        candidates += (("", Row({CONTOURS_COLUMN: name}, link)) for name in contours - named)
    return sorted(candidates, key=lambda candidate: (candidate[0], candidate[1][CONTOURS_COLUMN]))


def _folder_names(folder: Path) -> set[str]:
    """Names of the folders in a folder."""
    if not folder.is_dir():
        return set()
    return {path.name for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")}


def _read_one(patient: str, row: Row) -> RawSubject | SkippedSubject:
    """One patient from the headers of its images and the names of its contours."""
    row.require_sound()
    link, name = row.table, row[CONTOURS_COLUMN]
    if not patient:
        problem = f"expected its patient in {LINK_NAME}. Received: a table without {name}."
        raise FileError(link.parent / CONTOURS_FOLDER / name, problem)
    if not name:
        return SkippedSubject(patient, "no contours")
    if not (FOLDER_NAME.fullmatch(patient) and FOLDER_NAME.fullmatch(name)):
        raise FileError(link, "expected names of folders, of letters, digits and hyphens. Received: others.")
    images, folder = (
        link.parent / kind / name for kind, name in ((IMAGES_FOLDER, patient), (CONTOURS_FOLDER, name))
    )
    for path in (images, folder):
        if not path.is_dir():
            raise FileError(path, f"expected this folder, since {LINK_NAME} names it. Received: none.")
    contours = _contours(folder)
    if not contours:
        return SkippedSubject(patient, "no contours")
    series = CineSeries.open(images)
    frames = _frames(folder, contours, series)
    phases = {phase: PhaseFiles(images, folder, frame, is_cine=True) for phase, frame in frames.items()}
    pathology = PATHOLOGY.fullmatch(name)
    return RawSubject(
        subject=patient,
        vendor=VENDOR,
        pathology=pathology[1] if pathology else "",
        phases=phases,
        label_to_schema=LABELS,
        issues=(*row.issues, *_crossing_issues(contours, series)),
        read=partial(_read_file, series),
    )


def _contours(folder: Path) -> Contours:
    """The contours under a folder."""
    contours: dict[tuple[int, str], Path] = {}
    for path in visible_files(folder):
        if match := CONTOUR_NAME.fullmatch(path.name):
            key = int(match["instance"]), match["kind"]
            if key in contours:
                raise FileError(path, f"expected one contour of its image. Received: {contours[key]} too.")
            contours[key] = path
    return contours


def _frames(folder: Path, contours: Contours, series: CineSeries) -> dict[str, int]:
    """ED, which has the epicardium, and ES, which has the endocardium alone, to their frames from 0.

    Raises:
        FileError: a contour has no image, or contours lie in more phases or fewer.
    """
    places = series.places()
    for (instance, _), path in contours.items():
        if instance not in places:
            problem = f"expected an image with InstanceNumber {instance} in {series.path}. Received: none."
            raise FileError(path, problem)
    drawn = {
        kind: {places[instance][1] for instance, of in contours if of == kind}
        for kind in (ENDOCARDIUM, EPICARDIUM)
    }
    others = drawn[ENDOCARDIUM] - drawn[EPICARDIUM]
    if len(drawn[EPICARDIUM]) != 1 or len(others) > 1:
        raise FileError(
            folder,
            f"expected epicardial contours in one phase, ED, and endocardial ones in one more at most, ES. "
            f"Received: epicardial contours in frames {_listed(drawn[EPICARDIUM])} and endocardial ones in "
            f"{_listed(drawn[ENDOCARDIUM])} (counted from 0).",
        )
    frames = zip(PHASES, (drawn[EPICARDIUM], others), strict=True)
    return {phase: frame for phase, drawn_in in frames for frame in drawn_in}


def _crossing(contours: Contours, series: CineSeries) -> list[Path]:
    """Epicardial contours that the endocardial ones of their images do not lie within."""
    shape = series.slices[0][0].shape
    return [
        path
        for (instance, kind), path in sorted(contours.items())
        if kind == EPICARDIUM
        and (inner := contours.get((instance, ENDOCARDIUM)))
        and share_outside(read_contour(inner, shape), read_contour(path, shape)) > MAX_OUTSIDE
    ]


def _crossing_issues(contours: Contours, series: CineSeries) -> tuple[Issue, ...]:
    """A warning of contours that cross, as those of SC-HF-I-6 do, which has the epicardium of SC-HF-I-1."""
    crossing = _crossing(contours, series)
    problem = (
        f"expected endocardial contours within the epicardial ones. Received: {len(crossing)} images where "
        f"they cross, as contours of another patient would; the epicardial ones are left out there, and the "
        f"myocardium is unknown"
    )
    return (Issue(WARNING, crossing[0], problem),) if crossing else ()


def _listed(frames: Iterable[int]) -> str:
    return listed([str(frame) for frame in sorted(frames)]) or "none"


def _read_file(series: CineSeries, path: Path) -> NiftiVolume:
    """The series, or the labels that the contours of a folder make on its voxels."""
    return series.read() if path == series.path else _read_labels(series, path)


def _read_labels(series: CineSeries, folder: Path) -> NiftiVolume:
    """Labels `(x, y, z, t)`; frames without contours are empty.

    The myocardium is unknown in ES, and where an endocardium is drawn without an epicardium around it.
    """
    *shape, num_slices, num_frames = series.shape
    size = (shape[0], shape[1])
    label_ids = np.zeros((*size, num_slices, num_frames), np.uint8)
    unknown = np.zeros((num_slices, num_frames, SCHEMA.num_classes), np.bool_)
    contours, places = _contours(folder), series.places()
    ed = _frames(folder, contours, series)["ED"]
    unknown[..., MYO] = np.arange(num_frames) != ed
    crossing = _crossing(contours, series)
    contours = {key: path for key, path in contours.items() if path not in crossing}
    # The larger contour first, the cavity into it.
    for instance, kind in sorted(contours, key=lambda key: key[1] == ENDOCARDIUM):
        z, t = places[instance]
        mask = inside(read_contour(contours[instance, kind], size), size)
        label_ids[mask, z, t] = LV if kind == ENDOCARDIUM else MYO
        unknown[z, t, MYO] |= (instance, EPICARDIUM) not in contours
    return NiftiVolume.of(label_ids, series.affine, unknown)
