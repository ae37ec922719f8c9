"""The cohort that lies in a folder already, whose subjects must not be lost when it is prepared again."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cmrtf.cohort.cohort import FORMAT_NAME, FORMAT_VERSION, MANIFEST_NAME, PreparedCohort, read_manifest
from cmrtf.cohort.entries import EarlierManifestEntry
from cmrtf.cohort.shard_format import SHARDS_FOLDER, SUBJECTS_SUFFIX, read_lines
from cmrtf.core.files import is_file, require_new_folder, sha256_of
from cmrtf.core.issues import listed
from cmrtf.core.json_files import LIST_BYTES, read_json, require_json
from cmrtf.datasets.base import RawCohort, RawSubject
from cmrtf.errors import CmrtfError

LOCK_NAME = ".preparing"
"""Marks the folder of a cohort in the making. The lock itself goes with the process that holds it."""

ADVICE = "Prepare another data set into another folder."


@dataclass(frozen=True)
class EarlierCohort:
    """What is known of a cohort that is to be brought up to date.

    Args:
        folder: where it lies, or will.
        cohort: None where there is none that can be opened: no manifest yet, an earlier version, or shards
            that are damaged, which are made again.
        codes: of its subjects, as far as they can be read.
    """

    folder: Path
    cohort: PreparedCohort | None
    codes: tuple[str, ...]

    @classmethod
    def find(cls, folder: Path) -> "EarlierCohort":
        """Look into a folder that is to become a cohort: new or empty, a cohort, or one in the making.

        Raises:
            CmrtfError: there is something else, or a manifest that cannot be read: whose subjects would be
                lost is not known then.
        """
        path = folder / MANIFEST_NAME
        if not os.path.lexists(path):
            if not is_file(folder / LOCK_NAME):
                require_new_folder(folder)
            return cls(folder, None, ())
        manifest = read_json(path, dict[str, Any], "the manifest of a cohort", LIST_BYTES)
        version = manifest.get("version")
        if manifest.get("format") != FORMAT_NAME or version not in range(1, FORMAT_VERSION + 1):
            require_new_folder(folder)
        if version != FORMAT_VERSION:
            require_json(manifest, EarlierManifestEntry, path, "the code of every subject")
            return cls(folder, None, tuple(entry["subject"] for entry in manifest.get("subjects", ())))
        try:
            cohort = PreparedCohort.open(folder)
        except CmrtfError as error:
            if "shards" not in manifest:
                raise CmrtfError(f"{error} Or prepare into another folder.") from error
            codes = {
                *read_manifest(folder).get("validation", ()),
                *_codes_in_shards(folder, manifest["shards"]),
            }
            return cls(folder, None, tuple(sorted(codes)))
        return cls(folder, cohort, cohort.codes())

    def require_same_data(self, raw: Path, cohort: RawCohort, exclude: Sequence[str]) -> None:
        """Check that the cohort would not lose subjects that nobody has named.

        Args:
            raw: folder of the raw data set.
            cohort: what is in it.
            exclude: codes of subjects that are to go.

        Raises:
            CmrtfError: subjects are gone, or have all become others.
        """
        num = len(self.codes)
        expected = f"{self.folder}: expected {raw} to hold the {num} subjects of the cohort that is there"
        if lost := [code for code in self.codes if code not in cohort.codes and code not in exclude]:
            raise CmrtfError(
                f"{expected}. Received: {raw} without {len(lost)} of them: {listed(lost)}. {ADVICE} Name "
                f"with --exclude those that are to go."
            )
        if not (earlier := self.cohort):
            return
        known = [subject for subject in cohort.subjects if subject.subject in earlier]
        if known and not any(_has_first_image(subject, earlier) for subject in known):
            raise CmrtfError(f"{expected}. Received: other images under the same codes. {ADVICE}")

    def with_known_orders(self, raw: RawCohort) -> RawCohort:
        """The same raw subjects, which know of the others what they knew in this cohort."""
        if not self.cohort:
            return raw
        other_orders = read_manifest(self.folder).get("other_orders", {})
        subjects = (
            replace(each, other_orders=tuple(other_orders.get(each.subject, each.other_orders)))
            for each in raw.subjects
        )
        return replace(raw, subjects=tuple(subjects))


def _codes_in_shards(folder: Path, names: Sequence[str]) -> Iterator[str]:
    """Of all lines that can be read."""
    for name in names:
        try:
            for _, line in read_lines(folder / SHARDS_FOLDER / f"{name}{SUBJECTS_SUFFIX}"):
                yield line["record"]["subject"]
        except CmrtfError:
            continue


def _has_first_image(subject: RawSubject, earlier: PreparedCohort) -> bool:
    """Whether a subject has the image that a cohort knows of it."""
    role, path = next(iter(subject.files.items()))
    try:
        return sha256_of(path) == earlier.record(subject.subject).source_sha256[role]
    except (CmrtfError, KeyError):
        return False
