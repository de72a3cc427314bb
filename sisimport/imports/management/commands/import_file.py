"""Run Test, Update or Import of a file from the command line, from start to finish, in this process."""

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from sisimport.files.issues import FileError, Severity, codes
from sisimport.files.workbooks import Converted, is_workbook
from sisimport.imports.definition.recognition import UnrecognisedFileError, recognise_type
from sisimport.imports.definition.registry import UnknownImportTypeError, all_types, get_type, look_again
from sisimport.imports.management.run_in_process import EXIT_REJECTED, exit_code, print_json, print_report, run_to_end
from sisimport.imports.models import ImportFile, ImportRun, RunStatus, Work
from sisimport.imports.runs.conversions import convert_workbook
from sisimport.imports.runs.returned_lines import take_in
from sisimport.imports.runs.services import start_run
from sisimport.imports.runs.uploads import RunRefusedError, keep_file, unpacked
from sisimport.imports.storage.files import open_file


class Command(BaseCommand):
    help = "Test, update or import a file. Exit code: 0 no errors, 1 record errors, 2 file rejected, 3 failed."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("type", metavar="TYPE", help="import type, or auto")
        parser.add_argument("file", metavar="FILE")
        parser.add_argument("--work", required=True, choices=[Work.TEST, Work.UPDATE, Work.IMPORT])
        parser.add_argument(
            "--test-run", type=int, help="the Test run to apply (default: the newest of exactly this file)"
        )
        parser.add_argument("--option", action="append", default=[], metavar="NAME=VALUE")
        parser.add_argument("--json", action="store_true", help="one JSON object on standard output")

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            run = self.start(options)
        except (RunRefusedError, UnrecognisedFileError, UnknownImportTypeError, FileError) as error:
            message = _reason(error)
            if options["json"]:
                print_json(refusal(message, options, _cause(error)))
            self.stderr.write(message)
            sys.exit(EXIT_REJECTED)
        run = run_to_end(run)
        print_report(run, as_json=options["json"])
        if run.message:
            self.stderr.write(run.message)
        if run.status == RunStatus.REJECTED:
            for cause in run.issues.values_list("code", flat=True).distinct():
                self.stderr.write(codes.get(cause).fix if cause in codes else "")
        code = exit_code(run)
        if code:
            sys.exit(code)

    def start(self, options: dict[str, Any]) -> ImportRun:
        path = Path(options["file"])
        if not path.is_file():
            raise RunRefusedError(f"There is no file {path.name}. Check its name and its folder.")
        given = dict(pair.partition("=")[::2] for pair in options["option"])
        excel = given.pop("excel", "")
        if excel not in {"", "convert"}:
            raise RunRefusedError("The option excel accepts one value: write excel=convert.")
        look_again()
        key = options["type"]
        converts = bool(excel) or (key != "auto" and get_type(key).converts_workbooks_by_default)
        with path.open("rb") as stream, unpacked(stream) as inner:
            workbook = is_workbook(inner.stream)
            file = take_in(inner.stream, user=None, may_correct=lambda _run: True) or keep_file(
                stream=inner.stream, name=path.name, user=None, member=inner.member, notices=inner.notices
            )
        if workbook and converts:
            file = self.convert(file)
        elif workbook and key == "auto":
            file = self.convert_if_usual(file)
        if key == "auto" and file.lines_of is not None:
            key = file.lines_of.import_type
        elif key == "auto":
            with open_file(file) as kept:
                key = recognise_type(kept).key
        test_run = None
        if options["test_run"]:
            test_run = ImportRun.objects.filter(
                pk=options["test_run"], file__sha256=file.sha256, import_type=key
            ).first()
            if test_run is None:
                raise RunRefusedError(
                    f"Run {options['test_run']} is not a Test of this file and type. Test the file first."
                )
        return start_run(
            file=file,
            import_type=key,
            work=Work(options["work"]),
            options=given,
            user=None,
            schools=None,
            test_run=test_run,
            enqueue=False,
        )

    def convert(self, workbook: ImportFile) -> ImportFile:
        """Convert the workbook to text and print the result. Raises RunRefusedError when it cannot be converted."""
        try:
            file, converted = convert_workbook(file=workbook, user=None)
        except FileError as error:
            raise RunRefusedError(_reason(error)) from error
        self.tell(workbook, converted)
        return file

    def convert_if_usual(self, workbook: ImportFile) -> ImportFile:
        """The text of the workbook if it is of a type that people keep as workbooks; else the workbook, which is then refused."""
        try:
            file, converted = convert_workbook(file=workbook, user=None)
            with open_file(file) as kept:
                kind = recognise_type(kept)
        except (FileError, UnrecognisedFileError):
            return workbook
        if not kind.converts_workbooks_by_default:
            return workbook
        self.tell(workbook, converted)
        return file

    def tell(self, workbook: ImportFile, converted: Converted) -> None:
        sheets = ", ".join(f"{s.name} ({s.rows:,} rows{f', {s.note}' if s.note else ''})" for s in converted.sheets)
        self.stderr.write(
            f"Converted {workbook.name}: {converted.rows:,} rows of {converted.columns} columns; sheets {sheets}."
        )
        for risk in converted.risks:
            self.stderr.write(risk)


def _reason(error: Exception) -> str:
    """Why no run was made, and what to do."""
    if isinstance(error, UnknownImportTypeError):
        return f"No import type is called {error}. Choose one of: {', '.join(sorted(t.key for t in all_types()))}."
    return f"{error} {error.fix}".strip() if isinstance(error, FileError) else str(error)


def _cause(error: Exception) -> FileError | None:
    """What is wrong with the file, if that is why no run was made."""
    if isinstance(error, UnrecognisedFileError):
        return error.error
    cause = error if isinstance(error, FileError) else error.__cause__
    return cause if isinstance(cause, FileError) else None


def refusal(message: str, options: dict[str, Any], cause: FileError | None = None) -> dict[str, Any]:
    """The contract's object for a run that was never made; an error in the file is an issue, as when a run finds it."""
    issue = cause and {
        "line": int(cause.params.get("line", 0) or 0),
        "severity": Severity.ERROR.label,
        "code": cause.code,
        "field": cause.field or "",
        "found": cause.found,
        "expected": cause.expected,
        "message": str(cause),
        "data": "",
    }
    counts = [
        "record_count",
        "import_count",
        "unchanged_count",
        "refused_count",
        "set_aside_count",
        "skipped_count",
        "error_count",
        "warning_count",
        "notice_count",
        "planned_count",
    ]
    return {
        "run": None,
        "type": options["type"],
        "work": options["work"],
        "status": "rejected",
        "reverted": None,
        "corrects": None,
        "file_name": Path(options["file"]).name,
        "layout": "",
        "mapping": None,
        "options": {},
        "district_options": [],
        **dict.fromkeys(counts, 0),
        "error_count": 1 if issue else 0,
        "message": message,
        "crash": None,
        "issues": [issue] if issue else [],
        "changes": [],
    }
