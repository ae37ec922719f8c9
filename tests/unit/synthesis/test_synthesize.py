import nibabel as nib
import numpy as np
import pytest

from cmrtf.core.labels import SCHEMA
from cmrtf.errors import CmrtfError
from cmrtf.synthesis.appearance import Appearance
from cmrtf.synthesis.synthesize import read_labels, synthesize_stack

AFFINE = np.diag([2.0, 2.0, 10.0, 1.0])


def label_file(folder, size=40, affine=AFFINE, labels=None):
    """A heart that narrows towards the last slice."""
    x, y, z = np.indices((size, size, 4))
    radius = np.hypot(x - size // 2, y - size // 2) / (10 - 2 * z)
    heart = np.select([radius < 0.6, radius < 1, (radius < 1.4) & (x < size // 2)], [1, 2, 3], 0)
    path = folder / "labels.nii.gz"
    nib.save(nib.Nifti1Image((heart if labels is None else labels(heart)).astype(np.uint8), affine), path)
    return path


class FlatModels:
    """Paints every structure in a grey of its own."""

    def synthesize(self, label_ids, _):
        return label_ids.astype(np.float32) / SCHEMA.num_classes


def test_read_labels_prepares_a_stack_apex_first(tmp_path):
    stack = read_labels(label_file(tmp_path))
    assert stack.image.shape == stack.label_ids.shape == (4, 128, 128)
    assert stack.spacing_mm == pytest.approx((1.5, 1.5, 10.0))
    areas = stack.areas_mm2("LV")
    assert areas[0] < areas[-1]
    assert (stack.image == -1.0).all()


def test_read_labels_takes_a_file_on_the_prepared_grid_as_it_is(tmp_path):
    path = label_file(tmp_path, 128, np.diag([1.5, 1.5, 10.0, 1.0]))
    written = np.asanyarray(nib.load(path).dataobj)
    np.testing.assert_array_equal(read_labels(path).label_ids, written.T[::-1])


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (lambda heart: np.stack([heart, heart], -1), "expected a 3D label map"),
        (lambda heart: heart * 7, "Received"),
        (lambda heart: heart * 0, "Received"),
        (lambda heart: np.array([0, 3, 2, 1])[heart], "labels are in the order of another data set"),
    ],
    ids=["4D", "other labels", "no heart", "order of ACDC"],
)
def test_read_labels_refuses_what_is_no_heart(tmp_path, labels, expected):
    path = label_file(tmp_path, labels=labels)
    with pytest.raises(CmrtfError, match=expected) as refused:
        read_labels(path)
    assert str(path) in str(refused.value)


def test_a_synthesized_stack_has_the_window_of_its_appearance_and_its_source_s_voxels(tmp_path):
    path = label_file(tmp_path)
    appearance = Appearance(np.zeros(4, np.float32), (0.0, 100.0))
    stack = synthesize_stack(FlatModels(), read_labels(path), appearance)
    assert stack.intensity_window == (0.0, 100.0)
    stack.save_on_source(tmp_path / "image.nii.gz")
    image, labels = nib.load(tmp_path / "image.nii.gz"), nib.load(path)
    assert image.shape == labels.shape
    np.testing.assert_allclose(image.affine, labels.affine, atol=1e-5)
    values, label_ids = image.get_fdata(), np.asanyarray(labels.dataobj)
    assert np.median(values[label_ids == SCHEMA.id_of("LV")]) == pytest.approx(62.5, abs=1.0)
    assert np.median(values[label_ids == 0]) == pytest.approx(50.0, abs=1.0)
