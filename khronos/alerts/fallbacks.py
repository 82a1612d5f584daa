"""Webhook and e-mail: for when Telegram cannot tell (khronos/alerts/means.py)."""

import json
import smtplib
import ssl
import time
import uuid
from email.message import EmailMessage
from ipaddress import ip_address
from typing import Any
from urllib.parse import unquote, urlsplit

from django.conf import settings

from khronos.alerts.means import Nobody
from khronos.alerts.words import News
from khronos.channels import callback
from khronos.channels.signature import SIGNATURE_HEADER, TIMESTAMP_HEADER, sign
from khronos.database import give_back
from khronos.exceptions import Permanent, Transient, Unauthorized

SMTP_STEP_S = 8.0  # servers let strangers wait; there are about ten steps
SUBMISSION_PORT, TLS_PORT = 587, 465


def by_webhook(news: News) -> None:
    """Signed as the web channel's callbacks are (docs/web-channel.md)."""
    if not settings.ALERT_WEBHOOK_URL:
        raise Nobody("ALERT_WEBHOOK_URL is not set")
    if not settings.ALERT_WEBHOOK_SECRET:
        raise Permanent("ALERT_WEBHOOK_SECRET is not set, so that nothing can be signed")
    body = json.dumps(payload(news)).encode()
    timestamp = str(int(time.time()))
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Khronos",
        TIMESTAMP_HEADER: timestamp,
        SIGNATURE_HEADER: sign(settings.ALERT_WEBHOOK_SECRET, timestamp, body),
    }
    give_back()
    allowed = settings.ALERT_WEBHOOK_PRIVATE_NETWORKS
    callback.judge(callback.post(settings.ALERT_WEBHOOK_URL, body, headers, allowed))


def payload(news: News) -> dict[str, Any]:
    return {
        "id": uuid.uuid4().hex,
        "type": "alert",
        "name": news.name,
        "level": news.level,
        "state": "over" if news.is_over else "open",
        "title": news.title,
        "text": news.text,
        "since": news.since.isoformat() if news.since else None,
        "count": news.count,
        "runbook": news.runbook,
        "url": news.url,
    }


def by_email(news: News) -> None:
    if not settings.ALERT_EMAIL_TO:
        raise Nobody("ALERT_EMAIL_TO is not set")
    if not settings.EMAIL_URL:
        raise Permanent("EMAIL_URL is not set, so that nothing can be sent to ALERT_EMAIL_TO")
    give_back()
    try:
        send(letter(news))
    except smtplib.SMTPAuthenticationError:
        raise Unauthorized("the mail server refuses our password") from None
    except smtplib.SMTPRecipientsRefused:
        raise Permanent("the mail server refuses the receivers") from None
    except (smtplib.SMTPException, OSError, ValueError) as error:
        # Its words may hold the password.
        raise Transient(f"the mail server: {type(error).__name__}") from None


def letter(news: News) -> EmailMessage:
    message = EmailMessage()
    user = unquote(urlsplit(settings.EMAIL_URL).username or "")
    message["From"] = settings.ALERT_EMAIL_FROM or (user if "@" in user else "khronos@localhost")
    message["To"] = ", ".join(settings.ALERT_EMAIL_TO)
    message["Subject"] = " ".join(f"[Khronos] {news.text.partition(chr(10))[0]}".split())
    message.set_content(news.text)
    return message


def send(message: EmailMessage) -> None:
    parts = urlsplit(settings.EMAIL_URL)
    host, user = parts.hostname or "", unquote(parts.username or "")
    if parts.scheme not in ("smtp", "smtps") or not host:
        raise Permanent("EMAIL_URL is not smtp://user:password@host:port")
    trust = ssl.create_default_context()
    server: smtplib.SMTP
    if parts.scheme == "smtps":
        server = smtplib.SMTP_SSL(host, parts.port or TLS_PORT, timeout=SMTP_STEP_S, context=trust)
    else:
        server = smtplib.SMTP(host, parts.port or SUBMISSION_PORT, timeout=SMTP_STEP_S)
    with server:
        server.ehlo()
        is_private = parts.scheme == "smtps" or is_here(host)
        if parts.scheme == "smtp" and server.has_extn("starttls"):
            server.starttls(context=trust)
            is_private = True
        if user and not is_private:
            raise Permanent("the mail server encrypts nothing: the password was not shown to it")
        if user:
            server.login(user, unquote(parts.password or ""))
        server.send_message(message)


def is_here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
