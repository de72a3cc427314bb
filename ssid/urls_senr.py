"""Addresses of requests for SSIDs (CALPADS) and of EL differences."""

from django.urls import path

from ssid.views import senr, state

urlpatterns = [
    path("ssid-requests/", senr.index, name="senr-requests"),
    path("ssid-requests/check/", senr.check, name="senr-check"),
    path("ssid-requests/make/", senr.make, name="senr-make"),
    path("ssid-requests/<int:pk>/", senr.detail, name="senr-request"),
    path("ssid-requests/<int:pk>/file/", senr.download, name="senr-file"),
    path("el-differences/", state.differences, name="el-differences"),
    path("el-differences/csv/", state.export, name="el-differences-csv"),
]
