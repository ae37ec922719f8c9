import json

import pytest

from cmrtf.evaluation.section import Table, single
from cmrtf.metrics.bootstrap import Estimate


def test_columns_are_those_of_all_rows_in_order_of_their_first_mention():
    rows = {"a": {"x": single(1.0, 1)}, "b": {"y": single(2.0, 1), "x": single(3.0, 1)}}
    assert Table("T", "", rows).columns == ["x", "y"]


def test_what_is_no_number_is_null():
    table = Table("T", "mm", {"a": {"x": Estimate(1.5, float("nan"), 2.0, 3)}}, "how to read it")
    plain = json.loads(json.dumps(table.to_dict()), parse_constant=pytest.fail)
    assert plain == {
        "title": "T",
        "unit": "mm",
        "note": "how to read it",
        "rows": {"a": {"x": {"mean": 1.5, "low": None, "high": 2.0, "n": 3}}},
    }


def test_a_single_value_has_no_interval():
    value = single(4.0, 7)
    assert (value.mean, value.n) == (4.0, 7)
    assert value.low != value.low
    assert value.high != value.high
