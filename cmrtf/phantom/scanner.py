"""The scanner: samples heart and chest in thick slices and makes stored images of them."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from cmrtf.core.labels import SCHEMA
from cmrtf.phantom.acquisition import Acquisition
from cmrtf.phantom.chest import Chest, Texture
from cmrtf.phantom.heart import Heart, HeartState
from cmrtf.phantom.heart_image import Blood, PolarPlane, paint_heart
from cmrtf.phantom.polar_surface import ANGLES_RAD
from cmrtf.phantom.protocol import Protocol
from cmrtf.phantom.raster import Canvas, FloatArray, smooth_noise

SUBPLANES = 4
"""Sample planes per slice, averaged: the partial volume through the slice."""

SMALLEST_CAVITY_MM2 = 30.0
"""A smaller cavity than this is not drawn by an annotator (by eye)."""

BLOOD_UNEVENNESS = 0.09
"""Relative deviation of the blood's signal by flow (by eye)."""

TISSUE_UNEVENNESS = 0.05
"""Relative deviation of the signal within tissues (by eye)."""

COARSE_MM, FINE_MM = 7.0, 1.7
"""Correlation lengths of the two noise fields of `chest.Texture` (by eye)."""

COIL_DECAY_MM = 55.0
"""Fall-off of a surface coil's sensitivity with depth, of the order of its radius (recalled)."""


