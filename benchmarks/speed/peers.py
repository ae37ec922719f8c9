"""MONAI's SPADE on PyTorch, the public implementation to compare with."""

import os
from collections.abc import Callable

import numpy as np
import torch
from monai.networks.blocks.spade_norm import SPADE
from monai.networks.nets import SPADENet
from numpy.typing import NDArray

torch.set_num_threads(os.cpu_count() or 1)
BATCH_NORM = ("BATCH", {"affine": False})
LAYOUTS = {"MONAI": torch.contiguous_format, "MONAI, channels last": torch.channels_last}

GENERATOR_NOTE = (
    "MONAI's SPADENet ({parameters:.0f} M parameters with its encoder, {gigamacs:.1f} G multiply-adds per "
    "image) is a reference for the same kind of work, not the same network: its blocks run at 4 x 4 to 64 x "
    "64 and only a one-channel convolution at 128 x 128, while ours ({our_parameters:.0f} M parameters, "
    "{our_gigamacs:.1f} G multiply-adds per image in dense form) has blocks at 8 x 8 to 128 x 128. It has no "
    "spectral normalisation (ours is fused), and an instance normalisation behind each gamma and beta "
    "convolution."
)
LAYER_NOTE = (
    "MONAI's block has an instance normalisation behind its gamma and beta convolutions and a leaky ReLU "
    "between; it gets the one-hot map ready-made, we make ours from label ids. Ratios are to the faster of "
    "its two memory layouts."
)


def one_hot(label_ids: NDArray[np.uint8], num_classes: int = 4) -> torch.Tensor:
    """`(batch, num_classes, height, width)` float32."""
    return torch.from_numpy(np.moveaxis(np.eye(num_classes, dtype=np.float32)[label_ids], -1, 1).copy())


class MonaiTranslator:
    """SPADENet in the configuration nearest to ours: image and labels to image."""

    def __init__(self) -> None:
        self.network = SPADENet(
            spatial_dims=2,
            in_channels=1,
            out_channels=1,
            label_nc=4,
            input_shape=(128, 128),
            channels=[32, 64, 128, 256, 512],
            z_dim=512,
            is_vae=True,
            spade_intermediate_channels=128,
            norm=BATCH_NORM,
            last_act="tanh",
        ).eval()

    @property
    def parameters(self) -> int:
        """Weights of encoder and decoder."""
        return sum(weight.numel() for weight in self.network.parameters())

    def call(self, image: NDArray[np.float32], label_ids: NDArray[np.uint8]) -> Callable[[], object]:
        """Translation of a batch with the posterior mean as style."""
        images, labels = torch.from_numpy(image[:, None].copy()), one_hot(label_ids)

        def translate() -> torch.Tensor:
            with torch.inference_mode():
                mean, _ = self.network.encoder(images)
                return self.network.decode(labels, mean)

        return translate

    def multiply_adds(self, image: NDArray[np.float32], label_ids: NDArray[np.uint8]) -> int:
        """Of a batch, in convolutions and dense layers; counted as they run."""
        # Not `torch.utils.flop_counter`: it imports Triton, which crashes where TensorFlow is loaded.
        total = 0

        def count(layer: torch.nn.Module, _: object, outputs: torch.Tensor) -> None:
            nonlocal total
            total += outputs.numel() * layer.weight[0].numel()

        counted = [
            layer for layer in self.network.modules() if isinstance(layer, torch.nn.Conv2d | torch.nn.Linear)
        ]
        hooks = [layer.register_forward_hook(count) for layer in counted]
        self.call(image, label_ids)()
        for hook in hooks:
            hook.remove()
        return total


class MonaiSPADECalls:
    """One SPADE block in training, as calls without arguments; see `SPADECalls`."""

    def __init__(self, label_ids: NDArray[np.uint8], layout: torch.memory_format) -> None:
        block = SPADE(
            label_nc=4,
            norm_nc=64,
            kernel_size=3,
            spatial_dims=2,
            hidden_channels=128,
            norm=BATCH_NORM[0],
            norm_params=BATCH_NORM[1],
        )
        block.train().to(memory_format=layout)
        batch, *size = label_ids.shape
        inputs, upstream = (torch.randn(batch, 64, *size).to(memory_format=layout) for _ in range(2))
        labels = one_hot(label_ids).to(memory_format=layout)
        weights = list(block.parameters())

        def forward() -> torch.Tensor:
            with torch.inference_mode():
                return block(inputs, labels)

        def forward_backward() -> object:
            leaf = inputs.detach().requires_grad_()
            return torch.autograd.grad(block(leaf, labels), [leaf, *weights], upstream)

        self.forward: Callable[[], object] = forward
        self.forward_backward: Callable[[], object] = forward_backward
