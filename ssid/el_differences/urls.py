"""Addresses of EL differences."""

from django.urls import path

from ssid.el_differences import views

urlpatterns = [
    path("el-differences/", views.differences, name="el_differences"),
    path("el-differences/csv/", views.export, name="el_differences_csv"),
]
