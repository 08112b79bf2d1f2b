"""The terms of the glossary, and links from the first bold use of each in a chapter."""

import re
from pathlib import Path

GLOSSARY = Path(__file__).parents[2] / "book/glossary.md"
BOLD = re.compile(r"\*\*([^*\n]+)\*\*")


def terms(text=None):
    """All terms as the glossary spells them; several in a row share one explanation."""
    lines = (text or GLOSSARY.read_text(encoding="utf-8")).split("```{glossary}\n")[1].splitlines()
    return [line for line in lines if line and not line.startswith((" ", "`"))]


def link(markdown, done, known=None):
    """Turn each bold term into a link to the glossary, except those in the set ``done``, which is extended."""
    spelled = {term.lower(): term for term in known or terms()}

    def replace(match):
        term = spelled.get(match[1].lower().removeprefix("the "))
        if term is None or term in done:
            return match[0]
        done.add(term)
        return f"**{{term}}`{match[1]} <{term}>`**"

    return BOLD.sub(replace, markdown)
