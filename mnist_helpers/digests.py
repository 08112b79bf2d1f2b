"""Digests of arrays, settings and code, by which the results that were computed from them are found again."""

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
    """The first 32 hexadecimal digits of the SHA-256 of the list, each item converted by ``str``."""
    return hashlib.sha256(json.dumps([str(part) for part in parts]).encode()).hexdigest()[:32]


def normalise_code(text):
    """Python code in a canonical form, without comments and docstrings, so that layout does not change its digest."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            if node.body and ast.get_docstring(node, clean=False) is not None:
                node.body = node.body[1:] or [ast.Pass()]
    return ast.unparse(tree)
