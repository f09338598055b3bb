"""What `dlfaq run --check` says of a chain that gave something else than what is stored."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dlfaq.execution.differences import differences
from dlfaq.execution.job import Job
from dlfaq.execution.output import Output
from dlfaq.execution.result import Result
from dlfaq.protocol import Claim

PAGE = """\
```python
x = 1
```

<!--pytest-codeblocks:cont-->
```python
claim()
```

It is `{python} x`.
"""

CLAIM = Claim("It is {}", "identity", "value", "equals", 2.0, 2.0, 2.0, line=2)
FIGURE = {"wide": "<svg/>"}
STORED = Result(
    [Output("a\nb\n", "", [("text", "1")], [FIGURE]), Output()],
    values={"x": "1"},
    claims=[CLAIM],
    environment={"numpy": "2"},
    inputs={"lab.py": "a"},
    distributions={"scipy": "1"},
)


def of_first(**changes) -> dict:
    return {"outputs": [replace(STORED.outputs[0], **changes), Output()]}


@pytest.fixture
def job(read):
    page = read(PAGE)
    return Job(page, page.chains[0])


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"elapsed_s": 9.0, "cpu_s": 9.0, "peak_bytes": 9, "finished": "2030-01-01"}, []),
        (of_first(stdout="a\nc\n"), ["1: it printed 'b' in line 2, and now 'c'"]),
        (of_first(stdout="a\nb\nc\n"), ["1: it printed nothing in line 3, and now 'c'"]),
        (of_first(stderr="no"), ["1: its standard error was nothing, and now 'no'"]),
        (of_first(exception="E: no"), ["1: it raised nothing, and now 'E: no'"]),
        (of_first(display=[("text", "2")]), ["1: it showed 'text 1', and now 'text 2'"]),
        (of_first(display=[]), ["1: it showed 'text 1', and now nothing"]),
        (of_first(figures=[{"wide": "<svg />"}]), ["1: figure 1 is drawn otherwise"]),
        (of_first(figures=[]), ["1: figure 1 is gone"]),
        (of_first(figures=[FIGURE, FIGURE]), ["1: figure 2 is new"]),
        ({"values": {"x": "2"}}, ["10: `x` was '1', and is '2'"]),
        (
            {"claims": [replace(CLAIM, measured=2.5)]},
            ["7: measured of 'It is {}' was '2.0', and is '2.5'"],
        ),
        ({"claims": []}, ["7: the claim 'It is {}' is gone"]),
        ({"environment": {"numpy": "3"}}, ["1: environment: numpy was '2', and is '3'"]),
        (
            {"inputs": {"lab.py": "a", "late.py": "b"}},
            ["1: inputs: late.py was nothing, and is 'b'"],
        ),
        ({"distributions": {}}, ["1: distributions: scipy was '1', and is nothing"]),
    ],
)
def test_each_difference_is_named_at_its_line(job, changes, told):
    found = differences(job, STORED, replace(STORED, **changes))
    assert found == [
        f"docs/page.md:{words[: words.index(':')]}: Changed{words[words.index(':') :]}"
        for words in told
    ]


def test_a_long_text_is_quoted_where_it_differs(job):
    long = replace(STORED, **of_first(stdout="x" * 500 + "1" + "y" * 500))
    other = replace(STORED, **of_first(stdout="x" * 500 + "2" + "y" * 500))
    xs, ys = "x" * 20, "y" * 39
    assert differences(job, long, other) == [
        f"docs/page.md:1: Changed: it printed '…{xs}1{ys}…', and now '…{xs}2{ys}…'"
    ]


def test_what_was_never_stored_is_one_difference(job):
    assert differences(job, None, STORED) == ["docs/page.md:1: Changed: no result is stored"]
