"""Which request does a response file answer? Found by its lines; a file that answers none is refused."""

from sisimport.files.reader import FileError
from sisimport.imports.definition.import_type import RunContext
from sisimport.imports.engine.sql import execute, fetch_all
from ssid.models import UtahFunction, UtahRequest
from students.models import LEA, StateProfile

# How many lines, spread over the file, are used to find the request it answers.
_SAMPLE = 2000


def written_years(spring: int) -> list[str]:
    """How a school year may be written in digits: 2025, 25, 20242025, 202425."""
    return [f"{spring}", f"{spring % 100:02}", f"{spring - 1}{spring}", f"{spring - 1}{spring % 100:02}"]


def find_request(context: RunContext) -> UtahRequest:
    """The request of this kind that shares most lines with the file: equal lines first, then lines of its school year, then
    students; among equals the newest.

    Raises FileError: LEA of another state, Verify, several kinds, the request file itself, no such request.
    """
    _settle_leas(context)
    function = _function()
    _refuse_request_file(context, function)
    springs = UtahRequest.objects.order_by().values_list("school_year", flat=True).distinct()
    years = [(spring, text) for spring in springs for text in written_years(spring)]
    found = fetch_all(
        """
        WITH sample AS (
          SELECT line, lea_id, local_number, file_line, school_year, last_name, first_name, birth_date FROM staged_utah_response
          WHERE lea_id IS NOT NULL ORDER BY hashint4(line) LIMIT %s)
        SELECT q.id, count(*) FILTER (WHERE t.file_line = s.line::text AND t.last_name = s.last_name
            AND t.first_name = s.first_name AND coalesce(t.birth_date, s.birth_date) = s.birth_date) AS equal,
          count(*) FILTER (WHERE (q.school_year, t.school_year) IN (SELECT * FROM unnest(%s::int[], %s::text[]))) AS of_year,
          count(*) AS shared
        FROM sample t
        JOIN students_student st ON st.lea_id = t.lea_id AND st.local_number = t.local_number
        JOIN ssid_utahrequeststudent s ON s.student_id = st.id
        JOIN ssid_utahrequest q ON q.id = s.request_id AND q.lea_id = t.lea_id
        WHERE q.function = ANY(%s) AND q.withdrawn_at IS NULL
        GROUP BY q.id ORDER BY equal DESC, of_year DESC, shared DESC, q.id DESC LIMIT 1
        """,
        [
            _SAMPLE,
            [spring for spring, _text in years],
            [text for _spring, text in years],
            [function] if function else ["R", "N", "U"],
        ],
    )
    if not found:
        kind = f"a {UtahFunction(function).label} request" if function else "a request"
        raise FileError(
            "UTAH-NO-REQUEST", found=f"{kind} made here", expected="the response to a request that was made here"
        )
    return UtahRequest.objects.get(pk=found[0][0])


def _settle_leas(context: RunContext) -> None:
    """Lines without LEA were given that of their student; all LEAs must be in Utah."""
    execute(
        "UPDATE staged_utah_response r SET state = l.state FROM students_lea l WHERE l.id = r.lea_id AND l.state <> r.state"
    )
    context.lea_ids |= {
        pk for (pk,) in fetch_all("SELECT DISTINCT lea_id FROM staged_utah_response WHERE lea_id IS NOT NULL")
    }
    leas = LEA.objects.filter(pk__in=context.lea_ids)
    if leas and not any(lea.state == StateProfile.UTAH for lea in leas):
        raise FileError("UTAH-PROFILE", found=", ".join(str(lea) for lea in leas), expected="an LEA in Utah")


def _function() -> str:
    """The request type of the lines; empty if the file has none. One kind per file (rule U-2); no Verify (rule U-5)."""
    kinds = sorted(
        kind for (kind,) in fetch_all("SELECT DISTINCT request_type FROM staged_utah_response WHERE request_type <> ''")
    )
    if kinds == [UtahFunction.VERIFY]:
        raise FileError("UTAH-VERIFY", found="Verify", expected="Retrieve, New or Update")
    if len(kinds) > 1:
        labels = ", ".join(UtahFunction(kind).label for kind in kinds)
        raise FileError("UTAH-MIXED", found=labels, expected="one kind per file")
    return kinds[0] if kinds else ""


def _refuse_request_file(context: RunContext, function: str) -> None:
    """Refuse a file without a Status column or any SSID: most likely it is the request itself."""
    positions = context.recognition.positions if context.recognition is not None else {}
    if "status" in positions:
        return
    gives = fetch_all("SELECT 1 FROM staged_utah_response WHERE ssid <> '' LIMIT 1")
    if not gives or function == UtahFunction.UPDATE:
        raise FileError(
            "UTAH-REQUEST-FILE",
            found="no Status column and no new SSIDs",
            expected="the state's answer for each student",
        )
