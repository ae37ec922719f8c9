"""How many multiply-adds a generator needs, counted from its layers' shapes."""

from collections.abc import Mapping

import numpy as np

from cmrtf.layers.spade import SPADE
from cmrtf.layers.spectral_conv2d import SpectralConv2D
from cmrtf.networks.contrast_encoder import ContrastEncoder
from cmrtf.networks.spade_generator import SPADEGenerator


def generator_multiply_adds(generator: SPADEGenerator, batch: int, rows: Mapping[int, int]) -> int:
    """Multiply-adds of a whole batch; normalising, activations and additions are not counted.

    Args:
        generator: built.
        batch: images.
        rows: for each size, on how many places SPADE's convolutions are evaluated: the distinct windows
            of the batch, or all its pixels for the dense form.
    """
    of_style = (generator.from_style, *generator.affines)
    total = batch * sum(_entries(dense.kernel) for dense in of_style)
    total += batch * generator.image_size**2 * _entries(generator.to_image.kernel)
    for block, size in zip(generator.blocks, generator.sizes, strict=True):
        for layer in block._flatten_layers():
            if isinstance(layer, SpectralConv2D):
                total += batch * size**2 * _entries(layer.kernel)
            elif isinstance(layer, SPADE):
                # The distinct form has its bias as one more input of the first product.
                bias = layer.hidden_channels if rows[size] < batch * size**2 else 0
                per_row = _entries(layer.hidden_kernel) + bias + _entries(layer.modulation_kernel)
                total += rows[size] * per_row
    return total


def contrast_encoder_multiply_adds(encoder: ContrastEncoder, batch: int) -> int:
    """Multiply-adds of a batch of images."""
    total, size = _entries(encoder.to_parameters.kernel), encoder.image_size
    for convolution in encoder.convolutions:
        size //= 2
        total += size**2 * _entries(convolution.kernel)
    return batch * total


def _entries(kernel: object) -> int:
    return int(np.prod(kernel.shape))
