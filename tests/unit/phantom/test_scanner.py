import numpy as np
import pytest
from scipy import ndimage

from cmrtf.core.labels import SCHEMA

LV, MYO, RV = (SCHEMA.id_of(name) for name in ("LV", "MYO", "RV"))


def labelled_slices(subjects):
    """All slices `(x, y)` with labels of both phases."""
    for subject in subjects:
        for frame in (subject.ed_frame, subject.es_frame):
            stack = subject.label_ids[..., frame]
            yield from (stack[..., k] for k in range(stack.shape[2]) if stack[..., k].any())


def test_each_structure_is_one_component_without_holes(subjects):
    for labels in labelled_slices(subjects):
        for structure in (LV, MYO, RV):
            assert ndimage.label(labels == structure)[1] <= 1
        heart = labels > 0
        assert np.array_equal(heart, ndimage.binary_fill_holes(heart))


def test_the_cavity_is_enclosed_by_myocardium_and_the_rv_touches_it(subjects):
    for labels in labelled_slices(subjects):
        cavity, right = labels == LV, labels == RV
        if cavity.any():
            around = ndimage.binary_dilation(cavity, np.ones((3, 3))) & ~cavity
            assert set(labels[around]) == {MYO}
        if right.any():
            assert (labels[ndimage.binary_dilation(right)] == MYO).any()


def test_the_heart_lies_well_inside_the_image(subjects):
    for labels in labelled_slices(subjects):
        inner = np.zeros_like(labels, dtype=bool)
        inner[4:-4, 4:-4] = True
        assert not labels[~inner].any()


def test_label_volumes_are_those_of_the_person(subjects):
    for subject in subjects:
        person = subject.physiology
        voxel_ml = abs(np.linalg.det(subject.protocol.affine[:3, :3])) / 1000
        diastole, systole = (subject.label_ids[..., f] for f in (subject.ed_frame, subject.es_frame))
        assert (diastole == LV).sum() * voxel_ml == pytest.approx(person.edv_ml, rel=0.06)
        assert (systole == LV).sum() * voxel_ml == pytest.approx(person.esv_ml, rel=0.12)
        assert (diastole == RV).sum() * voxel_ml == pytest.approx(person.rv_edv_ml, rel=0.06)
        for labels in (diastole, systole):
            mass_g = (labels == MYO).sum() * voxel_ml * 1.05
            assert mass_g == pytest.approx(person.mass_g, rel=0.12)


def test_fewer_slices_hold_the_ventricles_in_systole(subjects):
    counts = [
        [
            (subject.label_ids[..., frame] == LV).any(axis=(0, 1)).sum()
            for frame in (subject.ed_frame, subject.es_frame)
        ]
        for subject in subjects
    ]
    diastole, systole = np.sum(counts, axis=0)
    assert systole < diastole


def test_blood_is_bright_myocardium_dark_and_the_rv_between(subjects):
    for subject in subjects:
        image, labels = subject.image[..., subject.ed_frame], subject.label_ids[..., subject.ed_frame]
        left, wall, right = (image[labels == structure].mean() for structure in (LV, MYO, RV))
        assert wall < 0.5 * left
        assert wall < right < 1.02 * left


def test_papillary_muscles_are_dark_inside_the_cavity_label(subjects):
    for subject in subjects:
        image, labels = subject.image[..., subject.ed_frame], subject.label_ids[..., subject.ed_frame]
        areas = (labels == LV).sum(axis=(0, 1))
        middle = [k for k in np.argsort(areas) if areas[k] > 0.5 * areas.max()][:3]
        dark = 0
        for k in middle:
            inside = ndimage.binary_erosion(labels[..., k] == LV, iterations=2)
            blood = np.median(image[..., k][inside])
            dark += int((image[..., k][inside] < 0.6 * blood).sum())
        assert dark > 10


def test_vendors_differ_in_scale_and_images_are_magnitudes(subjects):
    levels = {"A": [], "B": []}
    for subject in subjects:
        assert subject.image.dtype == np.int16
        assert subject.image.min() >= 0
        image, labels = subject.image[..., subject.ed_frame], subject.label_ids[..., subject.ed_frame]
        levels[subject.protocol.vendor.letter].append(image[labels == LV].mean())
    assert max(levels["A"]) < 500 < min(levels["B"])


def test_the_heart_beats_and_the_chest_stays(subjects):
    subject = subjects[0]
    image = subject.image.astype(float)
    change = np.abs(image[..., subject.ed_frame] - image[..., subject.es_frame])
    heart = subject.label_ids[..., subject.ed_frame] > 0
    assert change[heart].mean() > 3 * change[~ndimage.binary_dilation(heart, iterations=25)].mean()
