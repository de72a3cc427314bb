"""How the admin looks (settings of django-unfold): it uses the colors of static/css/1-tokens.css."""

from typing import Any

from django.templatetags.static import static


def theme(site_name: str) -> dict[str, Any]:
    return {
        "SITE_TITLE": site_name,
        "SITE_HEADER": site_name,
        "SITE_SUBHEADER": "Records and runs",
        "SITE_URL": "/",
        "SITE_ICON": lambda _request: static("img/icon.svg"),
        "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": lambda _request: static("img/icon.svg")}],
        "SHOW_VIEW_ON_SITE": False,
        "STYLES": [lambda _request: static("css/admin.css")],
        "SCRIPTS": [lambda _request: static("js/admin.js")],
        "COLORS": {
            "primary": {
                "50": "#e3f2ef",
                "100": "#cfe9e4",
                "200": "#a5d8cf",
                "300": "#8fe0d5",
                "400": "#7fd8cc",
                "500": "#5cc9bb",
                "600": "#0b5d57",
                "700": "#094a45",
                "800": "#0a3f3b",
                "900": "#12332f",
                "950": "#06231f",
            },
            "base": {
                "50": "#f5f7f8",
                "100": "#edf1f3",
                "200": "#dde4e8",
                "300": "#c6d0d6",
                "400": "#8fa0ad",
                "500": "#5a6b7a",
                "600": "#4a5b6b",
                "700": "#3b4c59",
                "800": "#2a3843",
                "900": "#18222b",
                "950": "#10181f",
            },
        },
        "BORDER_RADIUS": "8px",
        "SIDEBAR": {"show_search": True, "show_all_applications": False},
    }
