"""The package that a site's pages import, as the wheel that the site publishes."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dlfaq.errors import InputError
from dlfaq.execution.temporary import temporary_folder

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Package", "Wheel", "build_wheel"]

#: The paper of a page, for figures that a notebook draws: the house style leaves it transparent.
_PLATE = "#eef4ee"


@dataclass(frozen=True)
class Wheel:
    """A package in the form in which pip installs it.

    Attributes:
        name: the name of the file, which says the package's name and version.
        data: what the file holds.
    """

    name: str
    data: bytes

    @property
    def distribution(self) -> str:
        """The name of the package."""
        return self.name.split("-")[0]

    @property
    def version(self) -> str:
        """The version of the package."""
        return self.name.split("-")[1]


@dataclass(frozen=True)
class Package:
    """A wheel that a site publishes, and how a notebook installs it.

    Attributes:
        wheel: the wheel.
        src: where the site keeps it.
        extras: those that a page needs.
        address: of the site, with "/" at its end; "" where it is not known.
        style: the matplotlib style that pages are drawn in, as the package names it, or "".
    """

    wheel: Wheel
    src: str
    extras: Sequence[str] = ()
    address: str = ""
    style: str = ""

    @property
    def requirement(self) -> str:
        """What pip is asked for; without the address of the site, a file in the reader's folder.

        Example:
            >>> Package(Wheel("mine-1.0-py3-none-any.whl", b""), "x.whl", ["all"]).requirement
            './mine-1.0-py3-none-any.whl[all]'
        """
        extras = f"[{','.join(self.extras)}]" if self.extras else ""
        if self.address:
            return f"{self.wheel.distribution}{extras} @ {self.address}{self.src}"
        return f"./{self.wheel.name}{extras}"

    def install_cell(self, *, draws: bool) -> str:
        """The code of a notebook's first cell.

        Args:
            draws: whether the page has figures.
        """
        command = f'%pip install --quiet "{self.requirement}"'
        what = f"{self.wheel.distribution} {self.wheel.version}"
        if self.address:
            lines = [f"# {what}, with which this page ran, from the site that shows it.", command]
        else:
            lines = [
                f"# This page ran with {what}. To install it, download {self.src} from the site",
                "# into the folder of this notebook, and take the # from the next line.",
                f"# {command}",
            ]
        if draws and self.style and self.address:
            look = f'["{self.style}", {{"figure.facecolor": "{_PLATE}"}}]'
            lines += ["", "import matplotlib.pyplot as plt", "", f"plt.style.use({look})"]
        return "\n".join(lines)


def build_wheel(project: Path) -> Wheel:
    """Build the wheel of a project; the same files give the same bytes.

    Args:
        project: the folder of its pyproject.toml, whose build back end is hatchling.

    Raises:
        InputError: there is no such project, or hatchling does not build it.
    """
    # The day of a build, by which some others are dated, would make each wheel another.
    environment = {k: v for k, v in os.environ.items() if k != "SOURCE_DATE_EPOCH"}
    with temporary_folder() as folder:
        got = "no such folder"
        if project.is_dir():
            done = subprocess.run(
                [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
                cwd=project,
                env=environment,
                capture_output=True,
                text=True,
                check=False,
            )
            got = done.stderr.strip() or done.stdout.strip()
        wheels = sorted(Path(folder).glob("*.whl"))
        if len(wheels) != 1:
            raise InputError(
                expected=f"a project in {project} that hatchling builds",
                got=got,
                cure="correct `wheel:` in mkdocs.yml; hatchling comes with the extra `site`",
            )
        return Wheel(wheels[0].name, wheels[0].read_bytes())
