"""The questions that dashboards ask again and again, each with its legend: `{{label}}` is a label's value."""

type Queries = dict[str, str]  # by legend


def rates(metric: str, *by: str, where: str = "") -> Queries:
    """How many a second."""
    return {legend(by): f"sum by ({', '.join(by)}) (rate({selected(metric, where)}[$__rate_interval]))"}


def hourly(metric: str, *by: str) -> Queries:
    """How many in the last hour, for what is rare."""
    return {legend(by): f"sum by ({', '.join(by)}) (increase({metric}[1h]))"}


def now(metric: str, *by: str, where: str = "") -> Queries:
    """Of the whole system: every scraped machine tells the same, so it counts once."""
    return {legend(by): f"max by ({', '.join(by)}) ({selected(metric, where)})"}


def quantiles(metric: str, *by: str) -> Queries:
    """Half, 95 % and 99 % of what a histogram has seen."""
    return {f"{q:.0%} {legend(by)}".rstrip(): quantile(q, metric, *by) for q in (0.5, 0.95, 0.99)}


def slowest(metric: str, *by: str, where: str = "") -> Queries:
    """95 %, where each label has a line of its own."""
    return {legend(by): quantile(0.95, metric, *by, where=where)}


def quantile(share: float, metric: str, *by: str, where: str = "") -> str:
    buckets = rates(f"{metric}_bucket", "le", *by, where=where).popitem()[1]
    return f"histogram_quantile({share}, {buckets})"


def selected(metric: str, where: str) -> str:
    return f"{metric}{{{where}}}" if where else metric


def legend(by: tuple[str, ...]) -> str:
    return " ".join(f"{{{{{label}}}}}" for label in by)
