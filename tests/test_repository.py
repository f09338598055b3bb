"""What no import shows: the lock, the workflows, the licences, and what must stand in no file."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))

HASHES = re.compile(r"( --hash=sha256:[0-9a-f]{64})+")


def pins() -> list[Requirement]:
    """The lock's requirements: a backslash joins the lines of one, and a comment is on its own."""
    lines = re.sub(r"\s*\\\n\s*", " ", LOCK).splitlines()
    return [
        Requirement(HASHES.sub("", line)) for line in lines if not line.lstrip().startswith("#")
    ]


def requirements() -> list[Requirement]:
    project = PROJECT["project"]
    extras = project["optional-dependencies"].values()
    groups = [project["dependencies"], *extras, PROJECT["build-system"]["requires"]]
    found = [Requirement(line) for group in groups for line in group]
    return [one for one in found if one.name != project["name"]]  # `all` is of our own extras


def check_schema(schema: str, file: Path) -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_each_line_of_the_lock_is_one_exact_version_with_hashes():
    joined = re.sub(r"\s*\\\n\s*", " ", LOCK).splitlines()
    entries = [line for line in joined if not line.lstrip().startswith("#")]
    assert len(entries) > 50
    assert [line for line in entries if not HASHES.search(line)] == []
    assert [str(p) for p in pins() if not re.fullmatch(r"==[\w.!+]+", str(p.specifier))] == []


@pytest.mark.parametrize("address", ["://", "file:", "--index", "--extra-index", "--find-links"])
def test_the_lock_holds_no_address(address):
    assert address not in LOCK


@pytest.mark.parametrize("requirement", requirements(), ids=str)
def test_what_the_project_requires_is_locked_within_its_range(requirement):
    name = canonicalize_name(requirement.name)
    versions = [str(p.specifier)[2:] for p in pins() if canonicalize_name(p.name) == name]
    assert versions, f"{name} is not in requirements.lock; run make lock"
    assert [v for v in versions if v not in requirement.specifier] == []


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
@pytest.mark.parametrize(
    "schema", ["vendor.github-workflows", "custom.github-workflows-require-timeout"]
)
def test_a_workflow_is_one_that_github_accepts(schema, workflow):
    check_schema(schema, workflow)


def test_a_workflow_tests_builds_and_publishes_with_the_store_kept():
    jobs = yaml.safe_load((ROOT / ".github/workflows/site.yml").read_text(encoding="utf-8"))["jobs"]
    steps = [step for job in jobs.values() for step in job["steps"]]
    commands = [step["run"] for step in steps if "run" in step]
    assert commands == [
        ".ci/run",
        "make site",
        "mkdir site && tar -xf artifact.tar -C site",
        ".ci/publish-notebooks site notebooks",
    ]
    assert [step["with"]["path"] for step in steps if "actions/cache@" in step.get("uses", "")] == [
        ".dlfaq"
    ]
    assert any("actions/deploy-pages@" in step.get("uses", "") for step in steps)


def test_the_citation_is_valid_and_of_this_version():
    check_schema("vendor.citation-file-format", ROOT / "CITATION.cff")
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == PROJECT["project"]["version"]
    assert citation["license"] == PROJECT["project"]["license"]


def test_pre_commit_fetches_nothing_and_runs_what_the_lock_installed():
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    assert [repo["repo"] for repo in config["repos"]] == ["local"]
    hooks = [hook for repo in config["repos"] for hook in repo["hooks"]]
    assert {hook["entry"].split()[0] for hook in hooks} == {
        ".venv/bin/ruff",
        ".venv/bin/mypy",
        ".venv/bin/dlfaq",
    }
    command = [sys.executable, "-m", "pre_commit", "validate-config", ".pre-commit-config.yaml"]
    subprocess.run(command, cwd=ROOT, check=True)


def git_files(*options: str) -> list[str]:
    command = ["git", "ls-files", "-z", "--others", "--exclude-standard", *options]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [name for name in listed.split("\0") if name]


