"""Names a chain's result by everything that can change it, in two levels, as ccache does.

The key of a chain hashes what is known before a run: code, expressions, settings, versions. It
leads to the list of inputs and distributions that the chain used last time. The key of its result
hashes the key of the chain with what those inputs are now and the versions of those distributions.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import sys
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from dlfaq.execution.inputs import ABSENT, file_hash
from dlfaq.extras import NUMERICAL

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dlfaq.pages.config import Settings
    from dlfaq.pages.page import Chain

__all__ = ["SCHEMA", "chain_key", "environment", "result_key", "version"]

#: Raise when the form or meaning of a stored result changes.
SCHEMA = 3

#: Environment variables that keep torch, oneDNN and MKL from a CPU's newer instructions.
_INSTRUCTION_LIMITS = (
    "ATEN_CPU_CAPABILITY",
    "DNNL_MAX_CPU_ISA",
    "MKL_CBWR",
    "MKL_ENABLE_INSTRUCTIONS",
)


@cache
def version(distribution: str) -> str:
    """Version of an installed distribution, or "absent"."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return ABSENT


def _digest(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def chain_key(chain: Chain, settings: Settings) -> str:
    """Hash of what is known of a chain before it runs: level 1.

    Args:
        chain: its expanded code, the options that change its result, and its inline expressions
            count.
        settings: seed offset, placebo, device, style and memory limit count; beside them versions,
            and limits on the CPU's instructions.
    """
    snippets = [
        (
            snippet.code,
            snippet.options.raises,
            snippet.options.warning,
            snippet.options.thumb,
        )
        for snippet in chain.snippets
    ]
    return _digest(
        SCHEMA,
        snippets,
        # In the order of their evaluation: one may change what the next one finds.
        chain.expressions,
        settings.seed_offset,
        settings.placebo,
        settings.device,
        settings.memory_bytes,
        # What it holds: one outside the root is no input.
        file_hash(settings.style) if settings.style else None,
        _instructions(),
        platform.python_version(),
        platform.machine(),
        sys.flags.optimize,
        {name: version(name) for name in NUMERICAL},
    )


def result_key(chain: str, inputs: Mapping[str, str], distributions: Mapping[str, str]) -> str:
    """Hash of a chain's key, what it read and the versions of what it imported: level 2.

    Args:
        chain: what `chain_key` gave.
        inputs: the value of each of its inputs, by name; see `dlfaq.execution.inputs`.
        distributions: version of each distribution that it imported, by name.
    """
    return _digest(chain, dict(inputs), dict(distributions))


def environment(settings: Settings) -> Mapping[str, str]:
    """What a result was measured with: versions of what is there, machine, seed offset, device."""
    versions = {name: version(name) for name in NUMERICAL}
    return {
        "python": platform.python_version(),
        **{name: one for name, one in versions.items() if one != ABSENT},
        "cpu": ", ".join([_cpu(), *_instructions()]),
        "device": settings.device,
        "seed_offset": str(settings.seed_offset),
        **({"placebo": "1"} if settings.placebo else {}),
    }


def _instructions() -> list[str]:
    """What limits the instructions of torch and its libraries: other sums, other last digits."""
    return [f"{name}={os.environ[name]}" for name in _INSTRUCTION_LIMITS if os.environ.get(name)]


@cache
def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").split("\n")
    except OSError:
        lines = []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
