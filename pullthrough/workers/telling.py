"""A worker's log goes to the owner's."""

from twisted.logger import (
    ILogObserver,
    LogEvent,
    LogLevel,
    eventAsText,
    globalLogBeginner,
)
from zope.interface import provider

from pullthrough.workers.control import Control


def tell_log(control: Control) -> None:
    """Tell the owner of warnings and worse."""

    @provider(ILogObserver)
    def observe(event: LogEvent) -> None:
        level: LogLevel = event.get("log_level", LogLevel.info)
        if level >= LogLevel.warn:
            text = eventAsText(event, includeTimestamp=False, includeSystem=False)
            control.tell("log", level.name, text)

    globalLogBeginner.beginLoggingTo([observe], redirectStandardIO=False)
