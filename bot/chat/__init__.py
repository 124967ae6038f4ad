"""The only room that speaks Telegram."""

import os

# python-telegram-bot's coming way to say how long to wait; without it every 429 is a warning.
os.environ["PTB_TIMEDELTA"] = "true"
