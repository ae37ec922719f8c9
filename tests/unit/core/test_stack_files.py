import numpy as np
import pytest

from cmrtf.core.geometry import Geometry
from cmrtf.core.stack import Stack
from cmrtf.core.stack_files import image_on_file, labels_on_file, read_stack, write_stack

OBLIQUE = np.array([[1.2, 0.3, 2.0, -40.0], [-0.3, 1.2, 1.0, 12.0], [0.1, -0.2, 8.0, 70.0], [0, 0, 0, 1.0]])


@pytest.fixture
def stack():
    rng = np.random.default_rng(0)
    image = rng.uniform(-1, 1, (4, 6, 5)).astype(np.float32)
    label_ids = rng.integers(0, 4, (4, 6, 5)).astype(np.uint8)
    return Stack(image, label_ids, Geometry.of(OBLIQUE, (5, 6, 4)), (100.0, 300.0))


def test_a_stack_is_written_in_the_units_and_the_order_of_its_source(stack):
    image, labels = image_on_file(stack), labels_on_file(stack)
    assert (image.shape, image.dtype, labels.shape, labels.dtype) == (
        (5, 6, 4),
        np.float32,
        (5, 6, 4),
        np.uint8,
    )
    assert image[1, 2, 3] == pytest.approx(200.0 + 100.0 * stack.image[3, 2, 1], rel=1e-5)
    assert labels[1, 2, 3] == stack.label_ids[3, 2, 1]


def test_a_stack_that_was_written_is_read_back(stack, tmp_path):
    files = tmp_path / "image.nii.gz", tmp_path / "labels.nii.gz"
    write_stack(stack, *files)
    back = read_stack(*files, stack.intensity_window)
    np.testing.assert_allclose(back.image, stack.image, atol=1e-5)
    np.testing.assert_array_equal(back.label_ids, stack.label_ids)
    np.testing.assert_allclose(back.affine, OBLIQUE, atol=1e-5)
    assert back.intensity_window == (100.0, 300.0)
