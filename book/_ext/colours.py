"""Sphinx extension: the pages' pictures get the colour that the figures have."""

from mnist_helpers.colours import BLUE


def colour_cards(app, config):
    """The pictures that are shown where a link to a page is shared."""
    config.ogp_social_cards = (config.ogp_social_cards or {}) | {"line_color": BLUE}


def setup(app):
    app.connect("config-inited", colour_cards)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
