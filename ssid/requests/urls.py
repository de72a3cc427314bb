"""Addresses of requests for SSIDs (CALPADS) and of EL differences."""

from django.urls import path

from ssid.views import senr, state

urlpatterns = [
    path("ssid-requests/", senr.index, name="senr_requests"),
    path("ssid-requests/check/", senr.check, name="senr_check"),
    path("ssid-requests/make/", senr.make, name="senr_make"),
    path("ssid-requests/<int:pk>/", senr.detail, name="senr_request"),
    path("ssid-requests/<int:pk>/file/", senr.download, name="senr_file"),
    path("el-differences/", state.differences, name="el_differences"),
    path("el-differences/csv/", state.export, name="el_differences_csv"),
]