class Scanner:
    """Scans one subject with one protocol.

    Only a window round the heart moves during the beat; the chest is sampled once.

    Args:
        protocol: the examination.
        heart: the subject's heart.
        rng: draws chest, textures and noise.
    """

    def __init__(self, protocol: Protocol, heart: Heart, rng: np.random.Generator) -> None:
        self._protocol, self._heart, self._rng = protocol, heart, rng
        self._signals = protocol.signals
        self._num_slices = len(protocol.slice_heights_mm)
        base = heart.end_diastole.base_mm * protocol.axes[2]
        surface = self._heart_surface_mm()
        self._chest = Chest(rng, heart.physiology.body_mass_index, surface, protocol.axes[2], base)
        self._window = self._window_along(surface, axis=1), self._window_along(surface, axis=0)
        self._planes = [self._heart_plane(k) for k in range(self._num_slices)]
        offsets = ((np.arange(SUBPLANES) + 0.5) / SUBPLANES - 0.5) * protocol.thickness_mm
        self._heights = (protocol.slice_heights_mm[:, None] + offsets).astype(np.float32)
        self._chest_planes = self._render_chest()

    def label(self, state: HeartState) -> NDArray[np.uint8]:
        """Label ids `(slices, height, width)`, as annotators draw them in the middle of a slice."""
        protocol = self._protocol
        cut = self._heart.cut(protocol.slice_heights_mm, state)
        labels = np.zeros((self._num_slices, protocol.matrix[1], protocol.matrix[0]), dtype=np.uint8)
        for k, plane in enumerate(self._planes):
            window = labels[(k, *self._window)]
            wall = plane.depth(cut.epi[k]) > 0
            window[wall] = SCHEMA.id_of("MYO")
            for structure, inside in (
                ("LV", plane.depth(cut.endo[k]) > 0),
                ("RV", _largest_component((plane.depth(cut.rv[k]) > 0) & ~wall)),
            ):
                if inside.sum() * protocol.pixel_mm**2 >= SMALLEST_CAVITY_MM2:
                    window[inside] = SCHEMA.id_of(structure)
        return labels

    def cine(self, states: Sequence[HeartState]) -> NDArray[np.int16]:
        """Images `(frames, slices, height, width)` of a beat, in the vendor's stored intensities."""
        shape = (self._num_slices, *self._chest_planes.shape[2:])
        rows, columns = self._window
        flow_fields = [smooth_noise(self._rng, shape, (0.6, 2.8, 2.8))[:, rows, columns] for _ in range(2)]
        unevenness = 1 + np.float32(TISSUE_UNEVENNESS) * smooth_noise(self._rng, shape, (0.6, 2.2, 2.2))
        sensitivity = unevenness * self._sensitivity()
        acquire = Acquisition(self._protocol, self._rng)

        images = np.empty((len(states), *shape), dtype=np.int16)
        signal = self._chest_planes.mean(axis=1)
        for t, state in enumerate(states):
            phase = 2 * np.pi * t / len(states)
            flow = np.float32(np.cos(phase)) * flow_fields[0] + np.float32(np.sin(phase)) * flow_fields[1]
            signal[:, rows, columns] = self._render_heart(state, 1 + np.float32(BLOOD_UNEVENNESS) * flow)
            images[t] = acquire(signal * sensitivity)
        return images

    def _heart_surface_mm(self) -> NDArray[np.float64]:
        """Points `(points, 3)` on the surface of the resting heart, LPS relative to the apex."""
        protocol, rest = self._protocol, self._heart.end_diastole
        heights = np.linspace(-0.9 * rest.cap_mm, rest.base_mm, 14).astype(np.float32)
        radii = self._heart.cut(heights, rest).fat[:, ::6] + 2
        angles = ANGLES_RAD[::6] + protocol.heart_angle_rad
        x, y = self._axis_mm(heights)
        points = np.stack(
            [
                x[:, None] + radii * np.cos(angles),
                y[:, None] + radii * np.sin(angles),
                np.broadcast_to(heights[:, None], radii.shape),
            ],
            axis=-1,
        )
        return (points @ protocol.axes).reshape(-1, 3)

    def _axis_mm(self, heights_mm: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Where the LV axis passes, along image x and y: a little aslant to the slices."""
        x, y = self._protocol.axis_drift[:, None] * (heights_mm - self._heart.length_mm / 2)
        return x.astype(np.float32), y.astype(np.float32)

    def _window_along(self, surface_mm: NDArray[np.float64], axis: int) -> slice:
        """The pixels along image x (0) or y (1) that the heart can reach."""
        extent = surface_mm @ self._protocol.axes[axis]
        low, high = np.searchsorted(self._protocol.pixels_mm(axis), [extent.min() - 8, extent.max() + 8])
        return slice(int(low), int(high))

    def _render_chest(self) -> FloatArray:
        """Sample planes `(slices, SUBPLANES, height, width)` without the heart."""
        protocol = self._protocol
        axes = protocol.axes.astype(np.float32)
        spacing = float(np.diff(protocol.slice_heights_mm[:2])[0])
        shape = (self._num_slices, protocol.matrix[1], protocol.matrix[0])
        coarse, fine = (
            smooth_noise(self._rng, shape, (mm / spacing, mm / protocol.pixel_mm, mm / protocol.pixel_mm))
            for mm in (COARSE_MM, FINE_MM)
        )
        planes = np.empty((shape[0], SUBPLANES, *shape[1:]), dtype=np.float32)
        for k, breath in enumerate(protocol.breath_mm.astype(np.float32)):
            x = (protocol.pixels_mm(0) + breath[0])[None, :]
            y = (protocol.pixels_mm(1) + breath[1])[:, None]
            texture = Texture(coarse[k], fine[k])
            for sub, height in enumerate(self._heights[k]):
                left, back, up = (x * axes[0, i] + y * axes[1, i] + height * axes[2, i] for i in range(3))
                planes[k, sub] = self._chest.render(
                    (left, back, up), texture, self._signals, protocol.pixel_mm
                )
        return planes

    def _heart_plane(self, k: int) -> PolarPlane:
        """The window's pixels of slice k in the heart's coordinates."""
        protocol = self._protocol
        axis_x, axis_y = self._axis_mm(protocol.slice_heights_mm[k : k + 1])
        breath = protocol.breath_mm[k].astype(np.float32)
        x = protocol.pixels_mm(0)[None, self._window[1]] + breath[0] - axis_x
        y = protocol.pixels_mm(1)[self._window[0], None] + breath[1] - axis_y
        cos, sin = np.float32(np.cos(protocol.heart_angle_rad)), np.float32(np.sin(protocol.heart_angle_rad))
        return PolarPlane.at(x * cos + y * sin, y * cos - x * sin)

    def _render_heart(self, state: HeartState, flow: FloatArray) -> FloatArray:
        """The window `(slices, rows, columns)`, averaged through the slices."""
        cut = self._heart.cut(self._heights.ravel(), state)
        # Atria grow less than a dilated ventricle, and fill while it contracts.
        size = (0.7 + 0.4 * self._heart.end_diastole.radius_mm / 26) * (1 + 0.06 * state.contraction)
        rows, columns = self._window
        slices = []
        for k, plane in enumerate(self._planes):
            signals = self._signals
            blood = Blood(signals["arterial_blood"] * flow[k], signals["venous_blood"] * flow[k])
            canvases = self._chest_planes[k, :, rows, columns].copy()
            for sub, values in enumerate(canvases):
                canvas = Canvas(values, signals, self._protocol.pixel_mm)
                paint_heart(canvas, plane, cut, k * SUBPLANES + sub, blood, size)
            slices.append(canvases.mean(axis=0))
        return np.stack(slices)

    def _sensitivity(self) -> FloatArray:
        """Receive sensitivity `(slices, height, width)`, 1 on average round the heart.

        Chest coils in front, spine coils behind, each an exponential in depth.
        """
        protocol = self._protocol
        strength = np.float32(self._rng.uniform(*protocol.vendor.coil_shading))
        x, y, up = protocol.axes.astype(np.float32)[:, 1]
        lps_y = x * protocol.pixels_mm(0)[None, None, :] + y * protocol.pixels_mm(1)[None, :, None]
        lps_y = lps_y + up * protocol.slice_heights_mm[:, None, None]
        front, back = self._chest.coil_distance_mm(lps_y)
        decay = np.float32(COIL_DECAY_MM)
        sensitivity = 1 + strength * (1.4 * np.exp(-front / decay) + 0.6 * np.exp(-back / decay))
        rows, columns = self._window
        return sensitivity / sensitivity[:, rows, columns].mean()


def _largest_component(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The largest 4-connected component: the thin tips of the crescent break up into pixels."""
    components, count = ndimage.label(mask)
    return components == 1 + np.argmax(np.bincount(components.ravel())[1:]) if count > 1 else mask
