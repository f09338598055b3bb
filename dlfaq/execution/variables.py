"""The environment variables of a chain: fixed, passed on, or found when they are asked for.

What a terminal or a test runner sets must not reach a page, or its result would change from shell
to shell. What a chain reads by name is one of its inputs.
"""

from __future__ import annotations

import os
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["FIXED", "MACHINE", "caches", "given", "is_passed_on"]

#: What every chain and the server of chains find, whoever starts the build. The threads must be set
#: before numpy is imported: after one parallel operation in the server, a forked child hangs for
#: ever in its first matrix product. MATPLOTLIBRC leaves out the settings of a user's own.
FIXED = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "PYTHONHASHSEED": "0",
    "MPLBACKEND": "agg",
    "MATPLOTLIBRC": os.devnull,
    "LC_ALL": "C.UTF-8",
    "TZ": "UTC",
}

#: What belongs to the machine that runs a chain, should it be another than the one that builds.
MACHINE = ("CUDA_VISIBLE_DEVICES", "HOME", "LD_LIBRARY_PATH", "LOGNAME", "PATH", "TMPDIR", "USER")

#: What the programs that a chain starts see too, as patterns.
_PASSED_ON = (
    *MACHINE,
    "ATEN_*",
    "CUDA_*",
    "CURL_CA_BUNDLE",
    "DLFAQ_DATA",
    "DNNL_*",
    "HF_*",
    "MKL_*",
    "MPLCONFIGDIR",
    "PYTHON*",
    "REQUESTS_CA_BUNDLE",
    "SSL_CERT_*",
    "TORCH_HOME",
    "VIRTUAL_ENV",
    "XDG_*",
    "*_proxy",
    "*_PROXY",
)

#: Those of them that name a folder for what can be downloaded or made again.
_CACHES = ("DLFAQ_DATA", "HF_*", "MPLCONFIGDIR", "TMPDIR", "TORCH_HOME", "XDG_*_HOME")

#: What says who looks, and not what there is to see: no chain finds it.
_HIDDEN = (
    "COLORTERM",
    "COLUMNS",
    "DLFAQ_JOBS",
    "DLFAQ_PRELOAD",
    "DLFAQ_STORE",
    "FORCE_COLOR",
    "LANG",
    "LC_*",
    "LINES",
    "MAKE*",
    "MFLAGS",
    "NO_COLOR",
    "OLDPWD",
    "PWD",
    "PYTEST_*",
    "SHLVL",
    "SOURCE_DATE_EPOCH",
    "TERM",
    "XDG_RUNTIME_DIR",
    "XDG_SESSION_*",
    "_",
)


def given(environment: Mapping[str, str]) -> dict[str, str]:
    """What a chain may find of an environment, beside what is fixed."""
    # Another thread may take a variable away meanwhile, as pytest does between two tests.
    seen = ((name, environment.get(name)) for name in list(environment))
    return {
        name: value
        for name, value in seen
        if value is not None
        and name not in FIXED
        and not any(fnmatchcase(name, one) for one in _HIDDEN)
    }


def caches(variables: Mapping[str, str]) -> list[str]:
    """The folders that an environment names for what can be downloaded or made again."""
    return [
        value.rstrip("/")
        for name, value in variables.items()
        if any(fnmatchcase(name, one) for one in _CACHES)
    ]


def is_passed_on(name: str) -> bool:
    """Whether programs that a chain starts see a variable that is given."""
    return any(fnmatchcase(name, one) for one in _PASSED_ON)
