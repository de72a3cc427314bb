"""Tags of every page: counts, dates, badges, bars, paging. Texts and shapes that appear in more than one place."""

import datetime as dt
import re
from collections.abc import Iterable, Mapping
from typing import Any

from django import template
from django.template.context import Context
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from sisimport.files.encodings import short_name
from sisimport.files.issues import Severity
from sisimport.files.spellings import word_of
from sisimport.imports.models import ImportRun, Work
from sisimport.runtime.retention import kept_kind
from sisimport.web import moments, states
from students.code_words import birth_place, word_for
from students.exit_reasons import exit_reason_text
from students.grades import grade_words
from students.models import Student

register = template.Library()

_SEVERITY = {Severity.ERROR: ("bad", "✕"), Severity.WARNING: ("warn", "!"), Severity.NOTICE: ("info", "i")}
_LEAST_SHARE = 0.6  # percent of the bar's width for a part that would be too thin to see


@register.simple_tag
def kept_for(kind: str, what: str = "Each is", after: str = "") -> str:
    """The sentence that says how long things of a kind are kept, for the page that shows them."""
    days = kept_kind(kind).days()
    return f"{what} kept for {days:,} day{'' if days == 1 else 's'}{after}." if days else f"{what} kept permanently."


@register.filter
def exit_reason(code: str) -> str:
    """The state's code for why a student left, in words."""
    return exit_reason_text(code)


_YEARS = re.compile(r"(?<![\w\"/-])\d{4}-\d{2}(?:\d{2})?(?![\w\"-])")


@register.filter(is_safe=True)
def unbroken(html: str) -> SafeString:
    """Keep school years in a heading on one line. `html` is part of a template, already escaped."""
    return SafeString(_YEARS.sub(r'<span class="unbroken">\g<0></span>', html))


@register.filter
def language_name(code: str) -> str:
    """`pan` -> `Punjabi`; a code without a word stays as it is."""
    everyday = word_of("language", code or "")
    return everyday if everyday != code else word_for("language", code or "")


@register.filter
def ethnicity_words(code: str) -> str:
    """`500` -> `Hispanic or Latino`; words stay as they are."""
    return word_for("ethnicity", code or "")


@register.filter
def elas_words(code: str) -> str:
    """`RFEP` -> `Reclassified fluent English proficient`."""
    return word_for("elas", code or "")


@register.filter
def enrollment_status_words(code: str) -> str:
    """`10` -> `Primary`."""
    return word_for("enrollment_status", code or "")


@register.filter
def grade_name(code: str) -> str:
    """`05` -> `Grade 5`, `KN` -> `Kindergarten`."""
    words = grade_words(code or "")
    return words[:1].upper() + words[1:]


@register.filter
def born_in(student: Student) -> str:
    """`California, United States`; empty where the record has no place."""
    return birth_place(student.birth_state, student.birth_country)


@register.filter
def count(number: int | None, noun: str) -> str:
    """`4862|count:"line"` -> `4,862 lines`; an irregular plural after a comma: `"line is,lines are"`."""
    number = number or 0
    one, _comma, many = noun.partition(",")
    return f"{number:,} {one if number == 1 else many or _many(one)}"


def _many(noun: str) -> str:
    return f"{noun[:-1]}ies" if re.search("[^aeiou]y$", noun) else f"{noun}s"


@register.filter
def plural(number: int | str | None, nouns: str) -> str:
    """`3|plural:"run,runs"` -> `runs`: the noun alone."""
    one, _comma, many = nouns.partition(",")
    return one if str(number) == "1" else many


@register.filter
def number(value: int | None) -> str:
    return f"{value or 0:,}"


@register.filter
def day(value: dt.date | dt.datetime | None) -> SafeString | str:
    """`8/12/2011` as a time element; for a timestamp, the day in the district."""
    if not value:
        return ""
    return format_html('<time datetime="{}">{}</time>', moments.local_day(value).isoformat(), moments.day_text(value))


@register.filter
def when(value: dt.datetime | None) -> SafeString | str:
    """`10/1/2024, 9:14 AM` in local time, as a time element."""
    if not value:
        return ""
    local = timezone.localtime(value)
    return format_html('<time datetime="{}">{}</time>', local.isoformat(timespec="seconds"), moments.moment_text(value))


@register.filter
def screen_dates(text: str) -> str:
    """A text of a report with its ISO dates as screens write them."""
    return moments.screen_dates(text)


@register.filter
def took(run: ImportRun) -> str:
    """How long a run worked: `1.8 s`, `2 min 5 s`."""
    if not run.started_at or not run.finished_at:
        return ""
    seconds = (run.finished_at - run.started_at).total_seconds()
    if seconds < 60:
        return f"{seconds:.1f} s"
    return f"{int(seconds // 60)} min {int(seconds % 60)} s"


@register.simple_tag
def status_badge(run: ImportRun) -> SafeString:
    """The state of a run as one badge, taking undone work into account."""
    state = states.state_of(run)
    return format_html(
        '<span class="badge {}"><span aria-hidden="true">{}</span>{}</span>', state.tone, state.sign, state.label
    )


