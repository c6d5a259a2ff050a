"""The two pages of Swagger UI, each whole in one file, so that a browser asks no other host and nothing else here."""

import re
from base64 import b64encode
from pathlib import Path
from string import Template
from typing import Any

import msgspec

from .honest import CREDENTIALS

# The browser itself sees to it that nothing is loaded from elsewhere, whatever the bundle holds.
_POLICY = (
    "default-src 'self'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src 'self' data:; "
    "font-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'"
)
_PAGE = Template("""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="$policy">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<link rel="icon" type="image/png" href="data:image/png;base64,$icon">
<style>$style</style>
</head>
<body>
<div id="swagger-ui"></div>
<script>$script</script>
<script>
const ui = SwaggerUIBundle({
  dom_id: "#swagger-ui",
  spec: $document,
  validatorUrl: null,
  deepLinking: true,
  tryItOutEnabled: true,
  oauth2RedirectUrl: new URL("/oauth-receiver.html", location).href,
  onComplete: () => Object.entries($credentials).forEach(([name, value]) => ui.preauthorizeApiKey(name, value)),
});
</script>
</body>
</html>
""")


def swagger_page(document: dict[str, Any], unknown: tuple[str, ...] = ()) -> bytes:
    """Return Swagger UI with an OpenAPI document and the credentials of the seed `standard` filled in, but `unknown`."""
    files = _bundle()
    seeded = {name: seeded for name, (_, seeded) in CREDENTIALS.items() if name not in unknown}
    page = _PAGE.substitute(
        policy=_POLICY,
        title=document["info"]["title"],
        icon=b64encode((files / "favicon-32x32.png").read_bytes()).decode(),
        style=_inline(files / "index.css") + _inline(files / "swagger-ui.css"),
        script=_in_script(_inline(files / "swagger-ui-bundle.js")),
        # The packaged Swagger UI refuses to show a document that calls itself 3.1.
        document=_literal({**document, "openapi": "3.0.3"}),
        credentials=_literal(seeded),
    )
    return page.encode()


def oauth_page() -> bytes:
    """Return the page that hands the answer of an authorization server back to Swagger UI."""
    return (_bundle() / "oauth2-redirect.html").read_bytes()


def _bundle() -> Path:
    # Imported here, since few open the page and the start need not pay for it.
    from swagger_ui_bundle import swagger_ui_path  # type: ignore[import-untyped] # the package ships no types

    return Path(swagger_ui_path)


def _inline(file: Path) -> str:
    """Return a file's text without the line that names its source map, which nobody serves."""
    return re.sub(r"(?m)^(//|/\*)# sourceMappingURL=.*$", "", file.read_text("utf-8"))


def _literal(value: Any) -> str:
    return _in_script(msgspec.json.encode(value).decode())


def _in_script(text: str) -> str:
    """Return a script in which nothing can end or open a <script> element; < is the same in strings and patterns."""
    return re.sub(r"<(?=!--|/?script)", r"\\u003c", text, flags=re.IGNORECASE)
