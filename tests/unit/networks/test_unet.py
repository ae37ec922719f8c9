import numpy as np
import pytest

from cmrtf.networks.unet import UNet

IMAGE = np.random.default_rng(0).uniform(-1, 1, (2, 16, 16, 1)).astype(np.float32)


@pytest.mark.parametrize(("depth", "blocks"), [(1, 3 + 2 + 2), (2, 6 + 2 + 4)])
def test_as_a_layer(check_layer, depth, blocks):
    """Each block has three weights and two averages; a convolution with bias makes the logits."""
    config = {"num_classes": 4, "widths": (4, 6, 8), "depth": depth}
    check_layer(UNet, config, [IMAGE], [(2, 16, 16, 4)], (blocks * 3 + 2, blocks * 2))


def test_each_stage_of_the_way_down_halves_the_map():
    network = UNet(4, (4, 6, 8), depth=2)
    network(IMAGE)
    assert [one.shape for one in network.encode(IMAGE)] == [(2, 16, 16, 4), (2, 8, 8, 6), (2, 4, 4, 8)]


def test_the_way_up_sees_every_map_of_the_way_down():
    """Silencing any stage changes the logits."""
    network = UNet(4, (4, 6, 8))
    expected = network(IMAGE).numpy()
    for block in network.down:
        scale, offset = block.scale.numpy(), block.offset.numpy()
        block.scale.assign(0 * scale)
        block.offset.assign(0 * offset)
        assert np.abs(network(IMAGE) - expected).max() > 1e-4
        block.scale.assign(scale)
        block.offset.assign(offset)


def test_a_skip_carries_single_pixels():
    """With the lower stages silent, what is left is the full-sized stage: a pixel reaches two around it."""
    network = UNet(4, (4, 6, 8))
    network.build((None, 16, 16, 1))
    network.up[-1].scale.assign(np.zeros(4))
    changed = IMAGE.copy()
    changed[:, 8, 8] += 1.0
    difference = np.abs((network(changed) - network(IMAGE)).numpy())
    y, x = np.nonzero(difference.max((0, 3)) > 1e-7)
    assert (y.min(), y.max(), x.min(), x.max()) == (6, 10, 6, 10)


def test_a_slice_alone_is_as_the_slice_in_a_batch():
    network = UNet(4, (4, 6, 8))
    network(IMAGE, training=True)
    np.testing.assert_allclose(network(IMAGE[1:])[0], network(IMAGE)[1], atol=1e-6)
