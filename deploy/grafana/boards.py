"""What the dashboards show. After a change: `python -m deploy.grafana`."""

from deploy.grafana.models import MODELS, answer_time, calls
from deploy.grafana.panels import Dashboard, graph, stat
from deploy.grafana.queries import hourly, now, quantiles, rates, slowest

BREAKER_STATES = {0: "closed", 1: "open", 2: "half-open"}
NO_YES = {0: "no", 1: "yes"}
INTAKE = 'route=~".*webhooks/.*"'

waiting = graph("Work that waits", "short", now("khronos_queue_size", "queue"), stacked=True)
end_to_end = graph(
    "From message to answer",
    "s",
    quantiles("khronos_end_to_end_seconds"),
    "What people wait, the model's time included.",
    red_from=60,
)
taken_over = graph(
    "Work taken over from the dead, an hour",
    "short",
    hourly("khronos_lease_expiries_total", "work"),
    "Its holder was killed, or too slow.",
)

GLANCE = Dashboard(
    "khronos-glance",
    "Khronos at a glance",
    "Is it well? Are people answered? If not, where does it stick?",
    {
        "Now": (
            stat("Longest wait", "s", "max(khronos_oldest_unanswered_seconds)", red_from=60),
            stat(
                "Answered within 60 s, in 24 h",
                "percentunit",
                "1 - khronos:late:ratio_rate1d",
                "Of all that were answered or given up. Promised: 99.9 %.",
            ),
            stat("Dead letters", "short", "sum(max by (source) (khronos_dead_letters))", red_from=1),
            stat("Open alerts", "short", "sum(max by (level) (khronos_alerts_open))", red_from=1),
            stat(
                "Breakers open",
                "short",
                "count(max by (name) (khronos_circuit_breaker_state) > 0) or vector(0)",
                red_from=1,
            ),
            stat("People in the last 5 min", "short", "max(khronos_active_users)"),
        ),
        "Messages": (
            graph(
                "Received and answered",
                "reqps",
                {
                    "received": "sum(rate(khronos_telegram_messages_received_total[$__rate_interval]))",
                    "sent": 'sum(rate(khronos_deliveries_total{status="sent"}[$__rate_interval]))',
                },
            ),
            end_to_end,
            graph(
                "Error budget: how fast it is used",
                "short",
                {
                    "late, 1 h": "khronos:late:ratio_rate1h / 0.001",
                    "late, 6 h": "khronos:late:ratio_rate6h / 0.001",
                    "refused, 1 h": "khronos:refused:ratio_rate1h / 0.001",
                    "refused, 6 h": "khronos:refused:ratio_rate6h / 0.001",
                },
                "99.9 % in 30 days. At 1 the budget lasts exactly as long; at 14.4, two days.",
                red_from=14.4,
            ),
        ),
        "Where it sticks": (
            waiting,
            graph("Given up, an hour", "short", hourly("khronos_given_up_total", "source")),
            graph("Processes that run", "short", now("khronos_process_up", "name"), stacked=True),
        ),
    },
)

WAY = Dashboard(
    "khronos-way",
    "The way of a message",
    "Intake, bus, turns, models, delivery, in this order: the first red one is the place to look.",
    {
        "Intake": (
            graph(
                "Requests to webhooks",
                "reqps",
                rates("khronos_http_requests_total", "status_code", where=INTAKE),
                stacked=True,
            ),
            graph(
                "Time of a request, 95 %",
                "s",
                slowest("khronos_http_request_duration_seconds", "route", where=INTAKE),
            ),
            graph("Messages", "reqps", rates("khronos_telegram_messages_received_total", "chat_type")),
            graph(
                "Came again, an hour",
                "short",
                hourly("khronos_redeliveries_total"),
                "Telegram did not hear our 200. It was there already, and dropped.",
            ),
        ),
        "Bus and queues": (
            graph("Events waiting on the bus", "short", now("khronos_stream_lag", "stream")),
            waiting,
            graph("Celery's tasks", "ops", rates("khronos_celery_tasks_total", "task", "state")),
            graph("Time of a task, 95 %", "s", slowest("khronos_celery_task_duration_seconds", "task")),
        ),
        "Turns": (
            graph(
                "Turns under way",
                "short",
                now("khronos_turns", "state", where='state=~"waiting|working|parked"'),
                stacked=True,
            ),
            graph("Turns ended", "reqps", rates("khronos_messages_processed_total", "source", "status")),
            graph("Given up, an hour", "short", hourly("khronos_messages_failed_total", "source", "reason")),
            taken_over,
        ),
        "Models": (calls, answer_time),
        "Delivery": (
            graph(
                "Tries over Telegram",
                "reqps",
                rates("khronos_telegram_messages_sent_total", "status"),
                stacked=True,
            ),
            graph("Deliveries ended", "reqps", rates("khronos_deliveries_total", "status"), stacked=True),
            graph(
                "May have been shown twice, an hour",
                "short",
                hourly("khronos_doubtful_total"),
                "The channel took a message and did not say so.",
            ),
            end_to_end,
        ),
    },
)

RESILIENCE = Dashboard(
    "khronos-resilience",
    "Resilience",
    "What protects Khronos from others, and from itself.",
    {
        "Breakers and limits": (
            graph("Breakers", "short", now("khronos_circuit_breaker_state", "name"), names=BREAKER_STATES),
            graph(
                "Changes of breakers, an hour",
                "short",
                hourly("khronos_circuit_breaker_state_changes_total", "breaker", "state"),
            ),
            graph("Who waits for a limit", "short", now("khronos_limiter_waiting", "limit")),
        ),
        "Processes": (
            graph(
                "Memory",
                "bytes",
                now("khronos_process_resident_memory_bytes", "name", where='instance=~"$instance"'),
                "Over MAX_MEMORY_MB a process is stopped in order and started anew.",
            ),
            graph(
                "Restarts", "short", now("khronos_process_restarts", "name", where='instance=~"$instance"')
            ),
            graph(
                "Runs",
                "short",
                now("khronos_process_up", "name", where='instance=~"$instance"'),
                names=NO_YES,
            ),
        ),
        "Queues": (
            waiting,
            graph("Open dead letters", "short", now("khronos_dead_letters", "source"), stacked=True),
            taken_over,
        ),
        "Database and cache": (
            graph("Statements", "ops", rates("khronos_database_query_duration_seconds_count", "operation")),
            graph(
                "Time of a statement, 95 %",
                "s",
                slowest("khronos_database_query_duration_seconds", "operation"),
            ),
            graph("Connections in use", "short", {"connections": "sum(khronos_active_connections)"}),
            graph(
                "Cache",
                "ops",
                {
                    "{{cache}}, found in {{layer}}": rates(
                        "khronos_cache_hits_total", "cache", "layer"
                    ).popitem()[1],
                    "{{cache}}, computed": rates("khronos_cache_misses_total", "cache").popitem()[1],
                },
            ),
        ),
        "Backup and sight": (
            graph("Age of the newest backup", "s", {"age": "min(khronos_backup_age_seconds)"}, red_from=300),
            graph(
                "Parts that answer the scrape",
                "short",
                {"{{part}}": "min by (part) (khronos_scrape_part_up)"},
                names=NO_YES,
            ),
        ),
    },
    variables={"instance": "khronos_process_up"},
)

BOARDS = (GLANCE, WAY, RESILIENCE, MODELS)
