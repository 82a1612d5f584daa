"""The names that the environment may set, by what they are about: meaning, default, and what is allowed."""

from decimal import Decimal
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, Field

from settings.networks import Networks


class Place(BaseModel):
    """Where it runs"""

    khronos_home: Path = Field(Path("var"), description="Where all state lives.")
    port: int | None = Field(None, ge=1, le=65535, description="Of the web server; default 18789.")
    flower_port: int | None = Field(None, ge=1, le=65535, description="Of Flower; default 5555.")
    khronos_host: str = Field("127.0.0.1", description="Address that the web server listens on.")
    public_url: str = Field("", description="Address under which the world reaches this server.")
    allowed_hosts: str = Field("", description="More host names that are answered to, with commas between.")
    trusted_proxies: int = Field(
        0, ge=0, description="Proxies of ours before the web server, whose X-Forwarded-For is believed."
    )
    secret_key: str = Field("", description="Signs sessions; made at the first start.")
    khronos_debug: bool = Field(False, description="Django's debug pages; never on a public server.")
    khronos_environment: str = Field("", description="Named in logs and errors; empty: the settings' name.")
    extensions: str = Field(
        "", description="Packages with channels, tools and more, installed beside Khronos; commas between."
    )


class Stores(BaseModel):
    """Database, Redis and broker"""

    database_url: str = Field("", description="postgresql://…; empty: SQLite under KHRONOS_HOME.")
    redis_url: str = Field("", description="redis://…; empty: an embedded Valkey.")
    celery_broker_url: str = Field("", description="redis://… or amqp://…; empty: REDIS_URL.")
    database_pool_min: int = Field(
        2, ge=0, description="PostgreSQL connections that each process keeps open; SQLite has none."
    )
    database_pool_max: int = Field(10, ge=1, description="The most that each process opens.")
    database_breaker_rest_s: float = Field(5, gt=0, description="An open breaker tries again after this.")
    postgresql_bin: str = Field(
        "", description="Folder of pg_dump and its like; empty: PATH, then /usr/lib/postgresql."
    )
    updates_kept_days: int = Field(30, ge=1, description="How long the bytes of dispatched updates are kept.")


class Telegram(BaseModel):
    """Telegram"""

    telegram_bot_token: str = Field("", description="From @BotFather; makes the channel `default`.")
    telegram_webhook_secret: str = Field("", description="Made at the first start when empty.")
    telegram_api_url: str = Field("https://api.telegram.org", description="Base address of the Bot API.")
    telegram_delivery_mode: Literal["send", "edit"] = Field("send", description="How answers are sent.")
    telegram_spacing_ms: int = Field(35, ge=0, description="Between two messages of one bot.")
    telegram_per_second: int = Field(30, ge=0, description="Messages of one bot in any second.")
    telegram_chat_spacing_ms: int = Field(1000, ge=0, description="Between two messages to one chat.")
    telegram_group_per_minute: int = Field(20, ge=0, description="Messages to one group in any minute.")
    telegram_timeout_s: float = Field(5, gt=0, description="The longest that Telegram may take to answer.")
    telegram_breaker_rest_s: float = Field(30, gt=0, description="An open breaker tries again after this.")


class Alerts(BaseModel):
    """Alerts"""

    telegram_alert_chat_id: str = Field("", description="Where alerts go.")
    telegram_critical_chat_id: str = Field("", description="Where critical alerts go.")
    alert_language: Literal["en", "pt-br"] = Field("en", description="Of the alerts' texts.")
    alert_timezone: str = Field("UTC", description="Of the times in alerts, and of the quiet hours.")
    alert_quiet_hours: str = Field("", description="22:00-07:00: what is not urgent waits for the morning.")
    alerts_per_minute: int = Field(20, ge=0, description="What is more is summed up; 0: no limit.")
    alert_webhook_url: str = Field("", description="Told by JSON where Telegram cannot.")
    alert_webhook_secret: str = Field("", description="Signs that JSON; made at the first start when empty.")
    alert_webhook_private_networks: Networks = Field(
        [], description="Where it may lie all the same, such as 10.0.0.0/8, with commas between."
    )
    alert_email_to: str = Field("", description="Told by e-mail where Telegram cannot; commas between.")
    alert_email_from: str = Field("", description="The sender; empty: the user of EMAIL_URL.")
    email_url: str = Field("", description="smtp://user:password@host:port, or smtps://.")
    alert_stuck_s: float = Field(60, gt=0, description="Who waits longer for an answer is an alert.")
    alert_backlog: int = Field(1000, ge=1, description="More messages that wait are an alert.")
    alert_error_rate_percent: float = Field(5, gt=0, le=100, description="More failed messages are an alert.")
    alert_memory_percent: float = Field(
        90, gt=0, le=100, description="More used memory, of a process's limit or the machine, is an alert."
    )


