"""Presets and settings that nobody meant: a configuration whose every value makes sense, or a `CmrtfError`.

Forty cases in the normal run; `make fuzz` runs `CMRTF_FUZZ_CASES` of each property.
"""

import dataclasses
import json
import math
import os
import time

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cmrtf.core.yaml_files import parse_assignments
from cmrtf.errors import CmrtfError
from cmrtf.training.config import GANConfig, VAEConfig, load_config

pytestmark = pytest.mark.slow

CASES = int(os.environ.get("CMRTF_FUZZ_CASES", "40"))
SECONDS = 2.0
"""Of processor time. A case takes some milliseconds."""

fuzz = settings(max_examples=CASES, deadline=None, suppress_health_check=list(HealthCheck))

PARTS = {"vae": VAEConfig, "gan": GANConfig}
PRESET = json.loads(
    json.dumps({part: dataclasses.asdict(load_config("demo", kind)) for part, kind in PARTS.items()})
)

numbers = st.one_of(
    st.integers(), st.floats(), st.sampled_from([0, -1, 1, 8, 10**30, 2**31, 2**63, 1e-300, 1e300])
)
scalars = st.one_of(numbers, st.booleans(), st.none(), st.text(max_size=8), st.dates(), st.binary(max_size=4))
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=8), st.dictionaries(st.one_of(st.text(max_size=4), st.integers()), inner)
    ),
    max_leaves=12,
)


def _require_sense(config):
    """Every number is finite, and none is beyond what a run can have."""
    for value in vars(config).values():
        if dataclasses.is_dataclass(value):
            _require_sense(value)
        for number in value if isinstance(value, tuple) else (value,):
            if isinstance(number, int | float):
                assert math.isfinite(number)
                assert 0 <= number <= 10**9


def _load(part, preset, **asked):
    started = time.process_time()
    try:
        config = load_config(preset, PARTS[part], **asked)
    except CmrtfError:
        config = None
    if config:
        _require_sense(config)
        assert config.steps % config.interval_steps == 0
    assert time.process_time() - started < SECONDS


@fuzz
@given(st.data(), st.sampled_from(sorted(PARTS)))
def test_any_value_of_any_entry(tmp_path_factory, data, part):
    entry = data.draw(st.sampled_from([*PRESET[part], "other"]))
    inner = data.draw(st.sampled_from([None, "gamma", "kl"]))
    value = data.draw(values)
    content = PRESET[part] | {entry: value if inner is None else {inner: value}}
    path = tmp_path_factory.getbasetemp() / "fuzz.yaml"
    path.write_text(yaml.safe_dump({part: content}, allow_unicode=False))
    _load(part, path)


@fuzz
@given(
    st.sampled_from(sorted(PARTS)),
    st.text(max_size=60),
    st.sampled_from("&*!|>[{?:-%#\n"),
    st.integers(0, 400),
)
def test_any_text_in_a_preset(tmp_path_factory, part, text, mark, place):
    content = yaml.safe_dump({part: PRESET[part]})
    path = tmp_path_factory.getbasetemp() / "fuzz.yaml"
    path.write_text(content[:place] + mark + text + content[place:], encoding="utf-8", errors="replace")
    _load(part, path)


@fuzz
@given(st.sampled_from(sorted(PARTS)), st.text(max_size=12), st.text(max_size=40))
def test_any_setting(part, name, text):
    try:
        asked = parse_assignments([f"{name}={text}", f"steps={text}"])
    except CmrtfError:
        return
    _load(part, "demo", settings=asked)
