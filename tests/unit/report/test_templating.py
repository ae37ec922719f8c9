import json

import jinja2
import pytest

from cmrtf.report.templating import embedded_json, render_template, resource

HOSTILE = "</script><img src=x>{{ data }}"


def test_json_cannot_end_its_script_element_and_says_the_same():
    text = embedded_json({"name": HOSTILE})
    assert "<" not in text
    assert json.loads(text) == {"name": HOSTILE}


def test_values_are_escaped_and_not_rendered_again():
    page = render_template(
        "evaluation_body.html", facts={"bundle": HOSTILE}, sections=[], title="Evaluation", lede=""
    )
    assert "&lt;/script&gt;&lt;img src=x&gt;{{ data }}" in page


def test_a_value_that_a_template_misses_is_an_error():
    with pytest.raises(jinja2.UndefinedError):
        render_template("evaluation_body.html", sections=[])


def test_a_resource_is_the_file_as_it_is():
    assert resource("niivue/niivue.umd.js.gz")[:2] == b"\x1f\x8b"
