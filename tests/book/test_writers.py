"""What a page says of people is what QMNIST says of them."""

import ast

from mnist_helpers import load_dataset, load_writers
from tools.build.chapters import list_chapters, python


def test_each_row_of_fours_is_by_one_person(root, qmnist_labels):
    (chapter,) = [c for c in list_chapters(root / "notebooks") if c.name == "k_fold_evaluation"]
    statements = [node for cell in chapter.code_cells for node in python(cell["source"]).body]
    (fours,) = [
        ast.literal_eval(node.value)
        for node in statements
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "fours"
    ]
    data, writers = load_dataset("mini"), load_writers("mini").train
    assert all(set(data.y_train[places]) == {4} for places in fours.values())
    people = [set(writers[places].tolist()) for places in fours.values()]
    assert [len(row) for row in people] == [1, 1, 1]
    assert len(set.union(*people)) == 3
