"""Imported first by what MkDocs loads: says what to install where the extra `engine` is missing.

`DlfaqPlugin` and the Markdown extension each load a dozen modules; the first that is missing would
be told as a bare ModuleNotFoundError.
"""

from __future__ import annotations

from importlib.util import find_spec

from dlfaq.extras import EXTRAS, extra_missing

__all__: list[str] = []

for _module in EXTRAS["engine"]:
    if find_spec(_module) is None and (_error := extra_missing(ModuleNotFoundError(name=_module))):
        raise _error
