import nibabel as nib
import numpy as np
import pytest

from cmrtf.core.geometry import Geometry
from cmrtf.core.stack import Stack
from cmrtf.errors import CmrtfError
from cmrtf.report.synthesized_stacks import SynthesizedStacks
from cmrtf.synthesis.label_maps import LabelMaps
from heart_double import RingModels, heart_source

SOURCE = heart_source()


def labels():
    label_ids = RingModels().decode(np.array([[20.0, 14.0, 17.0]] * 3, np.float32))
    geometry = Geometry.of(np.diag([1.5, 1.5, 10.0, 1.0]), label_ids.shape[::-1])
    return Stack(np.full(label_ids.shape, -1.0, np.float32), label_ids, geometry)


def synthesized(*files, style="vendor:B", seed=0):
    return SynthesizedStacks(SOURCE.models, SOURCE.bank, files, style, seed)


CINE = LabelMaps("cine", {"frame00": labels(), "frame07": labels()})
ONE, OTHER = LabelMaps("one", {"": labels()}), LabelMaps("sub/other", {"": labels()})


def test_frames_of_a_file_share_an_appearance_and_files_do_not():
    stacks = synthesized(CINE, ONE)
    assert list(stacks) == ["cine_frame00", "cine_frame07", "one"]
    first, last, one = (stacks[name].image for name in stacks)
    np.testing.assert_array_equal(first, last)
    assert np.abs(first - one).max() > 1e-3


def test_a_file_alone_has_the_appearance_of_its_seed_and_a_folder_repeats_itself():
    drawn = SOURCE.bank.find("vendor:B").draw(np.random.default_rng(3))
    alone = synthesized(ONE, seed=3)["one"]
    np.testing.assert_array_equal(alone.image, drawn.synthesize(SOURCE.models, {"": labels().label_ids})[""])
    again = [synthesized(CINE, ONE, seed=3)["one"].image for _ in range(2)]
    np.testing.assert_array_equal(*again)


def test_all_images_are_written_as_one_folder(tmp_path):
    synthesized(CINE, OTHER).save(tmp_path / "out")
    files = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.nii.gz"))
    assert files == ["out/cine_frame00.nii.gz", "out/cine_frame07.nii.gz", "out/sub/other.nii.gz"]
    assert nib.load(tmp_path / "out" / "cine_frame07.nii.gz").shape == (128, 128, 3)
    with pytest.raises(CmrtfError, match="expected a folder that does not exist yet"):
        synthesized(CINE).save(tmp_path / "out")


def test_a_style_without_meaning_is_refused_before_an_image_is_made():
    with pytest.raises(CmrtfError, match="style"):
        synthesized(ONE, style="nobody")
