"""A chain is one script to its reader: what its snippets show, and what one leaves to the next."""

from __future__ import annotations

import pytest

from dlfaq.execution.output import Output
from dlfaq.execution.process import run_task
from dlfaq.execution.task import ChainTask, SnippetTask

PRELOAD = ("numpy", "matplotlib.pyplot", "matplotlib.backends.backend_svg")


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    """A function that runs the snippets of a chain and gives what each shows."""
    root = str(tmp_path_factory.mktemp("root"))

    def shown(*codes: str, warning: bool = False) -> list[Output]:
        snippets = tuple(
            SnippetTask(f"{code}\n", warning=warning and code == codes[0], sizes=("wide",))
            for code in codes
        )
        ended = run_task(ChainTask(snippets, (), root=root, preload=PRELOAD))
        assert ended.report is not None, ended
        assert ended.report["error"] is None, ended.report["error"]
        outputs = [Output.from_json(output) for output in ended.report["outputs"]]
        ends = [*(out for out, _ in ended.marks[1:]), len(ended.stdout)]
        for output, (start, _), end in zip(outputs, ended.marks, ends, strict=True):
            output.stdout = ended.stdout[start:end].decode()
        return outputs

    return shown


def test_a_filter_of_warnings_holds_from_one_snippet_to_the_next(shown):
    outputs = shown(
        "import warnings\nwarnings.filterwarnings('ignore', 'careful')",
        "warnings.warn('careful')\nprint('went on')",
    )
    assert outputs[1].stdout == "went on\n"


def test_a_filter_that_a_snippet_which_may_warn_sets_holds_too(shown):
    outputs = shown(
        "import warnings\nwarnings.warn('shown')\nwarnings.filterwarnings('ignore', 'careful')",
        "warnings.warn('careful')\ntry:\n    warnings.warn('other')\n"
        "except UserWarning as error:\n    print(error)",
        warning=True,
    )
    assert outputs[1].stdout == "other\n"


def test_what_a_snippet_asks_of_the_compiler_holds_for_the_next(shown):
    outputs = shown(
        "from __future__ import annotations", "def f(x: 1 + 1): ...\n\n\nf.__annotations__['x']"
    )
    assert outputs[1].display == [("text", "'1 + 1'")]


@pytest.mark.parametrize("separator", ["\u2028", "\x0c", "\x0b", "\x1c", "\x85"])
def test_lines_are_those_that_python_counts(shown, separator):
    code = f"import inspect\nx = 'a{separator}b'\n\n\ndef f():\n    return 1\n\n\n"
    (output,) = shown(f"{code}print(inspect.getsource(f))")
    assert output.stdout == "def f():\n    return 1\n\n"


def test_a_figure_changed_after_it_was_shown_is_shown_again_when_it_is_named(shown):
    first, second, third = shown(
        "import matplotlib.pyplot as plt\nfig, ax = plt.subplots()\nax.plot([1, 2])",
        "ax.set_title('later')\nfig",
        "ax.set_title('not named')",
    )
    assert [len(output.figures) for output in (first, second, third)] == [1, 1, 0]
    assert "later" in second.figures[0]["wide"]
    assert second.display == []


def test_a_figure_without_pyplot_is_shown_as_last_expression(shown):
    code = "from matplotlib.figure import Figure\nfig = Figure()\nfig.subplots().plot([1, 2])\nfig"
    (output,) = shown(code)
    assert len(output.figures) == 1


def test_an_open_figure_that_is_named_is_shown_once(shown):
    (output,) = shown("import matplotlib.pyplot as plt\nfig, ax = plt.subplots()\nfig")
    assert len(output.figures) == 1


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("    def _repr_html_(self): return '<b>1</b>'", ("html", "<b>1</b>")),
        ("    def _repr_html_(self): return '<b>1</b>', {'isolated': True}", ("html", "<b>1</b>")),
        (
            "    @property\n    def _repr_html_(self): return lambda: '<b>1</b>'",
            ("html", "<b>1</b>"),
        ),
        (
            (
                "    @property\n    def _repr_html_(self): raise AttributeError\n"
                "    def __repr__(self): return 'text'"
            ),
            ("text", "text"),
        ),
        (
            "    def __init__(self): self._repr_html_ = lambda: '<b>1</b>'",
            ("html", "<b>1</b>"),
        ),
        (
            "    def _repr_html_(self): return None\n    def _repr_svg_(self): return '<svg/>'",
            ("svg", "<svg/>"),
        ),
        ("    def _repr_png_(self): return b'1', {'width': 2}", ("png", "MQ==")),
    ],
)
def test_a_value_is_asked_how_it_shows_itself_as_in_a_notebook(shown, body, expected):
    (output,) = shown(f"class R:\n{body}\n\n\nR()")
    assert output.display == [expected]


def test_a_class_is_shown_as_text(shown):
    (output,) = shown("class R:\n    def _repr_html_(self): return '<b>1</b>'\n\n\nR")
    assert output.display == [("text", "<class '__main__.R'>")]
