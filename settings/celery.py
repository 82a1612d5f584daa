"""Celery: queues, and the traps of its Redis transport (docs/architecture.md has the reasons)."""

from kombu import Queue

from settings.env import env

CELERY_BROKER_URL = env.celery_broker_url or env.redis_url
if CELERY_BROKER_URL.startswith(("redis://", "rediss://")):
    CELERY_BROKER_TRANSPORT = "khronos.bus.celery_redis:ThriftyTransport"
elif CELERY_BROKER_URL.startswith("amqp://"):
    CELERY_BROKER_TRANSPORT = "khronos.bus.celery_amqp:BoundedTransport"
elif CELERY_BROKER_URL.startswith("amqps://"):
    CELERY_BROKER_TRANSPORT = "khronos.bus.celery_amqp:BoundedTLSTransport"
CELERY_WORKER_CONSUMER = "khronos.bus.celery_worker:ThriftyConsumer"
CELERY_TASK_QUEUES = [Queue(name) for name in ("agent.ai", "delivery", "embeddings", "ops")]
CELERY_TASK_DEFAULT_QUEUE = "ops"
CELERY_TASK_ROUTES = {
    "tasks.turns.*": {"queue": "agent.ai"},
    "tasks.delivery.*": {"queue": "delivery"},
    "tasks.embeddings.*": {"queue": "embeddings"},
}
CELERY_TASK_CREATE_MISSING_QUEUES = False
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_STORE_ERRORS_EVEN_IF_IGNORED = False
CELERY_RESULT_BACKEND = None
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_IMPORTS = (
    "tasks.turns",
    "tasks.delivery",
    "tasks.ops",
    "tasks.alerts",
    "tasks.embeddings",
    "tasks.media",
)
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_SEND_TASK_EVENTS = True
# Seconds for the jobs in hand; the rest goes back (khronos/launch/worker.py).
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 10.0
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_BROKER_CONNECTION_TIMEOUT = 2.0 if CELERY_BROKER_URL.startswith("amqp") else 4.0
CELERY_BROKER_HEARTBEAT = 10  # seconds; a RabbitMQ that is silent for two of them is gone
CELERY_BROKER_POOL_LIMIT = 10
CELERY_TASK_PUBLISH_RETRY = False  # a lost ring is rung again by the sweeper; nobody waits for a dead broker
CELERY_BROKER_TRANSPORT_OPTIONS = (
    {
        "confirm_publish": True,  # what RabbitMQ did not take was not sent
        "max_retries": 1,  # kombu would sleep for seconds between its tries, in the middle of a request
        "interval_start": 0.1,
        "interval_max": 0.1,
    }
    if CELERY_BROKER_URL.startswith(("amqp://", "amqps://"))
    else {
        "priority_steps": [0],  # one list a queue: priorities are not used
        "visibility_timeout": 300,  # above the longest task; the same in every process
        "unacked_restore_interval": 2,
        "unacked_restore_throttle": 1,
        "socket_timeout": 5.0,
        "socket_connect_timeout": 2.0,
        "socket_keepalive": True,
        "max_connections": env.agent_threads * 2 + 32,  # must exceed the concurrency
    }
)
CELERY_BEAT_SCHEDULER = "khronos.launch.beat:LeasedScheduler"
CELERY_BEAT_SYNC_EVERY = 1  # each firing is written down at once: whoever takes the lease over must know
CELERY_BEAT_MAX_LOOP_INTERVAL = 5
CELERY_TIMEZONE = "UTC"
DJANGO_CELERY_BEAT_TZ_AWARE = True