def texts() -> dict[str, str]:
    """The text files git tracks, or would once they are added."""
    files = {name: ROOT / name for name in git_files("--cached")}
    found = {}
    for name, path in files.items():
        if path.is_file() and b"\0" not in (data := path.read_bytes()):
            found[name] = data.decode("utf-8", errors="replace")
    return found


MACHINE_PATH = re.compile(r"(?<![\w.>)}/-])/(?:work|root|mnt|home/\w+|Users/\w+)/[\w.]")
INDEX_ADDRESS = re.compile(
    r"(?:index-url|find-links)[ =]['\"]?(?:\w+:/)?/|\w+://\S+/simple\b|file:///\w"
)


# The guilty are written with % for / so that this file is innocent.
@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        (MACHINE_PATH, "see %work%main", True),
        (MACHINE_PATH, '"%root%.cache"', True),
        (MACHINE_PATH, "PYTHONPATH=%home%ann%site", True),
        (MACHINE_PATH, "docs%work%main and %path%to%python3.11", False),
        (MACHINE_PATH, "https:%%example.org%work%main", False),
        (INDEX_ADDRESS, "--index-url https:%%host%simple", True),
        (INDEX_ADDRESS, "--find-links=%opt%wheels", True),
        (INDEX_ADDRESS, "a @ file:%%%opt%a.whl", True),
        (INDEX_ADDRESS, "uv --no-emit-index-url, or --find-links in words", False),
    ],
)
def test_a_pattern_finds_what_it_is_for(pattern, text, found):
    assert bool(pattern.search(text.replace("%", "/"))) is found


@pytest.mark.parametrize("pattern", [MACHINE_PATH, INDEX_ADDRESS], ids=["machine", "index"])
def test_no_file_holds_a_path_of_one_machine_or_the_address_of_an_index(pattern):
    hits = {name: pattern.search(text) for name, text in texts().items()}
    assert {name: hit.group() for name, hit in hits.items() if hit} == {}


def test_git_ignores_no_source():
    """`site/` in .gitignore would hide dlfaq/site/ from git, and so from ruff and the wheel."""
    hidden = git_files("--ignored", "--", "dlfaq", "docs", "snippets", "tests")
    made = re.compile(r"(^|/)(__pycache__|\.\w+)/")
    assert [name for name in hidden if not made.search(name)] == []


def test_the_wheel_holds_the_package_and_the_files_that_it_reads(tmp_path):
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,) = tmp_path.glob("*.whl")
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    tracked = {name for name in git_files("--cached") if name.startswith("dlfaq/")}
    assert names == {name for name in tracked if (ROOT / name).is_file()}
    assert names >= {"dlfaq/figures/house.mplstyle", "dlfaq/cli/new_page.md", "dlfaq/py.typed"}


def test_the_readme_names_the_two_commands():
    commands = re.findall(r"^    (make \w+)", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE)
    assert commands == ["make serve", "make test"]


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md"])
def test_each_link_to_a_file_leads_to_one(page):
    targets = re.findall(r"\]\(([^)#:]+)\)", (ROOT / page).read_text(encoding="utf-8"))
    assert [target for target in targets if not (ROOT / target).is_file()] == []


def test_the_code_and_the_text_have_their_licences():
    assert (ROOT / "LICENSE").read_text(encoding="utf-8").startswith("MIT License")
    text = (ROOT / "LICENSE-docs").read_text(encoding="utf-8")
    assert "CC-BY-4.0" in text
    assert all(f"Section {number} -- " in text for number in range(1, 9))


def licences_of(font: Path) -> list[Path]:
    """`family-LICENSE.txt` is for the fonts whose names begin with `family-`."""
    beside = font.parent.glob("*LICENSE*")
    return [path for path in beside if font.name.startswith(path.name.partition("LICENSE")[0])]


def test_each_font_has_its_licence_beside_it():
    fonts = [p for p in ROOT.glob("docs/**/*") if p.suffix in {".woff", ".woff2", ".ttf", ".otf"}]
    assert fonts
    assert [font.name for font in fonts if not licences_of(font)] == []
    texts = {path: path.read_text(encoding="utf-8") for font in fonts for path in licences_of(font)}
    assert [path.name for path, text in texts.items() if "Open Font License" not in text] == []
