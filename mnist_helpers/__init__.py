"""Helpers for the book *Reading Handwritten Digits*.

Importing this package imports no other library but ``lazy_loader``: each public name is imported from its module when
it is first used, so a page that only shows images does not import Keras. ``__init__.pyi`` lists the names.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