class Models(BaseModel):
    """Models, and what they may cost"""

    anthropic_api_key: str = Field("", description="Without any key the offline agent answers.")
    anthropic_base_url: str = Field(
        "https://api.anthropic.com", description="Of a server that speaks the same."
    )
    anthropic_model: str = Field("claude-sonnet-5-5", description="Asked where an agent names none.")
    anthropic_requests_per_minute: int = Field(50, ge=0, description="Of all processes; 0: no limit.")
    anthropic_concurrency: int = Field(3, ge=0, description="Calls at once, of all processes; 0: no limit.")
    anthropic_timeout_s: float = Field(30, gt=0, description="The longest that one call may take.")
    anthropic_breaker_rest_s: float = Field(60, gt=0, description="An open breaker tries again after this.")
    openai_api_key: str = Field("", description="The second to be asked.")
    openai_base_url: str = Field("https://api.openai.com/v1", description="Of a server that speaks the same.")
    openai_model: str = Field("gpt-5-mini", description="Asked where an agent names none.")
    openai_requests_per_minute: int = Field(500, ge=0, description="As for Anthropic.")
    openai_concurrency: int = Field(20, ge=0, description="As for Anthropic.")
    openai_timeout_s: float = Field(10, gt=0, description="As for Anthropic.")
    openai_breaker_rest_s: float = Field(30, gt=0, description="An open breaker tries again after this.")
    provider_order: str = Field(
        "", description="Who is asked first, with commas; empty: anthropic, openai, then those laid beside."
    )
    triage: Literal["model", "rules"] = Field(
        "model", description="Who decides where a channel's routing is triage; rules cost nothing."
    )
    model_prices: dict[str, tuple[str, ...]] = Field(
        {}, description="US dollars per million tokens, in and out: my-model=0.5/1.5, with commas between."
    )
    monthly_budget: Decimal = Field(
        Decimal(0),
        ge=0,
        description="US dollars a month for models, of a tenant without its own; 0: no limit.",
    )
    usage_kept_days: int = Field(400, ge=62, description="How long single calls are kept; their sums stay.")


class Files(BaseModel):
    """Files and voice"""

    media_max_mb: int = Field(20, ge=1, le=2000, description="A file that a contact sends may have so much.")
    web_files_max_mb: int = Field(
        5, ge=1, le=50, description="The files of one message of the web channel or the chat page together."
    )
    media_kept_days: int = Field(30, ge=1, description="How long its bytes are kept; the text in it stays.")
    transcriber: str = Field(
        "", description="Who writes down what is spoken: openai, or one laid beside; empty: nobody."
    )
    transcriber_model: str = Field("gpt-4o-mini-transcribe", description="With TRANSCRIBER=openai.")
    transcriber_api_key: str = Field("", description="Empty: OPENAI_API_KEY.")
    transcriber_base_url: str = Field(
        "", description="Of a server that speaks the same; empty: OPENAI_BASE_URL."
    )
    transcriber_minute_price: Decimal | None = Field(
        None, ge=0, description="US dollars a minute; empty: as the model is known to cost."
    )
    transcriber_timeout_s: float = Field(30, gt=0, description="The longest that one recording may take.")
    transcriber_breaker_rest_s: float = Field(30, gt=0, description="An open breaker tries again after this.")


class Knowledge(BaseModel):
    """Knowledge"""

    khronos_example: bool = Field(True, description="The first start puts in a shop to ask about.")
    knowledge_file_max_mb: int = Field(25, ge=1, le=200, description="A document that is larger is refused.")
    knowledge_fresh_days: int = Field(7, ge=1, description="Pages are fetched again after so long.")
    knowledge_urls: str = Field(
        "", description="Hosts that documents may be fetched from, such as *.example.com; commas between."
    )
    knowledge_private_networks: Networks = Field(
        [], description="Where those hosts may lie all the same; commas between."
    )
    embeddings: str = Field("local", description="Who says what a text means: local, openai, or one beside.")
    embeddings_model: str = Field("text-embedding-3-small", description="With EMBEDDINGS=openai.")
    embeddings_at_once: int = Field(10, ge=1, le=100, description="Documents that are read at the same time.")
    embedder_port: int | None = Field(
        None, ge=1, le=65535, description="Of the local model's process; chosen at the first start."
    )
    embedder_url: str = Field("", description="Where that process is on another machine.")


