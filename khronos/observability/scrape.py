"""`/metrics` as text: what all processes have counted, and what is so right now (docs/metrics.md).

Each part is asked in a thread of its own, against a clock. What cannot be known now is left out, and
`khronos_scrape_part_up` says so: a number that is missing is better than one that is wrong.
"""

import json
import logging
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping

from django.conf import settings
from prometheus_client import Metric, generate_latest
from prometheus_client.core import GaugeMetricFamily

from khronos.observability.folding import Numbers, read
from khronos.observability.health import Check
from khronos.observability.metrics import BOUNDS, CATALOGUE, SHEET

DEADLINE_S = 0.9  # a scrape is answered within a second, whatever hangs
FRESH_S = 1.0  # two that scrape cost no more than one

OURS = "khronos_"  # what is called otherwise is a counter of a file that was laid beside
DURATIONS = "khronos_http_request_duration_seconds"  # two more are made from it

log = logging.getLogger(__name__)

type Families = Iterable[Metric]
type Series = dict[tuple[tuple[str, str], ...], float]

KINDS = {kind.name: kind for made in CATALOGUE.values() for kind in made.describe()}


class Part:
    def __init__(self, name: str, ask: Callable[[], Families]) -> None:
        self.name, self.ask = name, ask
        self.is_known = True
        self.found: list[Metric] = []
        self.check = Check(self.look)

    def look(self) -> str:
        self.found = list(self.ask())
        return "known"

    def wait(self, until: float) -> bool:
        result = self.check.wait(until)
        if self.is_known and not result.ok:
            log.warning("a part of the scrape is not known", extra={"part": self.name, "why": result.detail})
        self.is_known = result.ok
        return result.ok


class Scrape:
    def __init__(self, parts: Mapping[str, Callable[[], Families]]) -> None:
        self.parts = {name: Part(name, ask) for name, ask in parts.items()}
        self.lock = threading.Lock()
        self.text, self.looked_at = b"", -FRESH_S

    def __call__(self) -> bytes:
        with self.lock:  # those who come meanwhile get the answer of the first
            if time.monotonic() - self.looked_at >= FRESH_S:
                self.text = generate_latest(self)
                self.looked_at = time.monotonic()
            return self.text

    def collect(self) -> Iterator[Metric]:
        for part in self.parts.values():
            part.check.start()
        until = time.monotonic() + DEADLINE_S
        is_up = GaugeMetricFamily(
            "khronos_scrape_part_up", "Whether this part of the scrape could be asked.", labels=["part"]
        )
        found: dict[str, Metric] = {}
        for name, part in self.parts.items():
            is_known = part.wait(until)
            is_up.add_metric([name], float(is_known))
            for metric in part.found if is_known else ():
                samples = found.setdefault(metric.name, metric).samples
                if samples is not metric.samples:
                    samples += metric.samples
        yield from found.values()
        yield is_up


def counted() -> Iterator[Metric]:
    """The sums over all processes, the dead included."""
    numbers = dict.fromkeys((value.key for value in SHEET.values), 0.0)
    yield from families(numbers | read(settings.METRICS_FOLDER))


def total(metric: str) -> float:
    """Of all its numbers, of all processes."""
    return sum(
        number for key, number in read(settings.METRICS_FOLDER).items() if json.loads(key)[0] == metric
    )


def families(numbers: Numbers) -> Iterator[Metric]:
    kinds = dict(KINDS)
    found: dict[str, dict[str, Series]] = {name: defaultdict(dict) for name in KINDS}
    for key, number in numbers.items():
        metric, name, labels, *_ = json.loads(key)
        if metric not in found and name.endswith("_total") and not metric.startswith(OURS):
            kinds[metric], found[metric] = Metric(metric, "Of a file beside.", "counter"), defaultdict(dict)
        if metric in found:  # else of a version that had it
            found[metric][name][tuple((label, value) for label, value in labels)] = number
    for name, samples in found.items():
        kind = kinds[name]
        family = Metric(name, kind.documentation, kind.type)
        for sample, series in samples.items():
            add(family, sample, series)
        yield family
        if name == DURATIONS:
            yield from of_http(family)


def add(family: Metric, sample: str, series: Series) -> None:
    if not sample.endswith("_bucket"):
        for labels, number in series.items():
            family.add_sample(sample, dict(labels), number)
        return
    buckets: dict[tuple[tuple[str, str], ...], dict[str, float]] = defaultdict(dict)
    for labels, number in series.items():
        buckets[labels[:-1]][labels[-1][1]] = number
    for labels, found in buckets.items():
        total = 0.0
        for bound in BOUNDS[family.name]:  # a process writes down those alone that it has counted in
            total += found.get(bound, 0.0)
            family.add_sample(sample, {**dict(labels), "le": bound}, total)
        family.add_sample(f"{family.name}_count", dict(labels), total)


def of_http(durations: Metric) -> Iterator[Metric]:
    """One observation, three names."""
    requests = Metric("khronos_http_requests", "HTTP requests that were answered.", "counter")
    times = Metric("khronos_response_time_seconds", "Time to answer, by endpoint.", "histogram")
    sums: dict[tuple[str, str, str], float] = defaultdict(float)
    for name, labels, number, *_ in durations.samples:
        suffix = name.removeprefix(durations.name)
        if suffix == "_count":
            requests.add_sample("khronos_http_requests_total", labels, number)
        sums[suffix, labels["route"], labels.get("le", "")] += number
    for (suffix, route, bound), number in sums.items():
        times.add_sample(times.name + suffix, {"endpoint": route} | ({"le": bound} if bound else {}), number)
    yield requests
    yield times
