"""A fact as Prometheus wants it."""

from collections.abc import Mapping

from prometheus_client.core import GaugeMetricFamily


def gauge(name: str, help_: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, help_, value=value)


def gauges(name: str, help_: str, label: str, values: Mapping[str, float]) -> GaugeMetricFamily:
    """One for each value of the label."""
    family = GaugeMetricFamily(name, help_, labels=[label])
    for of, value in values.items():
        family.add_metric([of], value)
    return family
