import numpy as np
import pytest

from cmrtf.networks.unet import UNet
from layer_checks import check_layer

IMAGE = np.random.default_rng(0).uniform(-1, 1, (2, 16, 16, 1)).astype(np.float32)


@pytest.mark.parametrize(("depth", "blocks"), [(1, 3 + 2 + 2), (2, 6 + 2 + 4)])
def test_layer_checks(depth, blocks):
    """Each block has three weights and two averages; a convolution with bias makes the logits."""
    config = {"num_classes": 4, "widths": (4, 6, 8), "depth": depth}
    check_layer(UNet, config, [IMAGE], [(2, 16, 16, 4)], (blocks * 3 + 2, blocks * 2))


def test_layer_checks_with_instance_normalisation():
    config = {"num_classes": 4, "widths": (4, 6, 8), "normalisation": "instance"}
    check_layer(UNet, config, [IMAGE], [(2, 16, 16, 4)], (7 * 3 + 2, 0))


def test_encoder_stages_halve_the_map():
    network = UNet(4, (4, 6, 8), depth=2)
    network(IMAGE)
    assert [features.shape for features in network.encode(IMAGE)] == [
        (2, 16, 16, 4),
        (2, 8, 8, 6),
        (2, 4, 4, 8),
    ]


def test_logits_depend_on_every_encoder_block():
    """Logits change when any encoder block outputs zeros."""
    network = UNet(4, (4, 6, 8))
    expected = network(IMAGE).numpy()
    for block in network.down:
        scale, offset = block.scale.numpy(), block.offset.numpy()
        block.scale.assign(0 * scale)
        block.offset.assign(0 * offset)
        assert np.abs(network(IMAGE) - expected).max() > 1e-4
        block.scale.assign(scale)
        block.offset.assign(offset)


def test_skip_connection_keeps_single_pixels():
    """Without the lower stages the receptive field is two pixels around."""
    network = UNet(4, (4, 6, 8))
    network.build((None, 16, 16, 1))
    network.up[-1].scale.assign(np.zeros(4))
    changed = IMAGE.copy()
    changed[:, 8, 8] += 1.0
    difference = np.abs((network(changed) - network(IMAGE)).numpy())
    y, x = np.nonzero(difference.max((0, 3)) > 1e-7)
    assert (y.min(), y.max(), x.min(), x.max()) == (6, 10, 6, 10)


def test_inference_does_not_depend_on_the_batch():
    network = UNet(4, (4, 6, 8))
    network(IMAGE, training=True)
    np.testing.assert_allclose(network(IMAGE[1:])[0], network(IMAGE)[1], atol=1e-6)
