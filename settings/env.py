"""What the environment says, typed. Names are a contract; a wrong value names its fix.

Read in this order, the first one wins: the process's environment, `.env` beside manage.py,
and what `make up` wrote under KHRONOS_HOME (secrets it made, inner ports it chose).
"""

from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, Field, ValidationError, field_validator

from khronos.exceptions import Misconfigured
from settings.dotenv import ROOT, merged
from settings.networks import Networks


class Environment(BaseModel):
    khronos_home: Path = Field(Path("var"), description="Where all state lives.")
    port: int | None = Field(None, ge=1, le=65535, description="Of the web server; default 18789.")
    flower_port: int | None = Field(None, ge=1, le=65535, description="Of Flower; default 5555.")
    khronos_host: str = Field("127.0.0.1", description="Address that the web server listens on.")
    public_url: str = Field("", description="Address under which the world reaches this server.")
    allowed_hosts: str = Field("", description="More host names that are answered to, with commas between.")
    secret_key: str = Field("", description="Signs sessions; made at the first start.")
    khronos_debug: bool = Field(False, description="Django's debug pages; never on a public server.")

    database_url: str = Field("", description="postgresql://…; empty: SQLite under KHRONOS_HOME.")
    redis_url: str = Field("", description="redis://…; empty: an embedded Valkey.")
    celery_broker_url: str = Field("", description="redis://… or amqp://…; empty: REDIS_URL.")

    telegram_bot_token: str = Field("", description="From @BotFather; makes the channel `default`.")
    telegram_webhook_secret: str = Field("", description="Made at the first start when empty.")
    telegram_api_url: str = Field("https://api.telegram.org", description="Base address of the Bot API.")
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
    telegram_delivery_mode: Literal["send", "edit"] = Field("send", description="How answers are sent.")

    web_callback_private_networks: Networks = Field(
        [], description="Where sites that answers are posted to may lie all the same; commas between."
    )
    tool_private_networks: Networks = Field(
        [], description="Where services that are tools may lie all the same; commas between."
    )

    triage: Literal["model", "rules"] = Field(
        "model", description="Who decides where a channel's routing is triage; rules cost nothing."
    )

    anthropic_api_key: str = ""
    anthropic_base_url: str = "https://api.anthropic.com"
    anthropic_model: str = "claude-sonnet-5-5"
    openai_api_key: str = ""
    openai_base_url: str = "https://api.openai.com/v1"
    openai_model: str = "gpt-5-mini"
    provider_order: str = Field(
        "", description="Who is asked first, with commas; empty: anthropic, openai, then those laid beside."
    )
    extensions: str = Field(
        "", description="Packages with channels, tools and more, installed beside Khronos; commas between."
    )

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
    media_max_mb: int = Field(20, ge=1, le=2000, description="A file that a contact sends may have so much.")
    web_files_max_mb: int = Field(
        5, ge=1, le=50, description="The files of one message of the web channel or the chat page together."
    )
    media_kept_days: int = Field(30, ge=1, description="How long its bytes are kept; the text in it stays.")

    embeddings: str = Field("local", description="Who says what a text means: local, openai, or one beside.")
    embeddings_model: str = Field("text-embedding-3-small", description="With EMBEDDINGS=openai.")
    embeddings_at_once: int = Field(10, ge=1, le=100, description="Documents that are read at the same time.")
    knowledge_file_max_mb: int = Field(25, ge=1, le=200, description="A document that is larger is refused.")
    khronos_example: bool = Field(True, description="The first start puts in a shop to ask about.")
    knowledge_fresh_days: int = Field(7, ge=1, description="Pages are fetched again after so long.")
    knowledge_urls: str = Field(
        "", description="Hosts that documents may be fetched from, such as *.example.com; commas between."
    )
    knowledge_private_networks: Networks = Field(
        [], description="Where those hosts may lie all the same; commas between."
    )
    embedder_port: int | None = Field(
        None,
        ge=1,
        le=65535,
        description="Of the process that holds the local model; chosen at the first start.",
    )
    embedder_url: str = Field("", description="Where that process is on another machine.")
    model_prices: dict[str, tuple[str, ...]] = Field(
        {}, description="US dollars per million tokens, in and out: my-model=0.5/1.5, with commas between."
    )
    monthly_budget: Decimal = Field(
        Decimal(0),
        ge=0,
        description="US dollars a month for models, of a tenant without its own; 0: no limit.",
    )
    usage_kept_days: int = Field(400, ge=62, description="How long single calls are kept; their sums stay.")

    agent_processes: int = Field(1, ge=1, le=64, description="Agent processes that `make up` starts.")
    agent_threads: int = Field(
        48, ge=1, le=1000, description="Answers one agent process thinks about at once."
    )
    anthropic_requests_per_minute: int = Field(50, ge=0, description="Of all processes; 0: no limit.")
    anthropic_concurrency: int = Field(3, ge=0, description="Calls at once, of all processes; 0: no limit.")
    openai_requests_per_minute: int = Field(500, ge=0, description="As for Anthropic.")
    openai_concurrency: int = Field(20, ge=0, description="As for Anthropic.")
    telegram_spacing_ms: int = Field(35, ge=0, description="Between two messages of one bot.")
    telegram_per_second: int = Field(30, ge=0, description="Messages of one bot in any second.")
    telegram_chat_spacing_ms: int = Field(1000, ge=0, description="Between two messages to one chat.")
    telegram_group_per_minute: int = Field(20, ge=0, description="Messages to one group in any minute.")
    contact_messages_per_minute: int = Field(
        20, ge=0, description="Of one contact; what is more is answered later, after one polite notice."
    )
    address_requests_per_minute: int = Field(
        120, ge=0, description="Of one IP address to the chat page; then 429."
    )
    address_files_per_minute: int = Field(
        10, ge=0, description="Messages with files of one IP address to the chat page; then 429."
    )
    wrong_secrets_per_minute: int = Field(
        300, ge=0, description="Requests with a wrong secret from one IP address; then 429."
    )
    trusted_proxies: int = Field(
        0, ge=0, description="Proxies of ours before the web server, whose X-Forwarded-For is believed."
    )
    anthropic_timeout_s: float = Field(30, gt=0, description="The longest that one call may take.")
    openai_timeout_s: float = Field(10, gt=0, description="As for Anthropic.")
    telegram_timeout_s: float = Field(5, gt=0, description="The longest that Telegram may take to answer.")
    anthropic_breaker_rest_s: float = Field(60, gt=0, description="An open breaker tries again after this.")
    openai_breaker_rest_s: float = Field(30, gt=0, description="An open breaker tries again after this.")
    telegram_breaker_rest_s: float = Field(30, gt=0, description="An open breaker tries again after this.")
    database_breaker_rest_s: float = Field(5, gt=0, description="An open breaker tries again after this.")

    turn_lease_s: float = Field(30, ge=3, description="A dead worker's turn is free again after this.")
    delivery_lease_s: float = Field(30, ge=15, description="As for a turn; above any call to a channel.")
    lock_ttl_s: float = Field(30, ge=3, description="A dead worker's conversation is free again after this.")
    updates_kept_days: int = Field(30, ge=1, description="How long the bytes of dispatched updates are kept.")
    database_pool_min: int = Field(
        2, ge=0, description="PostgreSQL connections that each process keeps open; SQLite has none."
    )
    database_pool_max: int = Field(10, ge=1, description="The most that each process opens.")
    web_threads: int = Field(16, ge=1, le=256, description="Requests the web server works on at once.")
    max_memory_mb: int = Field(500, ge=64, description="A process above this is restarted.")
    restart_apart_s: float = Field(4.0, ge=0, description="Seconds from one start of a process to its next.")
    failed_start_s: float = Field(10.0, ge=0, description="A process that lives shorter did not start.")
    failed_starts_max: int = Field(10, ge=1, description="Failed starts in a row; then it is given up.")
    silence_s: float = Field(60.0, ge=5, description="A process that is silent for so long is restarted.")
    hard_stop_s: float = Field(30.0, ge=1, description="What has not stopped by then is killed.")
    khronos_crash_at: str = Field(
        "", description="For tests alone: a process kills itself at this point (docs/chaos.md)."
    )
    khronos_environment: str = Field("", description="Named in logs and errors; empty: the settings' name.")
    sentry_dsn: str = Field("", description="Where errors are reported; empty: nowhere.")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] = "INFO"
    metrics_token: str = Field("", description="Admits to the operator's addresses as a bearer token.")
    metrics_port: int | None = Field(
        None, ge=1, le=65535, description="Serves /metrics where no web server is beside it; on KHRONOS_HOST."
    )
    observability: bool = Field(True, description="Counting, and a log line for each step of a message.")
    flower_password: str = Field("", description="Of Flower's user `khronos`; made at the first start.")
    flower_read_only: bool = Field(True, description="Flower shows, and changes nothing.")
    litestream_replica_url: str = Field("", description="s3://…; empty: a folder under KHRONOS_HOME.")
    litestream_sync_s: float = Field(10, ge=0.5, description="What is newer may be lost with the disk.")
    litestream_snapshot_h: int = Field(24, ge=1, description="Between two whole copies.")
    backup_dump_min: float = Field(60, gt=0, description="Between two dumps of PostgreSQL.")
    backup_journal: bool = Field(
        False, description="PostgreSQL's journal is received too, so that any moment can be restored."
    )
    postgresql_bin: str = Field(
        "", description="Folder of pg_dump and its like; empty: PATH, then /usr/lib/postgresql."
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

    @field_validator("model_prices", mode="before")
    @classmethod
    def prices(cls, text: object) -> object:
        """From two to four numbers each: in, out, read from a cache, written to one."""
        if not isinstance(text, str):
            return text
        pairs = [pair.partition("=") for pair in text.split(",") if pair.strip()]
        prices = {name.strip(): tuple(price.strip().split("/")) for name, _, price in pairs}
        for name, price in prices.items():
            if not name or not 2 <= len(price) <= 4 or not all(is_price(number) for number in price):
                raise ValueError(f"{name or text} has no price such as my-model=0.5/1.5")
        return prices

    @property
    def home(self) -> Path:
        """KHRONOS_HOME, from the checkout where it is relative."""
        return ROOT / self.khronos_home


def is_price(number: str) -> bool:
    return number.replace(".", "", 1).isdecimal()


def load() -> Environment:
    known = {name: value for name, value in lower(merged()) if name in Environment.model_fields}
    try:
        return Environment(**known)  # type: ignore[arg-type]
    except ValidationError as error:
        raise Misconfigured(explain(error)) from None


def lower(pairs: dict[str, str]) -> list[tuple[str, str]]:
    return [(name.lower(), value) for name, value in pairs.items() if name.isupper()]


def explain(error: ValidationError, prefix: str = "") -> str:
    def line(problem: Any) -> str:
        name = prefix + str(problem["loc"][0]).upper()
        what = f"{name} is {problem['input']!r}: {problem['msg']}."
        return f"{what}\n  Fix: correct {name} in the environment or in .env."

    return "\n❌ ".join(line(problem) for problem in error.errors())


env = load()
