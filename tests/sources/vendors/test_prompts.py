from __future__ import annotations

import pytest

from sources.vendors.prompts import MOST_TOLD, PromptRefused, filled, names_in, one_line, renamed


def test_names_stand_in_double_braces():
    assert names_in('Is {{ a }}, {{b_2}} or {{- a -}} {"json": {"is": 1}} 10 % of {c}?') == ("a", "b_2")
    assert names_in("") == ()


@pytest.mark.parametrize(
    "prompt",
    ["{{ a | upper }}", "{{ a.b }}", "{{ a }", "{{ }}", "{{ 1 + 1 }}", "{{ a() }}", "{% if a %}x{% endif %}", "{# a #}", "x {{"],
)  # fmt: skip
def test_everything_else_of_a_template_language_is_refused(prompt):
    with pytest.raises(PromptRefused, match="names alone in double braces"):
        names_in(prompt)
    with pytest.raises(PromptRefused):
        filled(prompt, str)


def test_what_is_put_in_is_not_read_again():
    told = {"a": "{{ b }}", "b": "never"}
    assert filled("1 {{ a }} 2 {{ c }}", lambda name: told.get(name, "")) == "1 {{ b }} 2 unknown"


def test_names_are_changed_where_another_is_known():
    assert (
        renamed("{{company_name}} {{- x -}} {% y %}", {"company_name": "name"})
        == "{{ name }} {{ x }} {% y %}"
    )


def test_values_stand_on_one_line_and_are_cut():
    assert one_line("a\n b") == "a b"
    assert len(one_line("x" * 1000)) == MOST_TOLD
