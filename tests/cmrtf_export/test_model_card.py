from cmrtf_export.model_card import model_card

MODEL = {"steps_trained": 20, "data_hash": "abc123", "metrics": {"dice_LV": 0.91234}}
TRAINING = {
    "image": {"size": 128, "spacing_mm": 1.5},
    "label_vae": MODEL,
    "spade_gan": MODEL | {"metrics": {}},
    "versions": {"cmrtf": "1.2.3", "tensorflow": "2.21"},
}


def test_the_card_says_what_for_how_made_and_how_good():
    card = model_card(TRAINING, {"label_vae": ["encode", "decode"], "spade_gan": ["synthesize"]})
    assert "Not for diagnosis" in card
    assert "128 x 128 pixels of 1.5 mm, apex first" in card
    assert "1 LV cavity, 2 myocardium, 3 RV cavity" in card
    assert "| `label_vae/1` | `encode`, `decode` | 20 | abc123 | dice_LV 0.912 |" in card
    assert "| `spade_gan/1` | `synthesize` | 20 | abc123 | none |" in card
    assert "Exported with cmrtf 1.2.3, tensorflow 2.21." in card


def test_a_bundle_carries_its_card(story):
    card = (story.bundle / "README.md").read_text()
    assert "val_l1 0." in card
    assert str(story.bundle.parent) not in card
