import numpy as np
import pytest

from cmrtf.phantom.acquisition import Acquisition
from cmrtf.phantom.heart import Heart
from cmrtf.phantom.physiology import draw_physiology
from cmrtf.phantom.protocol import VENDORS, plan_protocol


@pytest.fixture(params=VENDORS, ids=lambda vendor: vendor.name)
def protocol(request):
    rng = np.random.default_rng(0)
    return plan_protocol(rng, request.param, Heart(draw_physiology(rng, "NOR"), rng))


def acquire(protocol, signal):
    shape = (4, protocol.matrix[1], protocol.matrix[0])
    stored = Acquisition(protocol, np.random.default_rng(1))(np.full(shape, signal, dtype=np.float32))
    assert stored.dtype == np.int16
    return stored.astype(float)


def test_noise_without_signal_is_that_of_a_magnitude(protocol):
    # Mean over deviation of a Rayleigh distribution: sqrt(pi / (4 - pi)) = 1.91.
    noise = acquire(protocol, 0.0)
    assert noise.mean() / noise.std() == pytest.approx(1.91, rel=0.03)


def test_blood_has_the_vendors_level_and_snr(protocol):
    blood = acquire(protocol, 1.0)
    low, high = protocol.vendor.blood_level
    assert low <= blood.mean() <= high * 1.01
    low, high = protocol.vendor.blood_snr
    assert 0.95 * low < blood.mean() / blood.std() < 1.05 * high


def test_fat_is_as_bright_in_opposed_phase(protocol):
    assert acquire(protocol, -1.0).mean() == pytest.approx(acquire(protocol, 1.0).mean(), rel=0.01)


def test_noise_is_correlated_between_neighbours(protocol):
    noise = acquire(protocol, 1.0) - acquire(protocol, 1.0).mean()
    neighbours = np.mean(noise[..., 1:] * noise[..., :-1]) / noise.var()
    assert neighbours > 0.1, "part of k-space is zero-filled"
