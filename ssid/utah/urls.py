"""Addresses of the SSID Process."""

from django.urls import path

from ssid.utah import board_views, views

urlpatterns = [
    path("ssid-process/", board_views.utah_board, name="utah_board"),
    path("ssid-process/create/", views.utah_create, name="utah_create"),
    path("ssid-process/requests/", views.utah_requests, name="utah_requests"),
    path("ssid-process/requests/<int:pk>/", views.utah_request, name="utah_request"),
    path("ssid-process/requests/<int:pk>/file/", views.utah_request_file, name="utah_request_file"),
    path("ssid-process/requests/<int:pk>/withdraw/", views.utah_withdraw, name="utah_withdraw"),
    path("ssid-process/changed/", board_views.utah_changed, name="utah_changed"),
]
