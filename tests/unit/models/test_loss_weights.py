import dataclasses
import subprocess
import sys

import pytest

from cmrtf.models.loss_weights import LossWeights


def test_feature_matching_has_the_weight_of_pix2pixhd():
    assert LossWeights().feature_matching == 10.0


def test_weights_of_a_run_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        LossWeights().kl = 1.0


def test_import_does_not_import_tensorflow():
    code = "import sys, cmrtf.models.loss_weights; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
