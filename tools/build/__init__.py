"""From notebooks to a published book."""