class Visitors(BaseModel):
    """Who writes, and who is called"""

    contact_messages_per_minute: int = Field(
        20, ge=0, description="Of one contact; what is more is answered later, after one polite notice."
    )
    address_requests_per_minute: int = Field(
        120, ge=0, description="Of one IP address to the chat page; then 429."
    )
    address_files_per_minute: int = Field(
        10, ge=0, description="Messages with files of one IP address to the chat page; then 429."
    )
    left_alone_h: float = Field(
        24,
        ge=0,
        description="Who waits so long for the person who took them goes back to the queue; 0: never.",
    )
    wrong_secrets_per_minute: int = Field(
        300, ge=0, description="Requests with a wrong secret from one IP address; then 429."
    )
    waiting_told_min: float = Field(
        10, ge=0, description="Who waits longer for a person, and writes, is told again; 0: never."
    )
    web_callback_private_networks: Networks = Field(
        [], description="Where sites that answers are posted to may lie all the same; commas between."
    )
    tool_private_networks: Networks = Field(
        [], description="Where services that are tools may lie all the same; commas between."
    )


class Processes(BaseModel):
    """Processes"""

    agent_processes: int = Field(1, ge=1, le=64, description="Agent processes that `make up` starts.")
    agent_threads: int = Field(
        48, ge=1, le=1000, description="Answers one agent process thinks about at once."
    )
    web_threads: int = Field(16, ge=1, le=256, description="Requests the web server works on at once.")
    max_memory_mb: int = Field(500, ge=64, description="A process above this is restarted.")
    silence_s: float = Field(60.0, ge=5, description="A process that is silent for so long is restarted.")
    restart_apart_s: float = Field(4.0, ge=0, description="Seconds from one start of a process to its next.")
    failed_start_s: float = Field(10.0, ge=0, description="A process that lives shorter did not start.")
    failed_starts_max: int = Field(10, ge=1, description="Failed starts in a row; then it is given up.")
    hard_stop_s: float = Field(30.0, ge=1, description="What has not stopped by then is killed.")
    turn_lease_s: float = Field(30, ge=3, description="A dead worker's turn is free again after this.")
    delivery_lease_s: float = Field(30, ge=15, description="As for a turn; above any call to a channel.")
    lock_ttl_s: float = Field(30, ge=3, description="A dead worker's conversation is free again after this.")
    khronos_crash_at: str = Field(
        "", description="For tests alone: a process kills itself at this point (docs/chaos.md)."
    )


class Eyes(BaseModel):
    """Logs, metrics, errors"""

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] = Field(
        "INFO", description="What is less is not written."
    )
    sentry_dsn: str = Field("", description="Where errors are reported; empty: nowhere.")
    metrics_token: str = Field("", description="Admits to the operator's addresses as a bearer token.")
    metrics_port: int | None = Field(
        None, ge=1, le=65535, description="Serves /metrics where no web server is beside it; on KHRONOS_HOST."
    )
    observability: bool = Field(True, description="Counting, and a log line for each step of a message.")
    flower_password: str = Field("", description="Of Flower's user `khronos`; made at the first start.")
    flower_read_only: bool = Field(True, description="Flower shows, and changes nothing.")


class Backup(BaseModel):
    """Backup"""

    litestream_replica_url: str = Field("", description="s3://…; empty: a folder under KHRONOS_HOME.")
    litestream_sync_s: float = Field(10, ge=0.5, description="What is newer may be lost with the disk.")
    litestream_snapshot_h: int = Field(24, ge=1, description="Between two whole copies.")
    backup_dump_min: float = Field(60, gt=0, description="Between two dumps of PostgreSQL.")
    backup_journal: bool = Field(
        False, description="PostgreSQL's journal is received too, so that any moment can be restored."
    )
    backup_kept_days: int = Field(7, ge=1, description="How far back a restore can go.")
    backup_fine_h: int = Field(
        6, ge=0, description="So far back, to the second; before that to half a minute."
    )
    backup_stale_s: float = Field(60, ge=5, description="Copies that are later are an alert.")
    backup_patience_s: float = Field(8, ge=1, description="For one answer of where the copies lie.")
    backup_check_max_min: int = Field(30, ge=1, description="The longest that a trial restore may take.")
    restore_doubtful: Literal["hold", "send"] = Field(
        "hold", description="What may have been sent after the moment that was restored."
    )
