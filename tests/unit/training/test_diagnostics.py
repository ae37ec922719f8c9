import pytest

from cmrtf.training.diagnostics import Diagnostics, diagnose
from cmrtf.training.metrics_log import MetricsLog
from cmrtf.training.reporting import Progress


def gan(d_hinge=1.5, kl=20.0, val_l1=0.2):
    return {"d_hinge": d_hinge, "kl": kl, "val_l1": val_l1}


def test_a_run_that_goes_well_gets_no_warning():
    assert diagnose([gan(val_l1=value) for value in (0.3, 0.25, 0.2, 0.19, 0.18)]) == {}
    assert diagnose([]) == {}


def test_a_discriminator_that_has_won_is_named_when_it_lasts():
    assert diagnose([gan(), gan(d_hinge=0.1)]) == {}
    warnings = diagnose([gan(), gan(d_hinge=0.1), gan(d_hinge=0.05)])
    assert "overpowers the generator: its hinge loss is 0.05" in warnings["discriminator"]


def test_a_collapsed_kl_is_named():
    assert "collapsed to 0.10 nats" in diagnose([gan(), gan(kl=0.2), gan(kl=0.1)])["kl"]


def test_a_kl_counts_in_nats_whatever_its_weight():
    assert diagnose([gan(kl=0.4), gan(kl=0.4)], kl_weight=0.02) == {}
    assert "collapsed to 0.50 nats" in diagnose([gan(kl=0.01), gan(kl=0.01)], kl_weight=0.02)["kl"]
    assert diagnose([gan(kl=0.0), gan(kl=0.0)], kl_weight=0.0) == {}


@pytest.mark.parametrize("better", [0.0, 0.001])
def test_more_steps_that_do_not_help_are_named(better):
    rows = [gan(val_l1=value) for value in (0.3, 0.2, 0.2, 0.2, 0.2 - better)]
    assert "has not fallen by 1 % in 3 intervals" in diagnose(rows)["steps"]
    assert "steps" not in diagnose(rows[:3])


def test_dice_counts_as_what_is_missing_to_one():
    def vae(dice):
        return {"kl": 100.0, "dice_LV": dice, "dice_MYO": dice, "dice_RV": dice}

    assert "steps" not in diagnose([vae(0.9), vae(0.9), vae(0.9), vae(0.91)])
    assert "0.1000" in diagnose([vae(0.9), vae(0.9), vae(0.9), vae(0.9)])["steps"]


def test_metrics_that_begin_late_are_no_standstill():
    rows = [{"d_hinge": 1.5}, {"d_hinge": 1.5}, {"d_hinge": 1.5}, gan(val_l1=0.2)]
    assert "steps" not in diagnose(rows)


def test_a_warning_is_printed_once(tmp_path, capfd):
    log = MetricsLog(tmp_path / "log.csv", first_step=0)
    progress = Progress("label_vae", 0, 40, displayed=())
    diagnostics = Diagnostics(log, progress)
    for step in (10, 20, 30):
        log.add(step, {"kl": 0.1})
        diagnostics.update()
    progress.close()
    printed = capfd.readouterr()
    assert (printed.out + printed.err).count("Note: The KL has collapsed to 0.10 nats") == 1
