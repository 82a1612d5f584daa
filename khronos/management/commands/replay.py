"""Do again what was given up: dead letters by id, by kind, or all; alone: those that are open."""

import argparse
from typing import Any

from django.core.management.base import CommandError
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from rich.table import Table

from khronos.conversation import repair
from khronos.launch.ps import ago, listing
from khronos.management.byhand import ByHand
from khronos.management.hands import takes_language
from khronos.management.screen import screen
from khronos.models import DeadLetter

MOST = 50  # lines of a list that somebody reads


class Command(ByHand):
    help = __doc__ or ""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        kinds = ", ".join(DeadLetter.Source.values)
        parser.add_argument("which", nargs="*", help=f"ids, or kinds: {kinds}")
        parser.add_argument("--all", action="store_true", help="every open one")
        takes_language(parser)

    def handle(self, *, which: list[str], **options: Any) -> None:
        open_ = DeadLetter.objects.filter(replayed_at=None).order_by("pk")
        if options["all"]:
            self.replay(open_)
        elif which:
            self.replay(chosen(which, open_))
        else:
            self.show(open_)

    def replay(self, letters: QuerySet[DeadLetter]) -> None:
        """Each tells what became of it; those that cannot be replayed stay open."""
        pks = list(letters.values_list("pk", flat=True))
        done = 0
        for pk in pks:
            letter = DeadLetter.objects.get(pk=pk)
            try:
                self.stdout.write(f"✅ {pk}  {letter}: {repair.replay(letter)}")
                done += 1
            except repair.Unrepairable as error:
                self.stdout.write(f"❌ {pk}  {letter}: {error}")
        if done < len(pks):
            raise CommandError(
                _("%(done)s of %(all)s were replayed; the others stay where they are.")
                % {"done": done, "all": len(pks)}
            )
        nothing = _("Nothing to replay: no dead letter is open.")
        self.stdout.write(_("%(n)s replayed.") % {"n": done} if pks else nothing)

    def show(self, letters: QuerySet[DeadLetter]) -> None:
        count = letters.count()
        if not count:
            self.stdout.write(_("No dead letters."))
            return
        console = screen(self.stdout)
        console.print(table(letters[:MOST]))
        if count > MOST:
            console.print(_("… and %(n)s more") % {"n": count - MOST}, style="dim")
        first = letters[0]
        hint = _(
            "`python manage.py replay %(id)s` does one again, "
            "`replay %(kind)s` its kind, `replay --all` every one."
        )
        console.print(hint % {"id": first.pk, "kind": first.source}, style="dim")


def chosen(which: list[str], open_: QuerySet[DeadLetter]) -> QuerySet[DeadLetter]:
    """What was asked for by its id is tried even if it was replayed before: the answer says so."""
    kinds = {word for word in which if word in DeadLetter.Source}
    ids = {word for word in which if word.isdecimal() and len(word) < 19}
    known = set(DeadLetter.objects.filter(pk__in=ids).values_list("pk", flat=True))
    unknown = [word for word in which if word not in kinds and not (word in ids and int(word) in known)]
    if unknown:
        raise CommandError(
            _(
                "No dead letter is called %(names)s. "
                "`python manage.py replay` shows their ids; kinds are %(kinds)s."
            )
            % {"names": ", ".join(unknown), "kinds": ", ".join(DeadLetter.Source.values)}
        )
    return DeadLetter.objects.filter(
        Q(pk__in=known) | Q(pk__in=open_.filter(source__in=kinds).values("pk"))
    ).order_by("pk")


def table(letters: QuerySet[DeadLetter]) -> Table:
    result = listing()
    result.add_column("id", justify="right", no_wrap=True)
    for title in (_("kind"), _("age")):
        result.add_column(title, no_wrap=True)
    result.add_column(_("what"), overflow="fold")
    result.add_column(_("reason"))
    for letter in letters:
        age = ago((timezone.now() - letter.created_at).total_seconds())
        what, reason = str(letter)[:80], " ".join(letter.reason.split())[:160]
        result.add_row(str(letter.pk), letter.source, age, what, reason)
    return result
