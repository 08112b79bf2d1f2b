"""A folder of pictures becomes images and labels, or an error that names every file that is in the way."""

import numpy as np
import pytest
from PIL import Image

from mnist_helpers import DatasetError, load_image_folder, prepare_digit, sample_pictures

PLAIN = [sample for sample in sample_pictures() if sample.kind == "plain"]


def fill(folder, classes):
    for name in classes:
        (folder / name).mkdir()
        Image.open(PLAIN[7].path).save(folder / name / "a.png")
    return folder


def test_each_picture_is_prepared_and_labelled_by_its_folder(tmp_path):
    for sample in PLAIN:
        place = tmp_path / sample.label
        place.mkdir(exist_ok=True)
        (place / sample.path.rpartition("/")[2]).write_bytes(open(sample.path, "rb").read())
    found = load_image_folder(tmp_path)
    assert found.classes == list("0123456789")
    assert [str(label) for label in found.labels] == [path.parent.name for path in found.files]
    assert found.images.shape == (len(PLAIN), 28, 28)
    assert found.images.dtype == np.uint8
    np.testing.assert_array_equal(found.images[0], prepare_digit(found.files[0]).image)
    counts = np.unique([sample.label for sample in PLAIN], return_counts=True)[1]
    assert repr(found) == (
        f"ImageFolder of {len(PLAIN)} pictures in {len(counts)} classes, {min(counts)} to {max(counts)} each"
    )


def test_numbers_are_labels_and_sorted_as_numbers(tmp_path):
    found = load_image_folder(fill(tmp_path, ["10", "9", "3"]))
    assert found.labels.tolist() == [3, 9, 10]
    assert found.classes[9:] == ["9", "10"]


def test_other_names_are_counted_in_the_order_of_the_alphabet(tmp_path):
    found = load_image_folder(fill(tmp_path, ["b", "a", "c"]))
    assert found.labels.tolist() == [0, 1, 2]
    assert found.classes == ["a", "b", "c"]


def test_a_preparation_of_ones_own_keeps_colour_and_size(tmp_path):
    def in_colour(path):
        with Image.open(path) as picture:
            return np.asarray(picture.convert("RGB").resize((40, 30)))

    assert load_image_folder(fill(tmp_path, "ab"), prepare=in_colour).images.shape == (2, 30, 40, 3)


def test_hidden_files_and_folders_are_left_alone(tmp_path):
    fill(tmp_path, ["0", "1", ".cache"])
    (tmp_path / "0" / ".DS_Store").write_bytes(b"")
    (tmp_path / "readme.txt").write_text("about these pictures")
    assert len(load_image_folder(tmp_path).files) == 2


def test_all_faults_are_named_at_once(tmp_path):
    fill(tmp_path, ["0", "1", "2"])
    (tmp_path / "0" / "notes.txt").write_text("these are noughts")
    Image.new("L", (90, 90), 255).save(tmp_path / "1" / "blank.png")
    (tmp_path / "2" / "a.png").unlink()
    with pytest.raises(DatasetError) as caught:
        load_image_folder(tmp_path)
    lines = str(caught.value).splitlines()
    assert lines[0].endswith("3 faults. Mend what is named, or move it elsewhere:")
    assert [line.removeprefix(str(tmp_path)).partition(": ")[0] for line in lines[1:]] == [
        "/0/notes.txt",
        "/1/blank.png",
        "/2",
    ]
    assert "is none of BMP" in lines[1]
    assert "holds no ink" in lines[2]
    assert "is empty" in lines[3]


@pytest.mark.parametrize(
    ("number", "message"),
    [
        (1, r": 1 fault\. .*(\n/.*){1}$"),
        (20, r"20 faults.*(\n/.*){20}$"),
        (21, r"21 faults.*(\n/.*){20}\n… and 1 more$"),
    ],
)
def test_after_twenty_faults_the_others_are_counted(tmp_path, number, message):
    fill(tmp_path, "01")
    for i in range(number):
        (tmp_path / "0" / f"{i:03}.txt").write_text("no picture")
    with pytest.raises(DatasetError, match=message):
        load_image_folder(tmp_path)


def test_pictures_of_unequal_shapes_are_named(tmp_path):
    fill(tmp_path, "01")
    Image.new("L", (7, 5)).save(tmp_path / "1" / "a.png")
    with pytest.raises(DatasetError, match=r"1/a.png: became \(5, 7\), but .*0/a.png became \(520, 520\)"):
        load_image_folder(tmp_path, prepare=lambda path: np.asarray(Image.open(path).convert("L")))


@pytest.mark.parametrize(
    ("classes", "message"),
    [([], "two or more classes in it, found none"), (["1"], r"found \['1'\]"), (["1", "01"], "the same number: 01, 1")],
)
def test_folders_that_are_no_classes_are_refused(tmp_path, classes, message):
    with pytest.raises(DatasetError, match=message):
        load_image_folder(fill(tmp_path, classes))
    with pytest.raises(DatasetError, match="no such folder"):
        load_image_folder(tmp_path / "elsewhere")


def test_links_are_followed_within_the_folder_alone(tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    Image.open(PLAIN[3].path).save(outside / "secret.png")
    folder = tmp_path / "digits"
    folder.mkdir()
    fill(folder, ["0", "1"])
    (folder / "1" / "b.png").symlink_to("../0/a.png")
    assert len(load_image_folder(folder).files) == 3
    (folder / "1" / "c.png").symlink_to(outside / "secret.png")
    (folder / "1" / "d.png").write_bytes(b"no picture")
    (folder / "2").symlink_to(outside, target_is_directory=True)
    (folder / "3").mkdir()
    with pytest.raises(DatasetError) as error:
        load_image_folder(folder)
    for name in ("1/c.png", "2"):
        assert f"{folder / name}: is a link that leads out of the folder" in str(error.value)
    assert f"{folder / '1/d.png'}: is none of BMP" in str(error.value)
    assert str(error.value).count("d.png") == 1
    assert f"{folder / '3'}: is empty" in str(error.value)
    # The folder itself may be a link: whoever names it means what it leads to.
    (folder / "1" / "c.png").unlink()
    (folder / "1" / "d.png").unlink()
    (folder / "2").unlink()
    (folder / "3").rmdir()
    (tmp_path / "shortcut").symlink_to(folder, target_is_directory=True)
    assert len(load_image_folder(tmp_path / "shortcut").files) == 3


@pytest.mark.parametrize("kind", [ValueError, OSError])
def test_a_fault_of_ones_own_preparation_names_the_file(tmp_path, kind):
    def refuse(path):
        raise kind("too dark")

    with pytest.raises(DatasetError) as error:
        load_image_folder(fill(tmp_path, "01"), prepare=refuse)
    assert f"{tmp_path / '0/a.png'}: too dark\n{tmp_path / '1/a.png'}: too dark" in str(error.value)


def test_a_number_too_large_for_a_label_is_refused(tmp_path):
    assert len(load_image_folder(fill(tmp_path, ["1", "9999"])).classes) == 10_000
    with pytest.raises(DatasetError, match="10000 is too large for a label"):
        load_image_folder(fill(tmp_path, ["10000"]))


def test_a_class_that_is_locked_is_named(locked_out):
    folder, as_nobody = locked_out
    fill(folder, "01")
    (folder / "1").chmod(0)
    with as_nobody(), pytest.raises(DatasetError, match="1: cannot be looked into: Permission denied"):
        load_image_folder(folder)
    (folder / "1").chmod(0o700)
