"""Short texts that stand for arrays, settings and code, so that what was done with them can be found again."""

import ast
import hashlib
import json

import numpy as np


def digest_arrays(*arrays):
    """SHA-256 of arrays with their types and shapes."""
    digest = hashlib.sha256()
    for array in map(np.asarray, arrays):
        digest.update(f"{array.dtype} {array.shape}".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def digest_texts(parts):
    """32 hexadecimal digits that stand for a list of anything that has a text."""
    return hashlib.sha256(json.dumps([str(part) for part in parts]).encode()).hexdigest()[:32]


def normalise_code(text):
    """Python code in one spelling, without comments and docstrings: two texts that do the same look the same."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            if node.body and ast.get_docstring(node, clean=False) is not None:
                node.body = node.body[1:] or [ast.Pass()]
    return ast.unparse(tree)
