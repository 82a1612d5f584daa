"""Dashboards: the JSON is what boards.py says, and such as Grafana loads without a question."""

import itertools
import json
import re
from typing import Any

import pytest

from deploy.grafana.__main__ import FOLDER, text
from deploy.grafana.boards import BOARDS
from tests.prometheus_rules import recorded

FILES = sorted(FOLDER.glob("*.json"))
UNITS = {"short", "s", "bytes", "ops", "reqps", "percentunit", "currencyUSD"}  # of Grafana's own list
GIVEN = {"__rate_interval", "datasource"}

by_board = pytest.mark.parametrize(
    "board", [json.loads(path.read_text("utf-8")) for path in FILES], ids=lambda board: board["uid"]
)


def test_the_json_is_current() -> None:
    assert {path.name: path.read_text("utf-8") for path in FILES} == {
        f"{board.uid}.json": text(board) for board in BOARDS
    }


@by_board
def test_a_board_can_be_provisioned(board: dict[str, Any]) -> None:
    assert re.fullmatch(r"[a-z-]{1,40}", board["uid"])
    assert "id" not in board, "a number of some other Grafana's database"
    assert {"title", "schemaVersion", "time", "refresh", "tags", "templating", "panels"} <= board.keys()
    assert board["templating"]["list"][0]["type"] == "datasource"
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])


@by_board
def test_panels_lie_side_by_side(board: dict[str, Any]) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in board["panels"]:
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= 24
        columns, lines = range(at["x"], at["x"] + at["w"]), range(at["y"], at["y"] + at["h"])
        cells = set(itertools.product(columns, lines))
        assert taken.isdisjoint(cells), panel["title"]
        taken |= cells


@by_board
def test_a_panel_says_what_it_asks_whom_and_in_which_unit(board: dict[str, Any]) -> None:
    variables = {variable["name"] for variable in board["templating"]["list"]} | GIVEN
    for panel in board["panels"]:
        if panel["type"] == "row":
            continue
        assert panel["type"] in ("timeseries", "stat")
        assert panel["fieldConfig"]["defaults"]["unit"] in UNITS, panel["title"]
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
        assert [target["refId"] for target in panel["targets"]] == list("ABCDEF")[: len(panel["targets"])]
        for target in panel["targets"]:
            assert set(re.findall(r"\$(\w+)", target["expr"])) <= variables
            assert set(re.findall(r"khronos:[\w:]+", target["expr"])) <= recorded().keys()
            assert set(re.findall(r"{{(\w+)}}", target["legendFormat"])) <= labels(target["expr"])


def labels(expr: str) -> set[str]:
    """What is left of the series' labels."""
    return {label.strip() for by in re.findall(r"by \(([^)]*)\)", expr) for label in by.split(",")}
