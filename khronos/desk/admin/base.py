"""What every page of the admin shares.

Repairs are Django's list actions; the page of a row offers those that fit its state as buttons. Both
arrive by POST at the list, are allowed to whoever may change the noun, and are kept in the row's history.
"""

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.contrib.admin.models import LogEntry
from django.contrib.auth import get_permission_codename
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from unfold.views import ChangeList

from khronos.desk import audit
from khronos.desk.admin.columns import list_of
from khronos.desk.admin.paginator import BoundedPaginator

if TYPE_CHECKING:

    class Unfolded[M: Model](admin.ModelAdmin[M]):
        pass

else:
    from unfold.admin import ModelAdmin

    class Unfolded[M](ModelAdmin):
        def log_deletions(self, request: HttpRequest, queryset: Any) -> list[LogEntry]:
            """Django writes many in one go and tells nobody."""
            entries = super().log_deletions(request, queryset)
            for entry in entries if len(entries) > 1 else ():
                audit.deed(entry)
            return entries


class Rows(ChangeList):  # type: ignore[misc]
    def get_results(self, request: HttpRequest) -> None:
        """Without a filter the rows that were counted are all rows, as far as anybody counts."""
        super().get_results(request)
        if not self.query and not self.has_active_filters:
            self.full_result_count = self.result_count


AT_ONCE = 1000  # rows of one repair; each is a statement of its own


class KhronosAdmin[M: Model](Unfolded[M]):
    paginator = BoundedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER  # it counts the whole table for every choice
    list_per_page = 50
    list_max_show_all = 200
    list_disable_select_all = True
    list_fullwidth = True
    change_form_outer_before_template = "admin/khronos/offers.html"
    change_form_show_cancel_button = True
    id_fields: Mapping[int, Sequence[str]] = {}  # which columns hold an id of so many characters

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[Rows]:
        return Rows

    def offers(self, row: M) -> Iterable[str]:
        """The repairs that fit this row, by name."""
        return ()

    def offered(self, request: HttpRequest, row: M) -> list[tuple[str, str]]:
        """Of those what this operator may do, with its words."""
        known = dict(self.get_action_choices(request))
        return [(name, known[name]) for name in self.offers(row) if name in known]

    def has_repair_permission(self, request: HttpRequest) -> bool:
        """Rows that nobody edits may still be repaired, by whoever could change them."""
        return request.user.has_perm(f"{self.opts.app_label}.{get_permission_codename('change', self.opts)}")

    def repair(self, request: HttpRequest, rows: QuerySet[M], change: Callable[[M], bool], what: str) -> None:
        """Change each row, keep who did it, say how many were changed and how many did not fit."""
        done = left = 0
        for row in rows[:AT_ONCE]:
            if change(row):
                self.log_change(request, row, what)
                done += 1
            else:
                left += 1
        if done:
            self.message_user(request, _("%(what)s: %(n)s.") % {"what": what, "n": done}, messages.SUCCESS)
        if left:
            text = _("Left as they were, because their state does not allow it: %(n)s.") % {"n": left}
            self.message_user(request, text, messages.WARNING)

    def response_action(
        self, request: HttpRequest, queryset: QuerySet[Any], *args: Any, **kwargs: Any
    ) -> HttpResponse | None:
        """Back to the page whose button was pressed."""
        response = super().response_action(request, queryset, *args, **kwargs)
        page = request.POST.get("next", "")
        if isinstance(response, HttpResponseRedirect) and url_has_allowed_host_and_scheme(
            page, allowed_hosts=None, require_https=request.is_secure()
        ):
            return HttpResponseRedirect(page)
        return response

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        row: M | None = kwargs.get("obj")
        if row is not None:
            context["offers"] = self.offered(request, row)
            context["offers_url"] = list_of(self.model)
        return super().render_change_form(request, context, *args, **kwargs)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[M], search_term: str
    ) -> tuple[QuerySet[M], bool]:
        """A whole id is looked up, not searched for."""
        named = self.named_by(search_term.strip())
        if named is None:
            return self.search(request, queryset, search_term)
        return queryset.filter(named), False

    def search(
        self, request: HttpRequest, queryset: QuerySet[M], search_term: str
    ) -> tuple[QuerySet[M], bool]:
        return super().get_search_results(request, queryset, search_term)

    def named_by(self, term: str) -> Q | None:
        """Where it is a UUID, or a trace id, which is one without dashes."""
        names = self.id_fields.get(len(term), ())
        try:
            id_ = uuid.UUID(term) if names else None
        except ValueError:
            id_ = None
        if id_ is None:
            return None
        value = id_ if len(term) == 36 else term
        return Q.create([(name, value) for name in names], connector=Q.OR)


class ReadOnlyAdmin[M: Model](KhronosAdmin[M]):
    """Rows that only Khronos writes: seen, repaired by actions, never edited by hand."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: M | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: M | None = None) -> bool:
        return False
