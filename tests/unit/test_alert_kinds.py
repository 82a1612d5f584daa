"""Whatever is raised anywhere has a kind: a level, a title in both languages, a runbook."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from khronos.alerts.kinds import KINDS, UNKNOWN, kind_of
from khronos.models.alert_policy import LEVELS

ROOT = Path(__file__).resolve().parents[2]
CALLS = {"raise_alert", "raise_without_database", "resolve_alert", "end_alert", "tell_alert"}


def names() -> Iterator[tuple[str, str]]:
    """Where, and a name as it may look: `breaker.x` for f"breaker.{name}"."""
    paths = [*(ROOT / "khronos").rglob("*.py"), *(ROOT / "tasks").glob("*.py")]
    trees = {path: ast.parse(path.read_text("utf-8")) for path in paths}
    functions = [made for tree in trees.values() for made in functions_of(tree)]
    for path, tree in trees.items():
        made = [*variables_of(tree), *functions]
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and called(node) in CALLS:
                for name in spelled(node.args[0], made):
                    yield f"{path.relative_to(ROOT)}:{node.lineno}", name


def called(node: ast.Call) -> str:
    return node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")


def functions_of(tree: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(name=name, body=[*_, ast.Return(value=ast.expr() as value)]):
                yield name, value


def variables_of(tree: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    for node in ast.walk(tree):
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                yield name, value
            case ast.Assign(targets=[ast.Tuple(elts=targets)], value=ast.Tuple(elts=values)):
                yield from (
                    (t.id, v) for t, v in zip(targets, values, strict=False) if isinstance(t, ast.Name)
                )


def spelled(node: ast.expr, made: list[tuple[str, ast.expr]], depth: int = 0) -> list[str]:
    match node:
        case ast.Constant(value=str(name)):
            return [name]
        case ast.JoinedStr(values=parts):
            return ["".join(str(part.value) if isinstance(part, ast.Constant) else "x" for part in parts)]
        case ast.Name(id=name) | ast.Call(func=ast.Name(id=name)) if depth < 3:
            values = [value for known, value in made if known == name]
            return [text for value in values for text in spelled(value, made, depth + 1)]
    return []


RAISED = sorted(set(names()))


def test_the_search_finds_what_there_is() -> None:
    found = {name for _where, name in RAISED}
    assert {"breaker.x", "turn.buried", "stuck", "backlog", "errors.rate", "channel.x.unauthorized"} <= found
    assert "paused.x.x" in found


@pytest.mark.parametrize(("where", "name"), RAISED)
def test_whatever_is_raised_has_a_kind(where: str, name: str) -> None:
    assert kind_of(name) is not UNKNOWN, f"{where}: add a line to khronos/alerts/kinds.py"


def test_every_kind_has_a_level_a_runbook_and_is_reached() -> None:
    for kind in KINDS:
        assert kind.level in LEVELS
        assert (ROOT / "docs" / "runbooks" / f"{kind.runbook}.md").is_file()
        assert kind_of(kind.pattern.replace("*", "x")) is kind, f"{kind.pattern} stands behind a wider one"
