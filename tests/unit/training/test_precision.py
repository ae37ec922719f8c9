import pytest

from cmrtf.training import precision
from cmrtf.training.precision import has_bfloat16_instructions, resolved


@pytest.fixture
def processor(tmp_path, monkeypatch):
    """Sets the flags that the processor has; None for a system that does not say."""

    def set_flags(flags):
        if flags is not None:
            (tmp_path / "cpuinfo").write_text(f"processor\t: 0\nflags\t\t: fpu {flags} sse\n")
        monkeypatch.setattr(precision, "PROCESSOR", tmp_path / "cpuinfo")

    return set_flags


@pytest.mark.parametrize(
    ("flags", "policy"),
    [
        ("avx2 avx512_bf16", "mixed_bfloat16"),
        ("avx2 amx_bf16 amx_tile", "mixed_bfloat16"),
        ("asimd bf16", "mixed_bfloat16"),
        ("avx avx2 avx512f", "float32"),
        ("", "float32"),
        (None, "float32"),
    ],
)
def test_auto_is_bfloat16_only_where_the_processor_computes_in_it(processor, flags, policy):
    processor(flags)
    assert has_bfloat16_instructions() == (policy == "mixed_bfloat16")
    assert resolved("auto") == policy


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
def test_what_is_asked_for_and_what_a_run_has_come_first(processor, policy):
    processor("avx2")
    assert resolved(policy) == policy
    assert resolved("auto", of_run=policy) == policy
