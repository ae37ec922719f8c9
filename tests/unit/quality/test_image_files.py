import numpy as np
import pytest

from cmrtf.errors import CmrtfError
from cmrtf.quality.image_files import frames_of, read_image
from raw_data import heart, image_of, save


@pytest.fixture
def cine():
    return np.stack([image_of(heart(scale=scale)) for scale in (1.0, 0.9, 0.8)], -1).astype(np.float32)


def test_an_image_has_one_frame_and_a_cine_all_of_its_own(tmp_path, cine):
    save(tmp_path / "cine.nii.gz", cine)
    save(tmp_path / "image.nii.gz", cine[..., 0])
    frames = frames_of(read_image(tmp_path / "cine.nii.gz"))
    assert len(frames) == 3
    np.testing.assert_array_equal(frames[2], cine[..., 2])
    assert len(frames_of(read_image(tmp_path / "image.nii.gz"))) == 1


def test_every_frame_is_checked(tmp_path, cine):
    cine[3, 3, 3, 2] = np.nan
    save(tmp_path / "cine.nii.gz", cine)
    with pytest.raises(CmrtfError, match=r"cine\.nii\.gz"):
        read_image(tmp_path / "cine.nii.gz")


def test_a_label_map_is_no_image(tmp_path):
    save(tmp_path / "label.nii.gz", heart())
    with pytest.raises(CmrtfError, match=r"label\.nii\.gz"):
        read_image(tmp_path / "label.nii.gz")
