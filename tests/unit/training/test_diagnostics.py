import pytest

from cmrtf.training.diagnostics import advise


def gan(d_hinge=1.5, kl=20.0, val_l1=0.2):
    return {"d_hinge": d_hinge, "kl": kl, "val_l1": val_l1}


def test_a_run_that_goes_well_gets_no_advice():
    assert (
        advise([gan(val_l1=0.3), gan(val_l1=0.25), gan(val_l1=0.2), gan(val_l1=0.19), gan(val_l1=0.18)]) == {}
    )
    assert advise([]) == {}


def test_a_discriminator_that_has_won_is_named_when_it_lasts():
    assert advise([gan(), gan(d_hinge=0.1)]) == {}
    advice = advise([gan(), gan(d_hinge=0.1), gan(d_hinge=0.05)])
    assert "overpowers the generator: its hinge loss is 0.05" in advice["discriminator"]


def test_a_collapsed_kl_is_named():
    assert "collapsed to 0.10 nats" in advise([gan(), gan(kl=0.2), gan(kl=0.1)])["kl"]


@pytest.mark.parametrize("better", [0.0, 0.001])
def test_more_steps_that_do_not_help_are_named(better):
    rows = [gan(val_l1=value) for value in (0.3, 0.2, 0.2, 0.2, 0.2 - better)]
    assert "has not fallen by 1 % in 3 intervals" in advise(rows)["steps"]
    assert "steps" not in advise(rows[:3])


def test_dice_counts_as_what_is_missing_to_one():
    def vae(dice):
        return {"kl": 100.0, "dice_LV": dice, "dice_MYO": dice, "dice_RV": dice}

    assert "steps" not in advise([vae(0.9), vae(0.9), vae(0.9), vae(0.91)])
    assert "0.1000" in advise([vae(0.9), vae(0.9), vae(0.9), vae(0.9)])["steps"]


def test_figures_that_begin_late_are_no_standstill():
    rows = [{"d_hinge": 1.5}, {"d_hinge": 1.5}, {"d_hinge": 1.5}, gan(val_l1=0.2)]
    assert "steps" not in advise(rows)
