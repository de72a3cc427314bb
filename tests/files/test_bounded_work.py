"""Files that look harmless and cost much are read, or refused, with work that grows no faster than they do.

Work is counted (names compared, characters parsed, bytes read, processor time of a process of its own), never timed by the clock.
"""

import io
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from sisimport.files import layout_matching, quoting
from sisimport.files.detection import recognise
from sisimport.files.issues import FileError
from sisimport.files.reader import Reader
from tests.files.samples import ALL_LAYOUTS, DOWNLOAD, ROSTER, line, read

ROOT = Path(__file__).parents[2]
NAMES = "lea,school,local_number,last_name,first_name,birth_date"
RECORD = "1234567,0123456,{},Lee,Sam,2010-05-06"


def test_half_a_million_blank_columns_beside_the_names_cost_no_look_each(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    normalise = layout_matching.normalise_header
    monkeypatch.setattr(layout_matching, "normalise_header", lambda name: seen.append(name) or normalise(name))
    text = f"{NAMES}{',' * 500_000}\n{RECORD.format(1)}\n"

    found = read(text, ROSTER)

    assert found.column("local_number") == ["1"]
    assert len(seen) < 100_000


def test_more_columns_than_any_file_has_are_refused_by_their_number() -> None:
    names = ",".join(f"column {n}" for n in range(2500))

    with pytest.raises(FileError) as refused:
        read(f"{NAMES},{names}\n", ROSTER)

    assert refused.value.code == "FILE-COLUMNS"
    assert "2,506 columns; expected at most 2,000" in str(refused.value)


def test_records_with_thousands_of_blank_cells_at_their_end_are_read() -> None:
    text = f"{NAMES}\n" + "".join(f"{RECORD.format(n)}{',' * 4000}\n" for n in range(500))

    assert len(read(text, ROSTER).rows) == 500


@pytest.mark.parametrize("rubbish", ["abc\n", '"a" "b,"c\n', 'x,"\n', ",,,,\n1,2\n"])
@pytest.mark.long
def test_a_file_of_which_nothing_can_be_read_is_refused_before_its_end(rubbish: str) -> None:
    text = f"{NAMES}\n{RECORD.format(1)}\n" + rubbish * 400_000
    stream = io.BytesIO(text.encode())
    reader = Reader(stream, recognise(stream, ALL_LAYOUTS, expected=ROSTER), ["local_number"])

    with pytest.raises(FileError) as refused:
        list(reader.blocks())

    assert refused.value.code == "FILE-MIXED"
    assert "lines are not records" in str(refused.value)
    assert reader.bytes_read < 500_000


def test_a_file_with_many_bad_lines_and_some_good_ones_is_read_to_its_end() -> None:
    text = f"{NAMES}\n" + "".join(f"{RECORD.format(n)}\n" + "abc\n" * 50 for n in range(300))

    assert len(read(text, ROSTER).rows) == 300 * 51


OPEN = {
    "one that is never closed": lambda n: [line(last_name='"Lee'), *[line(local_number=f"{i}") for i in range(n)]],
    "one on every line": lambda n: [line(last_name='"Lee', local_number=f"{i}") for i in range(n)],
    "one on every third line": lambda n: [line(last_name='"Lee' if i % 3 == 0 else "Lee") for i in range(n)],
}


@pytest.mark.parametrize("marks", OPEN)
@pytest.mark.long
def test_open_quotation_marks_cost_as_many_looks_as_there_are_lines(
    marks: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed: list[int] = []
    parse = quoting._read
    monkeypatch.setattr(quoting, "_read", lambda lines, d: parsed.append(sum(map(len, lines))) or parse(lines, d))

    def work(lines: int) -> int:
        parsed.clear()
        assert len(read("\n".join(OPEN[marks](lines)), DOWNLOAD).rows) >= lines
        return sum(parsed)

    few, many = work(6_000), work(24_000)
    assert many < 5 * few
    assert many < 30 * 24_000 * len(line())


_CHILD = """
import io, resource, sys, zipfile
resource.setrlimit(resource.RLIMIT_CPU, (int(sys.argv[2]), int(sys.argv[2])))
from sisimport.files.archives import unpack
from sisimport.files.detection import recognise
from sisimport.files.reader import Reader
from tests.files.samples import ALL_LAYOUTS, ROSTER
with open(sys.argv[1], "rb") as file:
    stream = unpack(file, max_bytes=1 << 31).stream
    reader = Reader(stream, recognise(stream, ALL_LAYOUTS, expected=ROSTER), ["local_number", "last_name", "birth_date"])
    for block in reader.blocks():
        pass
# Of this program alone: what getrusage says begins with the memory of the process that started it.
(most,) = (line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(reader.record_count, int(most.split()[1]) // 1024)
"""


@pytest.mark.parametrize("kind", ["good lines in a zip", "an open quotation mark"])
def test_tens_of_megabytes_are_read_within_a_fixed_time_of_the_processor_and_memory(tmp_path: Path, kind: str) -> None:
    path, records = tmp_path / "file", 500_000
    text = f"{NAMES}\n" + "".join(f"{RECORD.format(n)}\n" for n in range(records))
    if kind == "good lines in a zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            archive.writestr("file.csv", text)
    else:
        path.write_text(text.replace("Lee", '"Lee', 1))

    command = [sys.executable, "-c", _CHILD, str(path), "60"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)

    count, megabytes = map(int, done.stdout.split())
    assert count == records
    assert megabytes < 400
