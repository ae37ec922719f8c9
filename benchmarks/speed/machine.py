"""What the machine is, and how fast it multiplies at best."""

import importlib.metadata
import os
import platform
from pathlib import Path
from typing import Any

import tensorflow as tf
from timing import Effort, interleave

GEMM_SIDE = 2048
CONVOLUTION = {"batch": 8, "size": 32, "channels": 256, "kernel": 3}
DTYPES = {"float32": tf.float32, "bfloat16": tf.bfloat16}
PACKAGES = ("tensorflow", "keras", "torch", "monai", "numpy", "nibabel")


def describe() -> dict[str, Any]:
    """Processor, cores and versions."""
    return {
        "cpu": _cpu_model(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "packages": {name: importlib.metadata.version(name) for name in PACKAGES},
    }


def _cpu_model() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def measure_peaks(effort: Effort) -> dict[str, dict[str, float]]:
    """GFLOP/s (two for each multiply-add) of a large matrix product and a large convolution, by dtype.

    Of the fastest round: a peak taken while the machine is busy would make every floor too easy to reach.
    """
    batch, size, channels, kernel = CONVOLUTION.values()
    operations = {
        "gemm": 2.0 * GEMM_SIDE**3,
        "convolution": 2.0 * batch * size**2 * kernel**2 * channels**2,
    }
    contenders = {}
    for name, dtype in DTYPES.items():
        matrix = tf.cast(tf.random.normal((GEMM_SIDE, GEMM_SIDE)), dtype)
        maps = tf.cast(tf.random.normal((batch, size, size, channels)), dtype)
        taps = tf.cast(tf.random.normal((kernel, kernel, channels, channels)), dtype)
        contenders[f"gemm {name}"] = lambda matrix=matrix: tf.matmul(matrix, matrix)
        contenders[f"convolution {name}"] = lambda maps=maps, taps=taps: tf.nn.conv2d(maps, taps, 1, "SAME")
    timings = interleave(contenders, effort)
    return {
        name: {kind: count / timings[f"{kind} {name}"].min_ms / 1e6 for kind, count in operations.items()}
        for name in DTYPES
    }
