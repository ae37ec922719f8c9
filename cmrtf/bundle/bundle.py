"""A bundle: trained models, and what can be made with them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from cmrtf.bundle.banks import read_anatomy_prior, read_appearance_bank
from cmrtf.bundle.contents import bundle_sha256, read_description
from cmrtf.bundle.models import LoadedModels, SignatureModels
from cmrtf.bundle.signatures import promised_by
from cmrtf.bundle.source import source_of
from cmrtf.bundle.transport import DEADLINE_S
from cmrtf.core.arguments import require_flags
from cmrtf.core.labels import PHASES
from cmrtf.core.stack import Stack
from cmrtf.core.subject import Subject, require_sources
from cmrtf.errors import CmrtfError
from cmrtf.report.generated_cohort import GeneratedCohort, Request
from cmrtf.report.outputs import RemodelledSubjects, SyntheticSubjects
from cmrtf.report.provenance import with_facts
from cmrtf.report.synthesized_stacks import SynthesizedStacks
from cmrtf.synthesis.anatomy_prior import AnatomyPrior
from cmrtf.synthesis.appearance_bank import SAMPLE, AppearanceBank, find_style
from cmrtf.synthesis.criteria import Condition, checked_targets, parse_conditions, parse_targets
from cmrtf.synthesis.interpolate import common_phases, interpolate_subjects
from cmrtf.synthesis.label_maps import label_map_of, read_label_maps
from cmrtf.synthesis.randomised_contrast import SYNTHETIC
from cmrtf.synthesis.remodel import Change, remodel
from cmrtf.synthesis.sources import require_hearts


@dataclass(frozen=True, eq=False)
class Bundle:
    """Trained models on disk or behind a server, and what they learned of their training subjects.

    Everything is made in memory; `save` of what is returned writes it. Models are loaded when needed.

    Args:
        models: the four functions.
        path: its folder; None behind a server, which holds models only.
        description: the content of `bundle.json`; empty behind a server.

    Example:
        `bundle = cmrtf.load_bundle("bundle"); bundle.interpolate(cohort["A0S9V9"]).save("out")`
    """

    models: SignatureModels
    path: Path | None = None
    description: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def open(cls, path: Path | str) -> "Bundle":
        """Verify the checksums of a bundle on disk.

        Open those of people that you trust: a bundle is a program, and checksums show damage, not origin.

        Raises:
            CmrtfError: `path` is not a bundle, or a file of it is missing, changed or was added.
        """
        folder = Path(path)
        description = read_description(folder)
        return cls(LoadedModels(folder, promised_by(description)), folder, description)

    @classmethod
    def connect(cls, address: str, deadline_s: float = DEADLINE_S) -> "Bundle":
        """Find the models of a bundle on a server of TensorFlow Serving.

        Args:
            address: `grpc://host:8500` or `http://host:8501`, with TLS `grpcs://` or `https://`; a path
                names a version label, `grpc://host:8500/stable`. Without it: the newest version.
            deadline_s: seconds that one request may take.

        Raises:
            CmrtfError: the address is malformed, no server answers, or a model or signature is missing.
        """
        from cmrtf.bundle.server import ServedModels  # needs gRPC or requests

        return cls(ServedModels.connect(address, deadline_s))

    def interpolate(
        self,
        subject_a: Subject,
        subject_b: Subject | None = None,
        *,
        num_subjects: int = 8,
        num_slices: int = 32,
        num_frames: int | None = None,
        phases: Sequence[str] = PHASES,
        exact_ends: bool = True,
        repair: bool = True,
        facts: Mapping[str, Any] = MappingProxyType({}),
        progress: bool = True,
    ) -> SyntheticSubjects:
        """Bring a subject to `num_slices` slices, or interpolate from one subject to another.

        Args:
            subject_a: where the interpolation starts.
            subject_b: where it ends; None for A's own slices only.
            num_subjects: between A and B.
            num_slices: of each synthetic stack.
            num_frames: of a whole heart beat of each subject; None for the phases alone.
            phases: of `"ED"` and `"ES"`; those that all subjects have are made.
            exact_ends: whether interpolations pass through the true labels, so that volumes of the sources
                are kept: what the decoder misses of the sources is interpolated and added.
            repair: whether implausible labels (specks, holes) are repaired before images are made of them.
            facts: for the provenance: `data_hash` of the subjects' cohort, a `seed`, what else JSON can hold.
            progress: whether to show a progress bar.

        Returns:
            the intrasubject versions of A and B, then the subjects between them, from A to B.

        Raises:
            CmrtfError: the subjects have no phase in common, lack one that a beat needs, or are not what
                `cmrtf prepare` would make, or JSON cannot hold `facts`.
        """
        require_flags(exact_ends=exact_ends, repair=repair, progress=progress)
        given = [subject_a] if subject_b is None else [subject_a, subject_b]
        require_sources(*given)
        ends = [replace(end, weight=float(place)) for place, end in enumerate(given)]
        common = common_phases(ends, phases)
        ends = [end.with_stacks({phase: end.stacks[phase] for phase in common}) for end in ends]
        require_hearts(*ends)
        settings = {
            "data_hash": None,
            "subject_a": subject_a.name,
            "subject_b": None if subject_b is None else subject_b.name,
            "phases": common,
            "seed": 0,
            "slices": num_slices,
            **({} if num_frames is None else {"frames": num_frames}),
            "subjects": 0 if subject_b is None else num_subjects,
            "walk": "linear between posterior means; style codes likewise",
            "exact_ends": exact_ends,
            "repaired": repair,
        }
        provenance = with_facts(self.provenance | settings, facts)
        subjects = interpolate_subjects(
            self.models, ends, common, num_slices, num_subjects, num_frames, exact_ends, repair, progress
        )
        return SyntheticSubjects(subjects, ends, provenance)

    def remodel(
        self,
        subject: Subject,
        *,
        towards: str | None = None,
        amount: float = 1.0,
        targets: str | Mapping[str, float] | None = None,
        num_steps: int = 4,
        facts: Mapping[str, Any] = MappingProxyType({}),
        progress: bool = True,
    ) -> RemodelledSubjects:
        """Move the heart of a subject towards a pathology, to given volumes, or both.

        Args:
            subject: with both phases.
            towards: a pathology that the bundle knows.
            amount: how far: 1 is the difference between the average hearts of both pathologies.
            targets: such as `"EDV=200 ml, EF=30 %"`, or values by name; what is not named stays.
            num_steps: subjects after the one without change.
            facts: for the provenance: `data_hash` of the subject's cohort, what else JSON can hold.
            progress: whether to show a progress bar.

        Raises:
            CmrtfError: there is nothing to change, targets are none, the subject lacks a phase or is not what
                `cmrtf prepare` makes, the pathology is unknown or beyond reach, or JSON cannot hold `facts`.
        """
        require_flags(progress=progress)
        require_hearts(subject)
        values = parse_targets(targets) if isinstance(targets, str) else checked_targets(targets or {})
        change = Change(towards, amount, values)
        settings = {
            "data_hash": None,
            "subject": subject.name,
            "towards": towards,
            "amount": None if towards is None else amount,
            "targets": dict(values),
            "steps": num_steps,
        }
        provenance = with_facts(self.provenance | settings, facts)
        remodelled = remodel(self.models, self.anatomy_prior, subject, change, num_steps, progress)
        return RemodelledSubjects(remodelled.subjects, [subject], provenance, remodelled)

    def generate(
        self,
        num_subjects: int,
        *,
        style: str = SAMPLE,
        pathology: str | None = None,
        where: str | Sequence[Condition] | None = None,
        images: str = SYNTHETIC,
        num_frames: int | None = None,
        seed: int = 0,
    ) -> GeneratedCohort:
        """New subjects, each made when it is asked for: number i is a function of the seed and of i.

        Args:
            num_subjects: how many.
            style: what images look like: a training subject, a vendor, a centre, an image file or `"sample"`.
            pathology: whose hearts; None for as often as they occur in training and fulfil the conditions.
            where: what all hearts measure, such as `"EDV>180 ml, EF<35 %"`.
            images: `"synthetic"`, `"randomised"` (in contrasts that no scanner has) or `"mixed"`.
            num_frames: of a whole heart beat of each; None for end diastole and end systole alone.
            seed: of all that is drawn.

        Raises:
            CmrtfError: there are no such images, or nothing that was learned can fulfil the request.
        """
        conditions = parse_conditions(where) if isinstance(where, str) else tuple(where or ())
        prior, bank = self.anatomy_prior, self.appearance_bank
        source = source_of(self._folder("hearts"), self.models, prior, bank)
        request = Request(num_subjects, seed, style, pathology, conditions, images, num_frames)
        return GeneratedCohort(source, request)

    def synthesize(
        self,
        labels: Stack | Path | str,
        *,
        style: str = SAMPLE,
        seed: int = 0,
        label_values: Mapping[str, int] | None = None,
    ) -> Stack:
        """A stack with an image for a label map.

        Args:
            labels: a prepared stack, or a 3D label file (NIfTI).
            style: what the image looks like, as of `generate`.
            seed: of what is drawn.
            label_values: structure to its value in the file; None for LV 1, MYO 2, RV 3.

        Raises:
            CmrtfError: the labels would be refused in a data set, or the style has no meaning or several.
        """
        stack = label_map_of(labels, label_values)
        choice = find_style(self.models, self.appearance_bank, style, stack.geometry)
        appearance = choice.draw(np.random.default_rng(seed))
        return appearance.synthesize_stacks(self.models, {"": stack})[""]

    def synthesize_all(
        self,
        labels: Path | str,
        *,
        style: str = SAMPLE,
        seed: int = 0,
        label_values: Mapping[str, int] | None = None,
    ) -> SynthesizedStacks:
        """Images for all label files of a folder, or for the labelled frames of a 4D file.

        Args:
            labels: the folder or file (NIfTI). All files are checked before any image is made.
            style: as of `synthesize`; each file of a folder draws its own appearance.
            seed: as of `synthesize`.
            label_values: as of `synthesize`.
        """
        files = read_label_maps(Path(labels), label_values)
        return SynthesizedStacks(self.models, self.appearance_bank, files, style, seed)

    @property
    def sha256(self) -> str:
        """Hash of `bundle.json`, which holds the hashes of all other files: names the whole bundle."""
        return bundle_sha256(self._folder("its hash"))

    @property
    def provenance(self) -> dict[str, Any]:
        """Which models these are, as plain values for JSON."""
        return self.models.provenance

    @cached_property
    def appearance_bank(self) -> AppearanceBank:
        """The appearances of the training subjects.

        Raises:
            CmrtfError: the bundle is behind a server, which has none, or they are not its models'.
        """
        return read_appearance_bank(self._folder("style_bank.json"), self.description)

    @cached_property
    def anatomy_prior(self) -> AnatomyPrior:
        """The distribution that new hearts are drawn from.

        Raises:
            CmrtfError: the bundle has none, or it is not its models'.
        """
        return read_anatomy_prior(self._folder("anatomy_bank.npz"), self.description)

    def _folder(self, purpose: str) -> Path:
        if self.path is None:
            raise CmrtfError(f"expected a bundle on disk, for {purpose}. Received: models behind a server.")
        return self.path

    def __repr__(self) -> str:
        return f"Bundle({self.path or self.provenance})"


connect = Bundle.connect  # and `load_bundle` is in `cmrtf.bundle.open`
