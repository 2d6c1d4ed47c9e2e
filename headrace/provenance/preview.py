"""The page that a person sees first: ``ro-crate-preview.html``.

The rocrate library writes one too, but it passes text on as HTML, and says neither what a file
is nor the licence.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from urllib.parse import quote

from headrace.provenance.crate import UNKNOWN_LICENCE, Contents
from headrace.provenance.folder import PackedFile

_STYLE = """
body { font: 16px/1.5 Georgia, serif; color: #222; max-width: 48rem; margin: 3rem auto;
       padding: 0 1rem; }
h1 { line-height: 1.2; } h2 { margin-top: 2rem; font-size: 1.2rem; }
dt { float: left; clear: left; width: 8rem; color: #666; } dd { margin-left: 8rem; }
table { border-collapse: collapse; font: 14px/1.4 system-ui, sans-serif; width: 100%; }
td { padding: .3rem .8rem .3rem 0; vertical-align: top; border-top: 1px solid #ddd;
     overflow-wrap: anywhere; }
td.n { text-align: right; white-space: nowrap; }
"""


def page(contents: Contents, methods: str) -> str:
    """The page as text: no script, and nothing from elsewhere.

    Parameters
    ----------
    contents : Contents
    methods : str
        What was done, in plain text; a blank line between paragraphs.
    """
    run = contents.run
    title = html.escape(contents.question)
    facts = {
        "Study": contents.study,
        "Run": run.id,
        "Date": run.ended.date().isoformat(),
        "Authors": ", ".join(a.name for a in contents.authors) or "not stated",
        "Licence": contents.licence or UNKNOWN_LICENCE,
    }
    told = "".join(f"<dt>{k}</dt><dd>{html.escape(v)}</dd>\n" for k, v in facts.items())
    prose = "".join(f"<p>{html.escape(part)}</p>\n" for part in methods.strip().split("\n\n"))
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>{_STYLE}</style>
</head>
<body>
<h1>{title}</h1>
<p>A replication package, described as an
<a href="https://www.researchobject.org/ro-crate/">RO-Crate</a> in
<a href="ro-crate-metadata.json">ro-crate-metadata.json</a>. How to run it again is in
<a href="README.md">README.md</a>.</p>
<dl>
{told}</dl>
<h2>How it was done</h2>
{prose}<h2>Results</h2>
{_table([f for f in contents.files if f.path.startswith("results/")])}
<h2>All else</h2>
{_table([f for f in contents.files if not f.path.startswith("results/")])}
</body>
</html>
"""


def _table(files: Sequence[PackedFile]) -> str:
    rows = "\n".join(
        f'<tr><td><a href="{html.escape(quote(f.path))}">{html.escape(f.path)}</a></td>'
        f'<td>{html.escape(f.description)}</td><td class="n">{f.bytes:,} bytes</td></tr>'
        for f in files
    )
    return f"<table>\n{rows}\n</table>" if rows else "<p>None.</p>"
