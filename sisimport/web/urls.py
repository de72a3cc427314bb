"""Addresses of the shared journey. No name, number or SSID of a student stands in one."""

from django.urls import path

from sisimport.web.views import chosen, conversion, downloads, history, home, layouts, run_ssids, runs, students, upload

urlpatterns = [
    path("", home.home, name="home"),
    path("account/", home.account, name="account"),
    path("imports/files/", chosen.choose_files, name="choose_files"),
    path("imports/<slug:tool>/", upload.upload, name="upload"),
    path("imports/<slug:tool>/recognise/", upload.recognise, name="recognise"),
    path("layouts/", layouts.file_layouts, name="file_layouts"),
    path("layouts/<slug:import_type>/<slug:layout>/", layouts.file_layout, name="file_layout"),
    path("runs/", history.runs, name="runs"),
    path("runs/<int:pk>/", runs.run_page, name="run"),
    path("runs/<int:pk>/status/", runs.run_status, name="run_status"),
    path("runs/<int:pk>/filter/", runs.filter_issues, name="filter_issues"),
    path("runs/<int:pk>/changes/", runs.run_changes, name="run_changes"),
    path("runs/<int:pk>/absent/", runs.run_absent, name="run_absent"),
    path("runs/<int:pk>/ssids/<slug:part>/", run_ssids.show_run_ssids, name="show_run_ssids"),
    path("runs/<int:pk>/print/", downloads.run_print, name="run_print"),
    path("runs/<int:pk>/download/", downloads.export, name="export"),
    path("runs/<int:pk>/update/", runs.start_update, name="start_update"),
    path("runs/<int:pk>/test/", runs.test_again, name="test_again"),
    path("runs/<int:pk>/test/lines/", runs.retest_lines, name="retest_lines"),
    path("runs/<int:pk>/revert/", runs.start_revert, name="start_revert"),
    path("runs/<int:pk>/convert/", conversion.convert, name="convert_workbook"),
    path("runs/<int:pk>/converted/start/", conversion.start_converted, name="start_converted"),
    path("runs/<int:pk>/cancel/", runs.cancel_run, name="cancel_run"),
    path("students/", students.students, name="students"),
    path("students/<int:pk>/", students.student, name="student"),
    path("students/<int:pk>/ssid/", students.show_ssid, name="show_ssid"),
]
