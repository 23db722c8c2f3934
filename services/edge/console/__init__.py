"""The web console: pages made on the server, style and icon of its own, nothing from elsewhere.

`views/` has one module a page, `templates/` their HTML, `static/` what browsers fetch beside it.
"""
