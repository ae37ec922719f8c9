from collections import Counter

import numpy as np
import pytest

from cmrtf.errors import CmrtfError
from cmrtf.synthesis.criteria import parse_conditions
from cmrtf.synthesis.generate import PathologyChoice, pathology_choice
from heart_double import heart_source


@pytest.fixture(scope="module")
def source():
    return heart_source()


def test_pathologies_are_drawn_by_their_probabilities():
    choice, rng = PathologyChoice({"A": 0.25, "B": 0.75, "C": 0.0}), np.random.default_rng(0)
    drawn = Counter(choice.draw(rng) for _ in range(1000))
    assert set(drawn) == {"A", "B"}
    assert drawn["A"] == pytest.approx(250, abs=60)


def test_all_are_as_frequent_as_they_were_seen(source):
    # HCM was seen once: there is nothing to lie between.
    assert pathology_choice(source.prior, None, ()).probabilities == pytest.approx(
        {"NOR": 2 / 3, "DCM": 1 / 3}
    )


def test_the_one_that_is_wanted_is_the_only_one(source):
    assert pathology_choice(source.prior, "DCM", ()).probabilities == {"DCM": 1.0}


def test_conditions_change_how_frequent_pathologies_are(source):
    weak = pathology_choice(source.prior, None, parse_conditions("EF<45 %")).probabilities
    assert weak["DCM"] > 0.99


def test_conditions_that_no_heart_fulfils_are_named(source):
    with pytest.raises(CmrtfError, match=r"can fulfil. Received: EDV>999 ml, for DCM, NOR"):
        pathology_choice(source.prior, None, parse_conditions("EDV>999 ml"))


def test_a_pathology_of_too_few_hearts_is_named(source):
    with pytest.raises(CmrtfError, match=r"4 training subjects or more, one of DCM, NOR. Received: 'HCM'"):
        pathology_choice(source.prior, "HCM", ())
