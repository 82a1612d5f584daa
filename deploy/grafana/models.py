"""The dashboard of models and what they cost."""

from deploy.grafana.panels import Dashboard, graph, stat
from deploy.grafana.queries import hourly, quantiles, rates, slowest

CHOSEN = 'model=~"$model"'

calls = graph(
    "Calls of models", "reqps", rates("khronos_api_calls_total", "provider", "status"), stacked=True
)
answer_time = graph("Time of a model's answer", "s", quantiles("khronos_ai_latency_seconds", "provider"))

MODELS = Dashboard(
    "khronos-models",
    "Models and cost",
    "Who answers, how fast, for how much.",
    {
        "In 24 hours": (
            stat("Cost", "currencyUSD", "sum(increase(khronos_cost_usd_total[1d]))"),
            stat("Questions", "short", "sum(increase(khronos_api_calls_total[1d]))"),
            stat(
                "Failed",
                "percentunit",
                'sum(increase(khronos_api_calls_total{status!="ok"}[1d]))'
                " / sum(increase(khronos_api_calls_total[1d]))",
                red_from=0.05,
            ),
            stat("Tokens of Anthropic", "short", "sum(increase(khronos_anthropic_tokens_used_total[1d]))"),
        ),
        "Calls": (
            calls,
            graph(
                "Anthropic, by model",
                "reqps",
                rates("khronos_anthropic_api_calls_total", "model", "status", where=CHOSEN),
                stacked=True,
            ),
            answer_time,
            graph(
                "Time of Anthropic's answer, 95 %",
                "s",
                slowest("khronos_anthropic_api_duration_seconds", "model", where=CHOSEN),
            ),
        ),
        "Tokens and money": (
            graph(
                "Tokens a second",
                "short",
                rates("khronos_anthropic_tokens_used_total", "model", "type", where=CHOSEN),
                stacked=True,
            ),
            graph("Dollars, an hour", "currencyUSD", hourly("khronos_cost_usd_total", "model"), stacked=True),
            graph(
                "Dollars an answer",
                "currencyUSD",
                {
                    "cost": "sum(rate(khronos_cost_usd_total[$__rate_interval]))"
                    ' / sum(rate(khronos_deliveries_total{status="sent"}[$__rate_interval]))'
                },
            ),
        ),
    },
    variables={"model": "khronos_anthropic_api_calls_total"},
)
