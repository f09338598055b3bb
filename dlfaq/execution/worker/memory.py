"""What a process holds in memory, as Linux counts it."""

from __future__ import annotations

from pathlib import Path

__all__ = ["peak_bytes", "start_peak", "status_bytes"]

_base_bytes = 0


def start_peak() -> None:
    """From here on count memory: at a fork Linux sets the mark VmHWM to what is inherited."""
    global _base_bytes  # noqa: PLW0603 - one chain per process
    _base_bytes = status_bytes("VmRSS")


def peak_bytes() -> int:
    """The most memory this process held since `start_peak`, beyond what it held then."""
    return max(0, status_bytes("VmHWM") - _base_bytes)


def status_bytes(name: str) -> int:
    """One figure of /proc/self/status, such as VmRSS."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").split("\n"):
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError(f"no {name} in /proc/self/status")
