"""Portuguese is whole: every text of ours has one, and the compiled catalogue is the readable one."""

import ast
import gettext
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.utils.translation.template import templatize

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "khronos" / "locale" / "pt_BR" / "LC_MESSAGES"
WORDS = {
    "_",
    "gettext",
    "gettext_lazy",
    "gettext_noop",
    "ngettext",
    "ngettext_lazy",
    "pgettext",
    "pgettext_lazy",
}
QUOTED = r"""'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)\""""
FIX = "docs/admin.md says how to bring the catalogue up to date"

type Entry = tuple[str, str, tuple[str, ...]]  # context, text, translations


def entries() -> Iterator[Entry]:
    """Of the readable catalogue; every entry stands between empty lines."""
    for block in (FOLDER / "django.po").read_text("utf-8").split("\n\n")[1:]:
        found: dict[str, str] = {}
        name = ""
        for line in block.splitlines():
            if match := re.match(r'(msg\w+(?:\[\d\])?) (".*")$', line):
                name = match[1]
                found[name] = ast.literal_eval(match[2])
            elif line.startswith('"'):
                found[name] += ast.literal_eval(line)
        said = tuple(text for key, text in found.items() if key.startswith("msgstr"))
        yield found.get("msgctxt", ""), found["msgid"], said


def texts_of_modules() -> Iterator[str]:
    for path in [*(ROOT / "khronos").rglob("*.py"), *(ROOT / "settings").glob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in WORDS:
                texts = [arg.value for arg in node.args if isinstance(arg, ast.Constant)]
                text = texts[1] if node.func.id.startswith("p") else texts[0]
                if isinstance(text, str):
                    yield text


def texts_of_templates() -> Iterator[str]:
    for path in (ROOT / "khronos").rglob("*.html"):
        for match in re.finditer(rf"\b(?:gettext|_)\(\s*u?(?:{QUOTED})", templatize(path.read_text("utf-8"))):
            text = match[1] if match[1] is not None else match[2]
            yield text.replace("\\'", "'").replace('\\"', '"').replace("\\n", "\n")


def test_the_compiled_catalogue_is_the_readable_one() -> None:
    with (FOLDER / "django.mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)
    readable = list(entries())
    for context, text, said in readable:
        if len(said) == 1:
            found = compiled.pgettext(context, text) if context else compiled.gettext(text)
            assert found == said[0], FIX
        else:
            assert (compiled.ngettext(text, "", 1), compiled.ngettext(text, "", 5)) == said, FIX
    number = sum(len(said) for _context, _text, said in readable)
    assert len(compiled._catalog) == number + 1, FIX  # type: ignore[attr-defined]  # and its header


@pytest.mark.parametrize("texts", [texts_of_modules, texts_of_templates])
def test_every_text_of_ours_is_translated(texts: Callable[[], Iterator[str]]) -> None:
    known = {text for _context, text, said in entries() if all(said)}
    wanted = set(texts())
    assert len(wanted) > 10
    assert wanted - known == set(), FIX


def test_a_translation_names_what_its_text_names() -> None:
    def names(text: str) -> list[str]:
        return sorted(re.findall(r"%(?:\(\w+\))?[sd]|\{\w*\}", text))

    for _context, text, said in entries():
        for translation in said[-1:]:
            assert set(names(translation)) >= set(names(text)) - {"%(n)s"}, text
            assert set(names(translation)) <= set(names(text)) | {"%(n)s"}, text
