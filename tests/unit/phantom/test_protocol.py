from dataclasses import replace

import numpy as np
import pytest

from cmrtf.phantom.heart import Heart
from cmrtf.phantom.physiology import draw_physiology
from cmrtf.phantom.protocol import VENDORS, heart_axes, plan_protocol


def plan(seed):
    rng = np.random.default_rng(seed)
    heart = Heart(draw_physiology(rng, ("NOR", "DCM", "HCM")[seed % 3]), rng)
    return heart, plan_protocol(rng, VENDORS[seed % 2], heart)


@pytest.mark.parametrize("seed", range(12))
def test_the_stack_covers_the_ventricles(seed):
    heart, protocol = plan(seed)
    heights = protocol.slice_heights_mm
    spacing = np.diff(heights)
    assert 8 <= len(heights) <= 12
    assert np.ptp(spacing) < 1e-4
    assert 8 <= spacing[0] <= 10
    assert protocol.thickness_mm <= spacing[0] + 1e-4
    rest = heart.end_diastole
    assert heights[0] < 10, "starts at the apex"
    assert heights[-1] > rest.base_mm - 7, "ends at the base"
    assert 1.1 <= protocol.pixel_mm <= 1.6
    assert all(160 <= side <= 224 for side in protocol.matrix)


def test_the_affine_is_a_rotation_with_the_voxel_size():
    _, protocol = plan(0)
    columns = protocol.affine[:3, :3]
    spacing = np.diff(protocol.slice_heights_mm)[0]
    gram = columns.T @ columns
    np.testing.assert_allclose(gram, np.diag([protocol.pixel_mm, protocol.pixel_mm, spacing]) ** 2, atol=1e-4)
    assert np.min(np.abs(columns).max(axis=0) / np.linalg.norm(columns, axis=0)) < 0.98, "oblique"


def test_both_slice_orders_name_the_same_places():
    _, protocol = plan(1)
    last = len(protocol.slice_heights_mm) - 1
    apex_first = replace(protocol, base_first=False).affine
    base_first = replace(protocol, base_first=True).affine
    np.testing.assert_allclose(apex_first @ [3, 5, 0, 1], base_first @ [3, 5, last, 1], atol=1e-3)
    np.testing.assert_allclose(apex_first @ [3, 5, last, 1], base_first @ [3, 5, 0, 1], atol=1e-3)


def test_the_apex_points_left_forward_and_down():
    lateral, inferior, basal = heart_axes(np.deg2rad(45), np.deg2rad(30))
    to_apex = -basal
    assert to_apex[0] > 0, "LPS: left"
    assert to_apex[1] < 0, "forward"
    assert to_apex[2] < 0, "down"
    assert inferior[2] < -0.7
    axes = np.stack([lateral, inferior, basal])
    np.testing.assert_allclose(axes @ axes.T, np.eye(3), atol=1e-12)


def test_signals_are_relative_to_lv_blood():
    _, protocol = plan(2)
    assert protocol.signals["arterial_blood"] == 1
