import pytest

from cmrtf.errors import CmrtfError
from cmrtf_cli.demo import run_demo

VAE = (
    "vae: {latent_dim: 8, widths: [4], depth: 1, batch_size: 8, steps: 2, interval_steps: 1, "
    "learning_rate: 1.0e-3, kl_weight: 1.0, kl_warmup_steps: 0}\n"
)


@pytest.mark.parametrize(
    ("content", "message"),
    [(VAE, "expected a section 'gan'"), (f"{VAE}gan: {{}}\n", "section gan"), ("gan: {}\n", "section 'vae'")],
)
def test_both_sections_of_a_preset_are_checked_before_anything_is_made(tmp_path, content, message):
    (tmp_path / "preset.yaml").write_text(content)
    with pytest.raises(CmrtfError, match=message):
        run_demo(tmp_path / "demo", None, str(tmp_path / "preset.yaml"), seed=0)
    assert not (tmp_path / "demo").exists()
