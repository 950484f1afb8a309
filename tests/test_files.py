"""Files that are whole or not there, and errors of one line."""

import json
import zipfile
from pathlib import Path

import pytest

from binpack.files import (
    FileError,
    check_archive,
    first_line,
    read_json,
    read_sealed,
    system_line,
    write_atomically,
    write_json,
    write_record,
    write_sealed,
)


def test_what_is_written_is_read_back_and_the_folder_is_made(tmp_path):
    path = tmp_path / "new" / "a.json"
    write_json(path, {"name": "상자", "n": 1})
    assert read_json(path) == {"name": "상자", "n": 1}
    assert [file.name for file in path.parent.iterdir()] == ["a.json"]


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "a.json"
    write_json(path, {"old": True})

    def fail(temporary):
        temporary.write_text("half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_atomically(path, fail)
    assert read_json(path) == {"old": True}
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="needs a folder where nobody can make a file")
def test_a_folder_that_takes_no_file_is_answered_with_the_name_that_was_asked_for():
    with pytest.raises(OSError) as error:
        write_json("/proc/self/packed.json", {})
    assert system_line(error.value).startswith("/proc/self/packed.json: ")


def test_a_record_has_a_line_for_each_part_and_each_row(tmp_path):
    path = tmp_path / "record.json"
    write_record(path, {"about": {"seed": 1}}, {"runs": [{"n": 1}, {"n": 2}], "none": []})
    assert json.loads(path.read_text()) == {"about": {"seed": 1}, "runs": [{"n": 1}, {"n": 2}], "none": []}
    assert path.read_text().splitlines()[1:5] == ['"about": {"seed": 1},', '"runs": [', '{"n": 1},', '{"n": 2}']


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no such file"),
        (b"{", r"not a run's config \(Expecting property name"),
        (b"[1]", r"not a run's config \(a JSON object is expected, not list\)"),
        (b"[" * 100_000, r"not a run's config \(too deeply nested\)"),
        (b"\xff\xfe", "not a run's config .*codec can't decode"),
    ],
)
def test_a_bad_file_is_answered_with_one_line(tmp_path, content, message):
    path = tmp_path / "config.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(FileError, match=message) as caught:
        read_json(path, "a run's config")
    assert str(caught.value).startswith(f"{path}: ") and "\n" not in str(caught.value)


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(FileError, match="Is a directory"):
        read_json(tmp_path)


def test_the_first_line_of_an_error():
    assert first_line(ValueError("a\nb")) == "a"
    assert first_line(ValueError()) == "ValueError"


def test_an_archive_that_would_fill_the_memory_is_refused_before_it_is_unpacked(tmp_path):
    path = tmp_path / "weights.pt"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data/0", bytes(64 * 2**20))
    with pytest.raises(FileError, match=r"^0.1 MiB that unpack to 64.0 MiB, no file that binpack wrote$"):
        check_archive(path)


def test_a_flipped_bit_of_what_an_archive_holds_is_found(tmp_path):
    path = tmp_path / "checkpoint.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data/0", b"number" * 50)
    check_archive(path)
    whole = path.read_bytes()
    start = whole.index(b"number")
    for place in range(start, start + 300, 7):
        spoilt = bytearray(whole)
        spoilt[place] ^= 1 << place % 8
        path.write_bytes(spoilt)
        with pytest.raises(
            FileError, match="damaged since it was written: the checksum of archive/data/0 does not fit"
        ):
            check_archive(path)
    for content in (b"", b"no archive", whole[:-5], whole[: len(whole) // 2]):
        path.write_bytes(content)
        with pytest.raises(FileError, match="no archive, or a damaged one: File is not a zip file"):
            check_archive(path)


def test_what_was_sealed_is_read_back_and_any_edit_is_found(tmp_path):
    path = tmp_path / "result.json"
    value = {"score": 0.5, "history": [(8, 0.25), (16, 0.5)], "name": "상자", "said": [{"kl": float("nan")}]}
    write_sealed(path, value)
    stored = read_sealed(path, "a result", "delete it")
    assert (stored["score"], stored["history"], stored["name"]) == (0.5, [[8, 0.25], [16, 0.5]], "상자")
    assert "checksum" not in stored
    whole = json.loads(path.read_text())
    path.write_text(json.dumps(dict(reversed(whole.items())), indent=7))  # said otherwise, it says the same
    assert read_sealed(path, "a result", "delete it")["score"] == 0.5
    for edit in ({"score": 0.9}, {"score": None}, {"history": []}, {"new": 1}, {"checksum": "0"}, {"checksum": 3}):
        path.write_text(json.dumps({**whole, **edit}))
        with pytest.raises(FileError, match=r"result.json: changed since it was written .*: restore it, or delete it$"):
            read_sealed(path, "a result", "delete it")
    write_json(path, {"score": 0.5})  # of an earlier version
    assert read_sealed(path, "a result", "delete it") == {"score": 0.5}
