"""From signal to stored image: k-space, noise, magnitude."""

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from cmrtf.phantom.protocol import Protocol
from cmrtf.phantom.raster import FloatArray


class Acquisition:
    """Measures part of k-space, with noise, and stores the magnitude.

    Complex Gaussian noise before the magnitude makes the result Rician (Gudbjartsson and Patz, MRM
    1995;34:910). Zero-filling outside the measured part blurs the image and correlates its noise, as in real
    images.
    """

    def __init__(self, protocol: Protocol, rng: np.random.Generator) -> None:
        vendor = protocol.vendor
        window_y, window_x = (
            _tapered_window(size, rng.uniform(*share))
            for size, share in zip(protocol.matrix[::-1], vendor.acquired, strict=True)
        )
        self._window = window_y[:, None] * window_x
        self._level = np.float32(rng.uniform(*vendor.blood_level))
        noise_left = np.sqrt(np.mean(self._window**2))
        self._deviation = np.float32(1 / rng.uniform(*vendor.blood_snr) / noise_left)
        self._rng = rng

    def __call__(self, signal: FloatArray) -> NDArray[np.int16]:
        """Stored image of a signal `(slices, height, width)`."""
        noise = self._rng.standard_normal((*signal.shape, 2), dtype=np.float32).view(np.complex64)[..., 0]
        measured = fft.ifft2(
            fft.fft2(signal + self._deviation * noise, overwrite_x=True) * self._window, overwrite_x=True
        )
        return np.round(np.abs(measured) * self._level).astype(np.int16)


def _tapered_window(size: int, share: float) -> FloatArray:
    """1 in the middle of k-space, a smooth fall to 0 at `share` of its edge, in FFT order."""
    inside = np.clip((share / 2 - np.abs(fft.fftfreq(size))) / (0.35 * share / 2), 0, 1)
    return (np.sin(np.pi / 2 * inside) ** 2).astype(np.float32)
