"""What of the environment a chain is given, whatever else happens to the environment meanwhile."""

from __future__ import annotations

import pytest

from dlfaq.execution.variables import FIXED, given, is_passed_on


class Losing(dict):
    """An environment from which another thread takes a variable while it is read."""

    def __iter__(self):
        names = list(super().__iter__())
        self.pop("LOST", None)
        return iter(names)

    def items(self):
        return ((name, self[name]) for name in self)


def test_a_variable_that_goes_while_the_environment_is_read_is_left_out():
    assert given(Losing(LOST="1", SHADE="red")) == {"SHADE": "red"}


@pytest.mark.parametrize("name", ["PYTEST_CURRENT_TEST", "COLUMNS", "LC_TIME", "PWD", *FIXED])
def test_who_looks_and_what_is_fixed_is_not_given(name):
    assert given({name: "1"}) == {}


def test_programs_see_what_belongs_to_the_machine_and_not_what_a_chain_must_ask_for():
    assert [is_passed_on(name) for name in ("PATH", "XDG_CACHE_HOME", "SHADE", "API_KEY")] == [
        True,
        True,
        False,
        False,
    ]
