"""A conclusion of the text stands or falls with the recorded run."""

import json
from pathlib import Path

import nbformat
import pytest

from tools.build import run_notebook, stage
from tools.build.chapters import Chapter, ChapterError, list_chapters
from tools.build.digest import changes, parts_of, run_of

SENTENCE = "the first training makes fewer than 200 mistakes"
CODE = f"""from mnist_helpers import claim, full_run

full = full_run({{"chapter": "large_cnn", "dataset": dataset}})
claim(full.two_conv_cnn.test[0].wrong < 200, "{SENTENCE}")
print("goes on")"""


def write(path, *codes):
    cells = [nbformat.v4.new_markdown_cell("# 5. A chapter"), nbformat.v4.new_code_cell('dataset = "mini"')]
    cells[1].metadata["tags"] = ["parameters"]
    notebook = nbformat.v4.new_notebook(cells=[*cells, *(nbformat.v4.new_code_cell(code) for code in codes)])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, path)
    return Chapter(path)


def test_a_broken_record_stops_no_run_but_the_build_of_the_pages(copy):
    chapter = write(next(Path("notebooks").glob("*_large_cnn.ipynb")), CODE)
    output, record = Path("_build/runs/mini/large_cnn.ipynb"), Path("book/results/mnist.json")

    def run():
        assert run_notebook.main([str(chapter.path), str(output), "dataset=mini"]) == 0
        return run_of(output), nbformat.read(output, as_version=4).cells[-1].outputs[0].text

    facts, printed = run()
    assert facts["claims"] == [True]
    assert printed == "goes on\n"
    stage.refuse_broken_claims({chapter: facts})

    recorded = json.loads(record.read_text())
    recorded["results"]["two_conv_cnn"]["test"][0]["wrong"] = 200
    record.write_text(json.dumps(recorded))
    assert changes(facts["parts"], parts_of(chapter, {"dataset": "mini"}, output.parent)) == ["record of its own"]
    facts, printed = run()
    assert printed == f"This run says otherwise. The claim was: {SENTENCE}.\ngoes on\n"
    with pytest.raises(SystemExit, match=f"_large_cnn.ipynb: this no longer holds: {SENTENCE}"):
        stage.refuse_broken_claims({chapter: facts})


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("for x in (1, 2):\n    claim(x > 0, 'it is positive')", "a line of its own"),
        ("claim(full.a < full.b, sentence)", "write out the sentence"),
        ("claim(full.a < full.b)", "write out the sentence"),
        ("claim(1 < 2, 'one is smaller')", "no number stands behind the claim 'one is smaller'"),
        ("claim(True, 'so it is')", "no number stands behind the claim 'so it is'"),
    ],
)
def test_a_claim_is_one_line_with_a_number_and_a_sentence(tmp_path, code, message):
    with pytest.raises(ChapterError, match=message):
        write(tmp_path / "05_chapter.ipynb", code).claims  # noqa: B018


def test_every_claim_of_the_book_is_well_formed(root):
    for chapter in list_chapters(root / "notebooks"):
        assert all(sentence[-1] not in ".!?" for sentence in chapter.claims)
        recorded = [name for name in chapter.about.get("reads", []) if name.startswith("mnist")]
        assert not chapter.claims or chapter.reads_full_run or recorded
