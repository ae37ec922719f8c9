"""SavedModels of trained runs, and the bundle that holds them.

Names are imported when they are first used: TensorFlow starts only then, and without its chatter.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cmrtf_export.bundle_trainer import BundleTrainer
    from cmrtf_export.check import check_bundle
    from cmrtf_export.export import export_bundle

__all__ = ["BundleTrainer", "check_bundle", "export_bundle"]

_HOMES = {
    "BundleTrainer": "cmrtf_export.bundle_trainer",
    "check_bundle": "cmrtf_export.check",
    "export_bundle": "cmrtf_export.export",
}


def __getattr__(name: str) -> Any:
    """Import a public name on its first use."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from cmrtf.tensorflow_start import start_tensorflow

    start_tensorflow()
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
