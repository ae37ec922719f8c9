"""cmrtf: labelled synthetic cardiac MR from a label VAE and a SPADE GAN.

Names are imported when they are first used, so `import cmrtf` costs nothing and TensorFlow starts only
when models run.

Example:
    bundle = cmrtf.load_bundle("bundle")
    cohort = cmrtf.open_cohort("prepared")
    interpolation = bundle.interpolate(cohort["A0S9V9"], cohort["A1D9Z7"])
    interpolation[3].ed.volume_ml("LV")
    interpolation.save("out")
"""

import importlib
from typing import TYPE_CHECKING, Any

from cmrtf.errors import CmrtfError
from cmrtf.version import __version__

if TYPE_CHECKING:
    from cmrtf.about import info
    from cmrtf.adaptation.adapt import adapt
    from cmrtf.benchmark.benchmark import benchmark
    from cmrtf.bundle.bundle import connect
    from cmrtf.bundle.open import load_bundle
    from cmrtf.cohort.build import prepare, read_subject
    from cmrtf.cohort.cohort import open_cohort
    from cmrtf.core.dicom_series import convert
    from cmrtf.core.stack import Stack
    from cmrtf.core.subject import Subject
    from cmrtf.evaluation.evaluate import evaluate
    from cmrtf.phantom.cohort import write_phantom_cohort
    from cmrtf.quality.inspection import check
    from cmrtf.training.train import train_gan, train_vae

__all__ = [
    "CmrtfError",
    "Stack",
    "Subject",
    "__version__",
    "adapt",
    "benchmark",
    "check",
    "connect",
    "convert",
    "evaluate",
    "info",
    "load_bundle",
    "open_cohort",
    "prepare",
    "read_subject",
    "train_gan",
    "train_vae",
    "write_phantom_cohort",
]

_HOMES = {
    "adapt": "cmrtf.adaptation.adapt",
    "Stack": "cmrtf.core.stack",
    "Subject": "cmrtf.core.subject",
    "benchmark": "cmrtf.benchmark.benchmark",
    "connect": "cmrtf.bundle.bundle",
    "convert": "cmrtf.core.dicom_series",
    "evaluate": "cmrtf.evaluation.evaluate",
    "check": "cmrtf.quality.inspection",
    "info": "cmrtf.about",
    "load_bundle": "cmrtf.bundle.open",
    "open_cohort": "cmrtf.cohort.cohort",
    "prepare": "cmrtf.cohort.build",
    "read_subject": "cmrtf.cohort.build",
    "train_gan": "cmrtf.training.train",
    "train_vae": "cmrtf.training.train",
    "write_phantom_cohort": "cmrtf.phantom.cohort",
}


def __getattr__(name: str) -> Any:
    """Import a public name on its first use."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
