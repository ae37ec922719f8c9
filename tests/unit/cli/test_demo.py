import os
import shutil

import pytest
from click.testing import CliRunner

import cmrtf
from cmrtf.errors import CmrtfError
from cmrtf_cli import demo
from cmrtf_cli.main import cli

VAE = (
    "vae: {latent_dim: 8, widths: [4], depth: 1, batch_size: 8, steps: 2, interval_steps: 1, "
    "learning_rate: 1.0e-3, kl_weight: 1.0, kl_warmup_steps: 0}\n"
)


@pytest.fixture(autouse=True)
def no_stages(monkeypatch):
    """Demos are begun and end at once."""
    monkeypatch.setattr(demo, "_stages", lambda *_: [])


def run(*arguments):
    CliRunner().invoke(cli, ["demo", *map(str, arguments)], catch_exceptions=False)


@pytest.fixture
def raw(tmp_path):
    """A data set that can be found, not prepared."""
    return cmrtf.write_phantom_cohort(tmp_path / "raw", subjects=1, frames=2, workers=1) or tmp_path / "raw"


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (("--data", "absent"), "absent: expected the folder of a raw data set"),
        (("--preset", "nope"), r"nope: expected a preset \(cpu, demo"),
        (("--preset", ""), r"^'': expected a preset"),
    ],
)
def test_what_is_asked_for_wrongly_is_refused_before_anything_is_made(asked, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CmrtfError, match=message):
        run("--out", "out", *asked)
    assert not list(tmp_path.iterdir())


def test_a_demo_that_was_asked_for_wrongly_can_be_asked_for_again(tmp_path):
    with pytest.raises(CmrtfError):
        run("--out", tmp_path / "out", "--preset", "nope")
    run("--out", tmp_path / "out", "--preset", "cpu")
    with pytest.raises(CmrtfError, match=r'demo\.json: .*preset "demo" in place of "cpu"'):
        run("--out", tmp_path / "out", "--preset", "demo")


def test_data_may_be_gone_once_they_are_prepared(raw, tmp_path):
    out = tmp_path / "out"
    run("--out", out, "--data", raw)
    (out / "prepared").mkdir()
    (out / "prepared" / "manifest.json").write_text("{}")
    shutil.rmtree(raw)
    run("--out", out, "--data", raw)


def test_a_folder_of_data_whose_name_is_no_text_is_named_by_its_bytes(raw, tmp_path):
    named = tmp_path / os.fsdecode(b"h\xe9art")
    raw.rename(named)
    for _ in range(2):
        run("--out", tmp_path / "out", "--data", named)
    assert r"h\udce9art" in (tmp_path / "out" / "demo.json").read_text().replace("\\\\", "\\")


@pytest.mark.parametrize(
    ("content", "message"),
    [(VAE, "expected a section 'gan'"), (f"{VAE}gan: {{}}\n", "section gan"), ("gan: {}\n", "section 'vae'")],
)
def test_both_sections_of_a_preset_are_checked_before_anything_is_made(tmp_path, content, message):
    (tmp_path / "preset.yaml").write_text(content)
    with pytest.raises(CmrtfError, match=message):
        run("--out", tmp_path / "demo", "--preset", tmp_path / "preset.yaml")
    assert not (tmp_path / "demo").exists()
