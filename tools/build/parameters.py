"""The parameters cell of a notebook: plain assignments, each with a comment, that a build gives other values."""

import ast
import json


def assigned_names(code):
    """The names that plain assignments in ``code`` set, each with the lines it stands on."""
    return {
        statement.targets[0].id: (statement.lineno, statement.end_lineno)
        for statement in ast.parse(code).body
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name)
    }


def write_parameters(code, parameters):
    """Put the values that are used into the parameters cell, and keep its comments."""
    lines = code.splitlines()
    for name, (first, last) in sorted(assigned_names(code).items(), key=lambda item: -item[1][0]):
        if name in parameters:
            _, hash_sign, comment = lines[last - 1].partition("  #")
            value = parameters[name]
            text = json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)
            lines[first - 1 : last] = [f"{name} = {text}{hash_sign}{comment}"]
    return "\n".join(lines)
