"""Structured logs on stderr: a dotted constant event, then key/values. Never a prompt, an answer or a key."""

import logging
import sys
from typing import Literal

import structlog
from structlog.typing import FilteringBoundLogger


def configure(service: str, level: str = "info", form: Literal["json", "console"] = "json") -> None:
    """Sets up logging for this process, that of libraries included. `request_id` is bound by the surfaces."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    renderer: list[structlog.typing.Processor] = (
        [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
        if form == "json"
        # Its own choice of formatter shows the local variables of every frame: keys and prompts among them.
        else [
            structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback)
        ]
    )
    threshold = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[*shared, *renderer],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(service=service)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=[
        structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderer]))  # fmt: skip
    logging.basicConfig(level=max(threshold, logging.WARNING), handlers=[handler], force=True)


def get_logger() -> FilteringBoundLogger:
    """The logger, with what is bound in this context."""
    logger: FilteringBoundLogger = structlog.get_logger()
    return logger


def bind_request(request_id: str) -> None:
    """Puts the request id on every line this context logs from here on."""
    structlog.contextvars.bind_contextvars(request_id=request_id)