@register.filter
def undone_by(run: ImportRun) -> list[ImportRun]:
    return states.undone_by(run)


@register.filter
def still_imported(run: ImportRun) -> int:
    return states.still_imported(run)


@register.simple_tag
def severity_badge(severity: int) -> SafeString:
    kind, sign = _SEVERITY[Severity(severity)]
    label = Severity(severity).label.capitalize()
    return format_html('<span class="badge {}"><span aria-hidden="true">{}</span>{}</span>', kind, sign, label)


@register.inclusion_tag("parts/_sumbar.html")
def outcome_bar(run: ImportRun, reverts: Iterable[ImportRun] = ()) -> dict[str, Any]:
    """What happened to a run's lines, as a bar and counts. `reverts`: its completed reverts."""
    found = states.outcomes(run, reverts or ())
    total = sum(part.count for part in found)
    shares = [max(100 * part.count / total, _LEAST_SHARE) if part.count else 0 for part in found]
    scale = 100 / sum(shares) if total else 1
    parts, x = [], 0.0
    for part, share_ in zip(found, shares, strict=True):
        width = share_ * scale
        parts.append(
            {"name": part.name, "label": part.label, "count": part.count, "x": f"{x:.2f}", "width": f"{width:.2f}"}
        )
        x += width
    text = ", ".join(f"{part.count:,} {part.label.lower()}" for part in found)
    return {"parts": parts, "total": total, "said": f"{text}; {total:,} records in all"}


@register.inclusion_tag("parts/_share.html")
def share(part: int, whole: int) -> dict[str, Any]:
    """A small bar: how much of the whole. The numbers are next to it, so it is hidden from screen readers."""
    return {"width": f"{100 * part / whole:.1f}" if whole else "0"}


@register.inclusion_tag("parts/_pager.html", takes_context=True)
def pager(
    context: Context, page: Any, noun: str = "entry,entries", name: str = "page", label: str = "Pages"
) -> dict[str, Any]:
    """Links to the pages of a list, keeping the other parameters of the address. `label` distinguishes two lists on a
    page."""
    query = context["request"].GET.copy()
    query.pop(name, None)
    base = query.urlencode()
    elided = page.paginator.get_elided_page_range(page.number, on_each_side=1, on_ends=1)
    numbers = [n if isinstance(n, int) else None for n in elided]
    return {
        "page": page,
        "numbers": numbers,
        "base": f"?{base}&" if base else "?",
        "name": name,
        "noun": noun,
        "label": label,
    }


@register.inclusion_tag("parts/_list_head.html")
def list_head(listing: Any) -> dict[str, Any]:
    """The head of a list's table: each column that sorts is a link (sisimport.web.lists)."""
    return {"heads": listing.heads()}


@register.simple_block_tag(takes_context=True)
def list_filter(
    context: Context,
    content: SafeString,
    listing: Any,
    label: str = "",
    *,
    action: str = "",
    button: str = "Filter",
    primary: bool = False,
    auto: bool = True,
    but: str = "",
    filtered: bool | None = None,
) -> SafeString:
    """The form above a list, around its own fields.

    `auto`: it is submitted as soon as a choice is made. "Show all" is offered if anything is chosen or typed, except
    for one parameter (`but`) that is a tab of the page; or if `filtered` says so.
    """
    if filtered is None:
        filtered = bool(listing.text or listing.chosen.keys() - {but})
    parts = {"label": label, "action": action, "button": button, "primary": primary, "auto": auto, "filtered": filtered}
    token = context.get("csrf_token")
    return render_to_string("parts/_list_filter.html", parts | {"fields": content, "csrf_token": token})


@register.inclusion_tag("parts/_list_tools.html", takes_context=True)
def list_tools(context: Context, listing: Any, headless: bool = False) -> dict[str, Any]:
    """Next to a list: sorting for narrow screens (for all screens if the list has no head), saved filters, the
    export."""
    return {
        "headless": headless,
        "listing": listing,
        "sorts": [head for head in listing.heads() if head.url],
        "csrf_token": context.get("csrf_token"),
        "request": context["request"],
    }


@register.filter
def at(mapping: Mapping[Any, Any], key: Any) -> Any:
    """The value of a key that is not known when the template is written; an empty list if there is none."""
    return mapping.get(key, ())


@register.filter
def works_shown(run: ImportRun) -> str:
    """`Test of SSID Download File`: what a run does, in the words of its screen."""
    from sisimport.imports.definition.registry import UnknownImportTypeError, get_type

    try:
        label = get_type(run.import_type).screen.label
    except UnknownImportTypeError:
        label = run.import_type
    verb = "Conversion" if run.work == Work.CONVERT else run.get_work_display()
    return f"{verb} of {label}"


@register.filter
def delimiter_name(delimiter: str) -> str:
    return {"^": "caret", ",": "comma", "\t": "tab", "|": "pipe", ";": "semicolon"}.get(delimiter, delimiter)


@register.filter
def encoding_name(encoding: str) -> str:
    return short_name(encoding)


@register.filter
def an(noun: str) -> str:
    """`Update` -> `an Update`."""
    return f"{'an' if noun[:1] in 'AEIOUaeiou' else 'a'} {noun}"
