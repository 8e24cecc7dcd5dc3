"""The HTML document around the value that a page shows."""

import base64
import hashlib
import json
from importlib.resources import files
from pathlib import Path
from typing import Any

ECHARTS = "6.1.0"
"""The version of Apache ECharts in `echarts/`, as released: `dist/echarts.min.js`."""
ECHARTS_SHA256 = "b66b25aeb4df84e33199dc21694014d336d222cbd9deb0e5a7c14bd6aa0d0fd0"
GENERATOR = b'<meta name="generator" content="jaxad">'
_SCRIPTS = (
    "elements",
    "decisions",
    "tables",
    "charts",
    "histogram",
    "operating",
    "limits",
    "counts",
    "explorer",
    "gallery",
    "losses",
    "run",
    "grid",
    "tradeoff",
    "sweep",
    "main",
)


def to_html(value: dict[str, Any]) -> bytes:
    """The page of a value in JSON's types, as UTF-8.

    No string of the value is part of the markup: it is read as JSON, and reaches the
    document as text.
    """
    library, style = _file("echarts", "echarts.min.js"), _file("static", "page.css")
    own = "\n".join(_file("static", f"{name}.js") for name in _SCRIPTS)
    script = f'"use strict";\n(() => {{\n{own}}})();\n'
    policy = "; ".join(
        [
            "default-src 'none'",
            f"script-src {_digest(library)} {_digest(script)}",
            f"style-src {_digest(style)}",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
        ]
    )
    parts = {
        "POLICY": policy,
        "STYLE": style,
        "DATA": as_json(value),
        "LIBRARY": library,
        "SCRIPT": script,
    }
    page = _file("static", "page.html")
    for name, part in parts.items():
        # In turn, from a template whose marks no part holds before it is put in.
        before, mark, after = page.partition(f"<!--{name}-->")
        assert mark, name
        page = before + part + after
    return page.encode()


def as_json(value: Any) -> str:
    """JSON in ASCII that cannot end the element it stands in."""
    text = json.dumps(value, allow_nan=False, separators=(",", ":"))
    for sign in "<>&":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text


def is_page(path: Path) -> bool:
    """Whether a file begins as `to_html` does."""
    with path.open("rb") as file:
        return GENERATOR in file.read(1024)


def _file(folder: str, name: str) -> str:
    return (files("jaxad.report.page") / folder / name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return f"'sha256-{digest}'"
