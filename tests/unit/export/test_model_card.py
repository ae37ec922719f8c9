import json
import re

from cmrtf_export.model_card import model_card

MODEL = {"steps_trained": 20, "data_hash": "abc123", "metrics": {"dice_LV": 0.91234}}
TRAINING = {
    "image": {"size": 128, "spacing_mm": 1.5},
    "label_vae": MODEL,
    "spade_gan": MODEL | {"metrics": {}},
    "versions": {"cmrtf": "1.2.3", "tensorflow": "2.21"},
    "patient_codes": True,
    "trained_on": {
        "subjects": 4,
        "vendor": {"A": 1, "B": 2, "unknown": 1},
        "pathology": {"DCM": 1, "NOR": 2},
    },
}
SIGNATURES = {"label_vae": ["encode", "decode"], "spade_gan": ["synthesize"]}


def test_the_card_says_what_for_how_made_of_whom_and_how_good():
    card = model_card(TRAINING, SIGNATURES)
    assert "Diagnosis or any decision about a patient" in card
    assert "128 x 128 pixels of 1.5 mm, apex first" in card
    assert "0 background, 1 LV, 2 MYO, 3 RV" in card
    assert "| `label_vae/1` | `encode`, `decode` | 20 | abc123 | dice_LV 0.912 |" in card
    assert "| `spade_gan/1` | `synthesize` | 20 | abc123 | none |" in card
    assert "cmrtf 1.2.3, tensorflow 2.21." in card
    assert "Canon): A 1, B 2, unknown 1." in card
    assert "both phases: DCM 1, NOR 2." in card
    assert "4 subjects" in card


def test_the_card_says_whether_the_bundle_holds_codes_of_patients():
    with_codes, without = (
        model_card(TRAINING | {"patient_codes": flag}, SIGNATURES) for flag in (True, False)
    )
    assert "exported with `--patient-codes`. Who has it can tell who was in training." in with_codes
    assert "hold nobody: what is in them was drawn from statistics of groups of 5 training" in without


def test_the_card_has_the_sections_of_mitchell_et_al():
    card = model_card(TRAINING, SIGNATURES)
    assert re.findall("^## (.*)", card, re.MULTILINE) == [
        "Model details",
        "Intended use",
        "Factors",
        "Metrics",
        "Evaluation data",
        "Training data",
        "Quantitative analyses",
        "Ethical considerations",
        "Caveats and recommendations",
    ]


def test_a_bundle_carries_its_card(story):
    card = (story.bundle / "README.md").read_text()
    appearances = json.loads((story.bundle / "style_bank.json").read_text())["subjects"]
    assert "val_l1 0." in card
    assert f"{len(appearances)} subjects" in card
    assert str(story.bundle.parent) not in card
