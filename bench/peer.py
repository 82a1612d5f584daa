"""`python -m bench.peer URL TOKEN`: a plain bot on python-telegram-bot, the usual way to build one.

It polls, asks Anthropic's own SDK with the message alone, and replies. It stores nothing.
"""

import logging
import sys

from anthropic import AsyncAnthropic
from telegram import Update
from telegram.ext import Application, ContextTypes, MessageHandler, filters

MODEL = "claude-sonnet-5-5"
MAX_TOKENS = 1024


def main(url: str, token: str) -> None:
    claude = AsyncAnthropic(api_key="sk-ant-simulated", base_url=url, max_retries=0)

    async def answer(update: Update, _context: ContextTypes.DEFAULT_TYPE) -> None:
        if update.message is None or update.message.text is None:
            return
        said = await claude.messages.create(
            model=MODEL,
            max_tokens=MAX_TOKENS,
            messages=[{"role": "user", "content": update.message.text}],
        )
        text = "".join(block.text for block in said.content if block.type == "text")
        await update.message.reply_text(text)

    application = Application.builder().token(token).base_url(f"{url}/bot").build()
    application.add_handler(MessageHandler(filters.TEXT, answer))
    application.run_polling()


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING)
    main(*sys.argv[1:3])
