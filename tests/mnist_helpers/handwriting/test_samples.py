"""The pictures that ship: every digit, and every difficulty that they are there for."""

from mnist_helpers import sample_pictures
from mnist_helpers.handwriting.samples import Sample

PLAIN = [sample for sample in sample_pictures() if sample.kind == "plain"]


def test_the_samples_cover_every_digit_and_every_difficulty():
    samples = sample_pictures()
    assert all(isinstance(sample, Sample) for sample in samples)
    assert {sample.label for sample in PLAIN} == set("0123456789")
    notes = " ".join(sample.note for sample in samples)
    for difficulty in ("hairline", "shadow", "corner", "lines", "white ink on black", "transparent", "EXIF", "rows"):
        assert difficulty in notes
    assert {sample.kind for sample in samples} == {"plain", "difficult", "number", "no digit"}
