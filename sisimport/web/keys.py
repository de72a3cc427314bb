"""The keyboard shortcuts: shown by the dialog that ? opens and by the help; a test compares them with the scripts."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Key:
    key: str
    where: str
    does: str
    script: str  # the script in static/js that handles it


KEYS = (
    Key("/", "Everywhere", "Search students, runs, schools, pages and help", "find.js"),
    Key("?", "Everywhere", "Show this list", "find.js"),
    Key("Esc", "Everywhere", "Close this list, a menu, or search results", "find.js"),
    Key("↓", "Search", "Go to the results", "find.js"),
    Key("u", "Home", "Choose a file", "drop.js"),
    Key("n", "Match desk, candidates", "Next line", "decide.js"),
    Key("p", "Match desk, candidates", "Previous line", "decide.js"),
    Key("1 to 9", "Match desk, candidates", "Choose that candidate", "decide.js"),
    Key("r", "Match desk, candidates", "Refuse the line", "decide.js"),
)
