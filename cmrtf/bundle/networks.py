"""The protocol `Networks`: what trains label VAE and GAN, and makes a bundle of them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from cmrtf.bundle.bundle import Bundle


class Networks(Protocol):
    """Trains label VAE and GAN; `cmrtf_export.BundleTrainer` does."""

    @property
    def recipe(self) -> Mapping[str, Any]:
        """All that they depend on but the patients, for the record."""

    def bundle(self, prepared: Path, folder: Path) -> Bundle:
        """The bundle of networks that saw a cohort's training subjects, trained now or before.

        Args:
            prepared: the cohort.
            folder: for the runs, and for `bundle`, the bundle.
        """
