"""Addresses of the SSID pages."""

from django.urls import include, path

from ssid.views import accounts, candidates, collection, desk, enrollment, record

urlpatterns = [
    path("", include("ssid.urls_utah")),
    path("", include("ssid.urls_senr")),
    path("collection/", collection.overview, name="collection"),
    path("collection/policy/", collection.policy, name="collection_policy"),
    path("collection/list/<int:pk>/", collection.school_list, name="school_list"),
    path("collection/record/", record.find, name="record_find"),
    path("collection/record/next/", record.next_missing, name="record_next"),
    path("collection/record/<int:pk>/", record.record, name="record"),
    path("collection/enrollment/", enrollment.enrollments, name="enrollments"),
    path("collection/enrollment/<int:pk>/", enrollment.enrollment, name="enrollment"),
    path("collection/family/<int:pk>/", accounts.family_accounts, name="family_accounts"),
    path("match-desk/", desk.index, name="match_desk"),
    path("match-desk/remembered/<int:match_id>/forget/", desk.forget, name="match_forget"),
    path("runs/<int:run_id>/matches/", desk.lines, name="run_matches"),
    path("runs/<int:run_id>/matches/accept/", desk.accept_many, name="run_matches_accept"),
    path("runs/<int:run_id>/matches/<int:line>/", desk.one_line, name="run_match_line"),
    path("runs/<int:run_id>/candidates/", candidates.candidates, name="run_candidates"),
    path("runs/<int:run_id>/candidates/choose/", candidates.choose_many, name="run_candidates_choose"),
]
