"""Sphinx extension: pages that need no script from elsewhere.

Formulas become MathML while the book is built, and the scripts of Thebe, which this book does not use and which would
load from a content delivery network, are left out.
"""

from docutils.nodes import SkipNode
from latex2mathml.converter import convert
from sphinx.util.math import get_node_equation_number


def visit_inline(translator, node):
    translator.body.append(convert(node.astext()))
    raise SkipNode


def visit_block(translator, node):
    translator.body.append(translator.starttag(node, "div", CLASS="math"))
    if node["number"]:
        translator.body.append(f'<span class="eqno">({get_node_equation_number(translator, node)})</span>')
    translator.body.append(f"{convert(node.astext(), display='block')}</div>\n")
    raise SkipNode


def drop_thebe(app, page, template, context, doctree):
    context["script_files"] = [script for script in context.get("script_files", []) if not is_thebes(script)]


def is_thebes(script):
    return "thebe" in str(script.filename).lower() or "thebe" in script.attributes.get("body", "").lower()


def setup(app):
    app.add_html_math_renderer("mathml", (visit_inline, None), (visit_block, None))
    app.connect("html-page-context", drop_thebe, priority=900)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
