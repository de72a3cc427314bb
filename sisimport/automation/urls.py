"""Addresses of unattended work."""

from django.urls import path

from sisimport.automation import token_views, views

urlpatterns = [
    path("account/mail/", views.my_mail, name="my_mail"),
    path("api-tokens/", token_views.api_tokens, name="api_tokens"),
    path("api-tokens/<int:pk>/revoke/", token_views.revoke_api_token, name="revoke_api_token"),
    path("webhooks/", views.webhooks, name="webhooks"),
    path("webhooks/<int:pk>/", views.webhook, name="webhook"),
    path("webhooks/<int:pk>/change/", views.change_webhook, name="change_webhook"),
    path("pick-up/", views.pick_up, name="pick_up"),
    path("pick-up/<int:pk>/", views.pick_up_place, name="pick_up_place"),
    path("pick-up/<int:pk>/change/", views.change_pick_up_place, name="change_pick_up_place"),
    path("deliveries/", views.deliveries, name="deliveries"),
    path("deliveries/<int:pk>/", views.delivery, name="delivery"),
    path("deliveries/<int:pk>/change/", views.change_delivery, name="change_delivery"),
]
