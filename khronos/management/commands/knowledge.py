"""What answers are found in: add documents, list and remove them, search as the assistant does."""

import argparse
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from khronos.exceptions import Failure
from khronos.knowledge import example, fetching, intake
from khronos.launch.ps import listing
from khronos.management.byhand import ByHand, tenant_of
from khronos.management.hands import silence, takes_language
from khronos.management.screen import screen
from khronos.models import Document, Tenant

WIDE = 110  # characters: a name that other commands take is never broken
MOST = 100  # lines of a list that somebody reads
PATIENCE_S = 60.0  # with a worker that was quicker to take a document, or with a pause before its next try
LOOK_EVERY_S = 0.2
UNDER_WAY = (Document.State.WAITING, Document.State.WORKING)
SIGNS = {Document.State.READY: "✅", Document.State.FAILED: "❌"}


class Command(ByHand):
    help = __doc__ or ""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        deeds = parser.add_subparsers(
            dest="deed", required=True, metavar="add|list|remove|search|retry|example"
        )
        add = deeds.add_parser("add", help="files, folders of them, or web addresses")
        add.add_argument("paths", nargs="+", metavar="PATH")
        deeds.add_parser("list", help="documents, and what became of them")
        remove = deeds.add_parser(
            "remove", help="documents by number or name, with all that is known of them"
        )
        remove.add_argument("which", nargs="+")
        search = deeds.add_parser("search", help="the passages that a question finds")
        search.add_argument("words", nargs="+")
        search.add_argument("--most", type=int, default=5)
        retry = deeds.add_parser("retry", help="what failed once more; without numbers: all of it")
        retry.add_argument("which", nargs="*")
        shop = deeds.add_parser("example", help="the imaginary shop of the first start")
        shop.add_argument("what", choices=("add", "remove"))
        for each in deeds.choices.values():
            each.add_argument("--tenant", default="default", help="its slug")
        takes_language(*deeds.choices.values())

    def handle(self, *, deed: str, tenant: str, **options: Any) -> None:
        with silence():
            getattr(self, f"do_{deed}")(tenant_of(tenant), **options)

    def console(self) -> Console:
        return screen(self.stdout, at_least=WIDE)

    def do_add(self, tenant: Tenant, *, paths: list[str], **_options: Any) -> None:
        sources = [source for path in paths for source in sources_of(path)]
        documents = [document for source in sources if (document := self.taken(tenant, source))]
        self.follow(documents)
        if len(documents) < len(sources) or any(each.state == Document.State.FAILED for each in documents):
            raise SystemExit(1)

    def taken(self, tenant: Tenant, source: str) -> Document | None:
        try:
            if fetching.is_address(source):
                return fetching.fetch(tenant, source)
            return intake.add_file(tenant, Path(source))
        except (Failure, OSError) as error:
            self.stdout.write(f"❌ {source}: {error}")
            return None

    def follow(self, documents: list[Document]) -> None:
        """Read here and now, piece by piece, with a bar where somebody looks."""
        console = self.console()
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
            task = bar.add_task(_("Reading"), total=len(documents))
            for document in documents:
                bar.update(task, description=document.title[:40])
                read_through(document)
                bar.advance(task)
                console.print(line(document))
        if any(document.state in UNDER_WAY for document in documents):
            console.print(
                _("What has … is read in the background: `knowledge list` shows what becomes of it.")
            )

    def do_list(self, tenant: Tenant, **_options: Any) -> None:
        documents = Document.objects.filter(tenant=tenant).defer("raw").order_by("-pk")
        if not documents.exists():
            self.stdout.write(_("There are no documents yet: `knowledge add PATH…` adds some."))
            return
        table = listing()
        for title in ("id", _("state"), _("kind"), _("passages"), _("source"), _("title"), _("reason")):
            table.add_column(title, no_wrap=title == "id")
        for row in documents[:MOST]:
            count = str(row.chunks.count())
            sign = f"{SIGNS.get(Document.State(row.state), '…')} {row.get_state_display()}"
            table.add_row(
                str(row.pk),
                sign,
                row.get_kind_display(),
                count,
                row.source,
                row.title,
                row.why,
            )
        self.console().print(table)

    def do_remove(self, tenant: Tenant, *, which: list[str], **_options: Any) -> None:
        for document in chosen(tenant, which):
            count, name = document.chunks.count(), f"{document.pk}  {document.source}"
            intake.remove(document)
            self.stdout.write(f"✅ {name}: " + _("removed, with %(n)s passages") % {"n": count})

    def do_search(self, tenant: Tenant, *, words: list[str], most: int, **_options: Any) -> None:
        from khronos.knowledge.search import search  # noqa: PLC0415 (numpy, for whoever searches)

        passages = search(tenant.pk, " ".join(words), most)
        if not passages:
            self.stdout.write(_("Nothing was found."))
        for number, each in enumerate(passages, 1):
            sign = "✅" if each.covers else "·"
            figures = _("meaning %(m)s, words %(w)s") % {"m": f"{each.meaning:.2f}", "w": f"{each.words:.2f}"}
            self.stdout.write(f"{sign} {number}. {each.cited}  ({figures})\n{indented(each.text)}")

    def do_retry(self, tenant: Tenant, *, which: list[str], **_options: Any) -> None:
        failed = Document.objects.filter(tenant=tenant, state=Document.State.FAILED)
        documents = chosen(tenant, which) if which else list(failed)
        again = [document for document in documents if intake.try_again(document)]
        self.follow(again)
        self.stdout.write(_("%(n)s tried again.") % {"n": len(again)})

    def do_example(self, tenant: Tenant, *, what: str, **_options: Any) -> None:
        if what == "add":
            example.put_in(tenant)
            self.follow(list(Document.objects.filter(tenant=tenant, is_example=True)))
        else:
            self.stdout.write(_("%(n)s documents removed.") % {"n": example.take_out(tenant)})


def sources_of(path: str) -> Iterator[str]:
    """Of a folder those that can be read; a file and an address are what somebody named."""
    if not fetching.is_address(path) and Path(path).is_dir():
        files = (file for file in Path(path).rglob("*") if file.is_file() and intake.can_be_read(file.name))
        yield from sorted(map(str, files))
    else:
        yield path


def read_through(document: Document) -> None:
    from khronos.knowledge import work  # noqa: PLC0415 (numpy, for whoever reads)

    until = time.monotonic() + PATIENCE_S
    while True:
        work.take(document.pk)  # nothing while it is somebody else's
        document.refresh_from_db(fields=["state", "reason"])
        if document.state not in UNDER_WAY or time.monotonic() > until:
            return
        time.sleep(LOOK_EVERY_S)


def line(document: Document) -> str:
    sign = SIGNS.get(Document.State(document.state), "…")
    number = document.chunks.count()
    count = ngettext("%(n)s passage", "%(n)s passages", number) % {"n": number}
    return f"{sign} {document.pk}  {document.source}: {document.why or count}"


def indented(text: str) -> str:
    return "\n".join(f"     {each}" for each in text.splitlines())


def chosen(tenant: Tenant, which: list[str]) -> list[Document]:
    rows = Document.objects.filter(tenant=tenant).defer("raw")
    found = {name: rows.filter(pk=name) if name.isdecimal() else rows.filter(source=name) for name in which}
    if absent := [name for name, each in found.items() if not each]:
        raise CommandError(_("There is no document %(names)s.") % {"names": ", ".join(absent)})
    return [document for each in found.values() for document in each]
