"""What this app adds to shared pages: scores on the student page, distributions on a run's page."""

import io
from typing import Any

from django.http import HttpRequest

from assessments.pages.family_card import family_card
from assessments.pages.queries import distributions, shown_tests, student_scores
from assessments.pages.side_by_side import grid_of
from assessments.research.files import ResearchFile
from assessments.scores.import_type import ScoreImport
from sisimport.accounts.access import Capability, visible_runs, works_for_all_districts
from sisimport.files.layouts import Layout
from sisimport.imports.definition.import_type import ImportType
from sisimport.imports.models import ImportRun, RunStatus, Work
from sisimport.web.help import samples
from sisimport.web.help.articles import Article, register_article
from sisimport.web.navigation import IMPORT, RESULTS, Entry, register
from sisimport.web.panels import FAMILY, RUN, STUDENT, Panel, register_panel
from sisimport.web.queries.report import Reader
from students.models import Student


def _scores(request: HttpRequest, student: Student) -> dict[str, Any] | None:
    """`files`: run -> name of its file, for runs that the reader may open."""
    scores = student_scores(student)
    if not scores:
        return None
    runs = visible_runs(request.user).filter(pk__in={score.run_id for score in scores if score.run_id})
    files = dict(runs.values_list("pk", "file__name"))
    return {"tests": shown_tests(scores), "grid": grid_of(scores), "files": files}


def _run_scores(request: HttpRequest, run: ImportRun) -> dict[str, Any] | None:
    if run.status != RunStatus.COMPLETED or run.work == Work.REVERT or "score_counts" not in run.facts:
        return None
    if not Reader.of(request.user, run).whole:
        return None  # the spread of a grade would reveal data of other schools' students
    return {
        "counts": run.facts["score_counts"],
        "distributions": distributions(run.facts),
        "planned": run.work == Work.TEST,
        "set_aside": run.set_aside_count,
    }


def _sample_scores(import_type: ImportType, layout: Layout, people: list[samples.Person]) -> str | None:
    """A sample file of a score layout: a row for each test that suits the person."""
    if not isinstance(import_type, ScoreImport):
        return None
    from assessments.demo.score_files import Person, write_scores  # from the demo, imported only on request

    written = io.StringIO()
    persons = [Person(p.ssid, p.local_number, p.last_name, p.first_name, p.birth_date, p.grade) for p in people]
    write_scores(written, layout, persons, one_each=True)
    return written.getvalue()


def _sample_results(import_type: ImportType, layout: Layout, people: list[samples.Person]) -> str | None:
    """A sample of a research file: about these people's district and school, not about them."""
    if not isinstance(import_type, ResearchFile):
        return None
    from assessments.demo.research_files import places_of, sample_lines

    school = people[0]
    places = places_of(school.lea, "Lincoln Unified", [(school.school, "Cedar Grove Elementary")])
    return "".join(f"{line}\n" for line in sample_lines(layout, places))


samples.register_sample_writer(_sample_results)
samples.register_sample_writer(_sample_scores)
register_article(
    Article(
        title="What a new test set-up contains",
        lead="Test by test: what an import of scores creates where no set-up is on record.",
        url_name="setup_article",
        order=30,
    )
)
register_panel(Panel(place=FAMILY, template="assessments/_family_scores.html", context=family_card, order=20))
register_panel(Panel(place=STUDENT, template="assessments/_scores.html", context=_scores, order=20, wide=True))
register_panel(Panel(place=RUN, template="assessments/_run_scores.html", context=_run_scores, order=20, wide=True))
register(
    Entry(
        label="Compare",
        url_name="results",
        section=RESULTS,
        order=10,
        said="results scores levels ELA math CAASPP ELPAC grade school group year chart",
    )
)
register(
    Entry(
        label="English learners",
        url_name="english_learners",
        url_names=("english_learner_students",),
        section=RESULTS,
        order=20,
        said="EL RFEP TBD reclassified long-term ELPAC criterion",
    )
)
register(
    Entry(
        label="Group report",
        url_name="group_report",
        section=RESULTS,
        order=30,
        said="class teacher list of students scores years",
    )
)
register(
    Entry(
        label="Shown to families",
        url_name="shown_results",
        url_names=("shown_results_preview",),
        section=RESULTS,
        order=40,
        said="parents see results switch release preview scores",
        capability=Capability.SETTINGS,
        offered_to=works_for_all_districts,
    )
)
register(
    Entry(
        label="Add a school year",
        url_name="added_layouts",
        url_names=("added_layout",),
        section=IMPORT,
        order=90,
        said="new layout next year file format",
        capability=Capability.SETTINGS,
        offered_to=works_for_all_districts,
    )
)
