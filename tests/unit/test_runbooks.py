"""Runbooks: a page for whatever calls an operator, that names nothing that is not there."""

import json
import re
from pathlib import Path

import pytest
from django.core.management import get_commands

from khronos.alerts.kinds import KINDS, UNKNOWN
from khronos.observability.metrics import CATALOGUE
from settings.dotenv import ROOT
from settings.env import Environment
from tests.prometheus_rules import alerts

FOLDER = ROOT / "docs" / "runbooks"
PAGES = sorted(path for path in FOLDER.glob("*.md") if path.name != "README.md")
HEADINGS = ["Symptom", "For customers", "Check", "Fix", "Verify", "Silence"]

by_page = pytest.mark.parametrize("page", PAGES, ids=lambda path: path.stem)


def callers() -> set[tuple[str, str]]:
    """Whatever calls an operator, and its page."""
    ours = {(kind.pattern, f"docs/runbooks/{kind.runbook}.md") for kind in KINDS}
    return ours | {(alert.name, alert.annotations["runbook_url"]) for alert in alerts()}


@pytest.mark.parametrize(("name", "page"), sorted(callers()))
def test_whatever_calls_an_operator_has_a_page_that_knows_it(name: str, page: str) -> None:
    said = next(line for line in (ROOT / page).read_text("utf-8").splitlines() if line.startswith("Told by"))
    assert f"`{name}`" in said


@by_page
def test_a_page_is_opened_by_somebody_and_knows_nobody_else(page: Path) -> None:
    names = {name for name, of in callers() if of == f"docs/runbooks/{page.name}"}
    said = page.read_text("utf-8").splitlines()[2]
    assert said.startswith("Told by")
    assert set(re.findall("`(.+?)`", said)) == names
    assert names or page.stem == UNKNOWN.runbook


@by_page
def test_a_page_has_all_parts_in_order_and_is_short(page: Path) -> None:
    text = page.read_text("utf-8")
    assert re.findall("^## (.+)$", text, re.MULTILINE) == HEADINGS
    assert "\n\n## " in text
    assert all(part.strip() for part in re.split("^## .+$", text, flags=re.MULTILINE))
    assert len(text.splitlines()) < 60


@pytest.mark.parametrize("page", [*PAGES, FOLDER / "README.md"], ids=lambda path: path.stem)
def test_whatever_a_page_names_is_there(page: Path) -> None:
    text = page.read_text("utf-8")
    assert set(re.findall(r"manage\.py (\w+)", text)) <= set(get_commands())
    assert set(re.findall(r"manage\.py alert (\w+)", text)) <= {"list", "mute", "resolve", "test", "unmute"}
    assert set(re.findall(r"`make (\w+)", text)) <= targets()
    assert set(re.findall(r"\bkhronos_\w+", text)) <= metrics()
    assert set(re.findall(r"`([A-Z]+_[A-Z_]+)", text)) <= settings()
    assert [link for link in re.findall(r"\]\((.+?)\)", text) if not (page.parent / link).is_file()] == []
    for board, panel in re.findall(r"\*([^*]+)\*, “(.+?)”", text):
        assert panel in panels()[board]


def test_the_index_lists_every_page_once() -> None:
    listed = re.findall(r"\]\(([\w-]+\.md)\)", (FOLDER / "README.md").read_text("utf-8"))
    assert sorted(listed) == [page.name for page in PAGES]


def targets() -> set[str]:
    return set(re.findall("^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))


def settings() -> set[str]:
    return {name.upper() for name in Environment.model_fields}


def metrics() -> set[str]:
    """What is counted, and what is told at a scrape."""
    told = "".join(path.read_text("utf-8") for path in (ROOT / "khronos" / "facts").glob("*.py"))
    told += (ROOT / "khronos" / "observability" / "scrape.py").read_text("utf-8")
    return set(CATALOGUE) | set(re.findall(r'"(khronos_\w+)"', told))


def panels() -> dict[str, list[str]]:
    boards = [json.loads(path.read_text("utf-8")) for path in ROOT.glob("deploy/grafana/dashboards/*.json")]
    return {board["title"]: [panel["title"] for panel in board["panels"]] for board in boards}
