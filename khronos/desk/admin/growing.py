"""Tables that grow by the million: what would read all of one is offered for a part of it only."""

from typing import TYPE_CHECKING, Any, ClassVar

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from khronos.desk.admin.base import KhronosAdmin

if TYPE_CHECKING:
    Base = KhronosAdmin[Any]
else:
    Base = object

SEARCHED = 100_000  # rows: under a second on SQLite, where nothing is found
# How the names of filters begin that leave a few rows.
NARROWING = ("since", "undone", "trace_id", "correlation_id", "conversation", "conversation_id")


class Growing(Base):
    """Beside `KhronosAdmin`, before it."""

    search_help_text: ClassVar[Any] = _("Id, or words of the newest 100,000 rows")

    def get_sortable_by(self, request: HttpRequest) -> Any:
        """By its number always; to sort by anything else would read every row."""
        shown = super().get_sortable_by(request)
        if is_narrowed(request):
            return shown
        return [name for name in shown if order_of(getattr(self, str(name), None)) == "pk"]

    def search(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Among the newest rows, unless a filter names others."""
        reads_all = any(not name.endswith("__exact") for name in self.get_search_fields(request))
        if reads_all and search_term.strip() and not is_narrowed(request):
            numbers = self.model._default_manager.order_by("-pk").values_list("pk", flat=True)
            queryset = queryset.filter(pk__gt=(numbers.first() or 0) - SEARCHED)
        return super().search(request, queryset, search_term)


def is_narrowed(request: HttpRequest) -> bool:
    return any(name.split("__")[0] in NARROWING and value for name, value in request.GET.items())


def order_of(column: Any) -> str:
    return str(getattr(column, "admin_order_field", ""))
