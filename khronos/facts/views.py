"""`/metrics`: for machines with the token, and for operators."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from khronos.facts import backup, bus, guards, machine, work
from khronos.observability.scrape import Scrape, counted
from khronos.observability.views import is_operator, turned_away

scrape = Scrape(
    {
        "counts": counted,
        "rows": work.rows,
        "bus": bus.streams,
        "celery": bus.celery_queues,
        "breakers": guards.breakers,
        "limits": guards.limits,
        "connections": machine.connections,
        "processes": machine.processes,
        "disk": machine.disk,
        "backup": backup.backup,
    }
)


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    return turned_away(request, is_operator) or HttpResponse(scrape(), content_type=CONTENT_TYPE_PLAIN_0_0_4)
