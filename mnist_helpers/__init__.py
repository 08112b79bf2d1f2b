"""Helpers for the book *Reading Handwritten Digits*.

Importing this package loads nothing heavy: each public name is fetched from its module when it is
first used, so a page that only looks at images never waits for Keras. The names stand in ``__init__.pyi``.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
