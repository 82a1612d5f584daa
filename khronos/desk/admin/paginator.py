"""Pages of tables that may have millions of rows: nothing is counted beyond what anybody would page to."""

from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.utils.functional import cached_property


class BoundedPaginator(Paginator):  # type: ignore[type-arg]
    most = 10_000  # rows; beyond them the reader filters
    template_name = "admin/khronos/pagination.html"

    @cached_property
    def counted(self) -> int:
        if isinstance(self.object_list, QuerySet):
            return self.object_list.order_by().values("pk")[: self.most + 1].count()
        return len(self.object_list)

    @property
    def is_cut(self) -> bool:
        return self.counted > self.most

    @cached_property
    def count(self) -> int:
        return min(self.counted, self.most)
