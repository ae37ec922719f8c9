"""What new subjects are made from, opened again where another process makes them."""

from dataclasses import dataclass
from pathlib import Path

from cmrtf.bundle.banks import read_anatomy_prior, read_appearance_bank
from cmrtf.bundle.contents import bundle_sha256, read_description
from cmrtf.bundle.models import LoadedModels, SignatureModels
from cmrtf.bundle.signatures import promised_by
from cmrtf.core.files import real_path
from cmrtf.errors import CmrtfError
from cmrtf.report.generated_cohort import Source
from cmrtf.synthesis.anatomy_prior import AnatomyPrior
from cmrtf.synthesis.appearance_bank import AppearanceBank


def source_of(folder: Path, models: SignatureModels, prior: AnatomyPrior, bank: AppearanceBank) -> Source:
    """The source of an open bundle in `folder`."""
    reopen = SourceOpener(real_path(folder), models.provenance["bundle_sha256"])
    return Source(models, prior, bank, models.provenance, reopen)


@dataclass(frozen=True)
class SourceOpener:
    """Opens a bundle's source in any process.

    Args:
        path: the bundle's folder, as every process sees it.
        sha256: of its `bundle.json`.
    """

    path: Path
    sha256: str

    def __call__(self) -> Source:
        """The source.

        Raises:
            CmrtfError: there is no bundle, it is damaged, or it is another one.
        """
        description = read_description(self.path)
        models = LoadedModels(self.path, promised_by(description))
        if (received := bundle_sha256(self.path)) != self.sha256:
            raise CmrtfError(
                f"{self.path}: expected the bundle with which this cohort was begun ({self.sha256[:12]}...). "
                f"Received: another one ({received[:12]}...)."
            )
        prior = read_anatomy_prior(self.path, description)
        return source_of(self.path, models, prior, read_appearance_bank(self.path, description))
