"""Templates to HTML. What is filled in is escaped; a name a template uses and nobody gave is an error."""

from pathlib import Path

import jinja2
from starlette.responses import HTMLResponse

_TEMPLATES = Path(__file__).with_name("templates")


class Pages:
    """The templates of the console."""

    def __init__(self) -> None:
        self._templates = jinja2.Environment(
            loader=jinja2.FileSystemLoader(_TEMPLATES),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def render(self, template: str, status: int = 200, **values: object) -> HTMLResponse:
        """The page made of a template."""
        return HTMLResponse(self._templates.get_template(template).render(values), status)
