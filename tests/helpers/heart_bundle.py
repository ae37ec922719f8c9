"""Hearts for tests that generate: two steps of training make none that pass for one."""

import pytest

from cmrtf.bundle.bundle import Bundle
from heart_double import RingModels, heart_source

SOURCE = heart_source()


class HeartModels(RingModels):
    provenance = SOURCE.provenance


class HeartBundle(Bundle):
    """A bundle of `RingModels` that knows hearts of NOR, DCM and HCM."""

    def anatomy_prior(self):
        return SOURCE.prior

    def appearance_bank(self):
        return SOURCE.bank


def give_hearts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every bundle generate and remodel as a `HeartBundle` does; all else is its own."""
    for name in ("generate", "remodel"):
        method = getattr(Bundle, name)

        def call(self, *args, method=method, **kwargs):
            return method(HeartBundle(HeartModels()), *args, **kwargs)

        monkeypatch.setattr(Bundle, name, call)
