"""What `make handwriting` counts, and what it says when the folder is not what it needs."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image

from mnist_helpers import NoDigitError, build_deep_cnn, read_digit, sample_pictures
from tools.measure import handwriting as measure

SAMPLES = {sample.path.rpartition("/")[2]: sample for sample in sample_pictures()}


def write_index(folder, rows, columns="path\tlabel\tsource\tkind"):
    text = "\n".join([columns, *("\t".join(row) for row in rows)]) + "\n"
    (folder / "index.tsv").write_text(text, encoding="utf-8")


@pytest.fixture
def folder(tmp_path):
    for name in ("shadow.jpg", "digit_7.jpg", "white_on_black.png"):
        shutil.copy(SAMPLES[name].path, tmp_path)
    Image.new("L", (90, 90), 255).save(tmp_path / "blank.png")
    (tmp_path / "broken.png").write_bytes(b"no picture")
    rows = [
        ("shadow.jpg", "2", "a", "photo"),
        ("digit_7.jpg", "1", "a", "photo"),  # it shows a 7
        ("white_on_black.png", "9", "b", "drawing"),
        ("blank.png", "0", "b", "drawing"),
        ("broken.png", "4", "c", "scan"),
    ]
    write_index(tmp_path, rows)
    return tmp_path


def test_what_is_read_rightly_is_counted_by_picture_source_and_kind(folder, monkeypatch, tmp_path):
    monkeypatch.setattr(measure, "SHEET", tmp_path / "out/misread.png")
    facts = measure.measure_own(measure.read_index(folder))
    assert (facts["pictures"], facts["right"], facts["read"], facts["right_of_read"]) == (5, 2, 3, 2)
    assert {name: counts["right"] for name, counts in facts["source"].items()} == {"a": 1, "b": 1, "c": 0}
    assert {name: counts["pictures"] for name, counts in facts["kind"].items()} == {"drawing": 2, "photo": 2, "scan": 1}
    assert (tmp_path / "out/misread.png").exists()


def test_pictures_that_had_no_part_in_any_choice_are_counted_apart_and_not_shown(folder, monkeypatch, tmp_path, capsys):
    sheet = tmp_path / "out/misread.png"
    monkeypatch.setattr(measure, "SHEET", sheet)
    known, new = measure.split_new(measure.read_index(folder), "b")
    assert ([row["source"] for row in known], [row["source"] for row in new]) == (["a", "a"], ["b", "b", "c"])
    assert measure.measure_own(new, show=False)["right"] == 1
    assert "blank.png" not in capsys.readouterr().out
    assert not sheet.exists()
    with pytest.raises(SystemExit, match="name a source in between"):
        measure.split_new(known, "z")


def test_another_network_is_compared_on_the_same_pictures(folder, tmp_path):
    weights = tmp_path / "untrained.weights.h5"
    untrained = build_deep_cnn()
    untrained.optimizer.build(untrained.trainable_variables)
    untrained.save_weights(weights)
    network, rows = measure.load_chapter_9(weights), measure.read_index(folder)
    facts = measure.compare_networks(network, rows)
    assert facts["pictures"] == 5
    assert facts["right"] + facts["only_shipped"] - facts["only_it"] == 2  # what the shipped network reads
    with pytest.raises(SystemExit, match="holds no weights of chapter 9's network"):
        measure.load_chapter_9(folder / "index.tsv")


def test_people_s_pictures_alone_leave_the_other_numbers_of_the_record(folder, monkeypatch, tmp_path):
    monkeypatch.setattr(measure, "SHEET", tmp_path / "out/misread.png")
    monkeypatch.setattr(measure, "RESULTS", tmp_path / "record.json")
    measure.RESULTS.write_text('{"speed": 1, "own": 2}')
    measure.main([str(folder), "--people", "--new-from", "b", "--record"])
    record = json.loads(measure.RESULTS.read_text())
    assert record["speed"] == 1
    assert (record["own"]["pictures"], record["new"]["pictures"]) == (2, 3)
    assert record["people"]["date"]


def test_a_blank_picture_is_read_as_nothing_not_as_a_nought():
    assert measure.likeliest_digit(read_digit(np.ones((50, 50)))) == -1
    assert measure.likeliest_digit(NoDigitError("holds no ink")) == -1
    assert measure.likeliest_digit(read_digit(SAMPLES["shadow.jpg"].path)) == 2


def test_a_folder_without_an_index_or_with_another_one_is_named(tmp_path):
    with pytest.raises(SystemExit, match=r"index.tsv: cannot be read: No such file"):
        measure.read_index(tmp_path)
    write_index(tmp_path, [("a.png", "3")], columns="path\tlabel")
    with pytest.raises(SystemExit, match="has no column kind, source"):
        measure.read_index(tmp_path)
    write_index(tmp_path, [("a.png", "12", "s", "photo")])
    with pytest.raises(SystemExit, match="lists no picture of one digit"):
        measure.main([str(tmp_path)])
    write_index(tmp_path, [("a.png", "3", "s", "photo"), ("b.png", "4")])
    with pytest.raises(SystemExit, match="row 3 has too few columns"):
        measure.read_index(tmp_path)
    (tmp_path / "index.tsv").write_bytes(b"path\tlabel\tsource\tkind\n\xff.png\t3\ts\tphoto\n")
    with pytest.raises(SystemExit, match="is no table in UTF-8"):
        measure.read_index(tmp_path)


def test_a_number_is_written_row_by_row_with_a_mark_for_what_cannot_be_told():
    from types import SimpleNamespace as Reading

    readings = [Reading(digit=4, row=0), Reading(digit=None, row=0), Reading(digit=7, row=2)]
    assert measure.write_number(readings) == "4?-7"


@pytest.mark.parametrize(("platform", "resident"), [("linux", 512 * 1024), ("darwin", 512 * 1024**2)])
def test_memory_is_counted_in_the_units_of_the_system(monkeypatch, platform, resident):
    """getrusage(2): ``ru_maxrss`` is in kilobytes on Linux, and in bytes on macOS."""
    monkeypatch.setattr("sys.platform", platform)
    assert measure.megabytes(resident) == 512


def test_the_memory_of_the_command_is_that_of_a_program_with_a_network():
    seconds, memory = measure.timed([SAMPLES["shadow.jpg"].path])
    assert seconds > 0
    assert 100 < memory < 20_000


def test_hostile_input_raises_nothing_but_our_errors():
    facts = measure.measure_hostile(200)
    assert facts["other_errors"] == 0
    assert facts["read"] > 10
    assert facts["refused"] > 50
    assert facts["slowest"] < 2
