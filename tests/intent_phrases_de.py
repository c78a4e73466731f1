"""German transcripts as Whisper writes them, with what they ask for."""

from __future__ import annotations

from tests.intent_phrases import Table

TOOLS: dict[str, Table] = {
    "get_time": {
        "Wie spät ist es?": {},
        "Wie viel Uhr ist es, bitte?": {},
        "Hey Jarvis, wie spät ist es gerade?": {},
        "Kannst du mir sagen, wie spät es ist?": {},
        "Sag mir die Uhrzeit.": {},
        "Wie spät ist es in Tokio?": {"city": "Tokyo"},
        "Wie viel Uhr ist es in New York?": {"city": "New York"},
    },
    "get_date": {
        "Welcher Tag ist heute?": {},
        "Welches Datum haben wir heute?": {},
        "Der Wievielte ist heute?": {},
        "Was ist heute für ein Tag?": {},
        "Das heutige Datum, bitte.": {},
    },
    "get_weekday": {
        "Auf welchen Wochentag fällt Heiligabend dieses Jahr?": {"day": "Christmas Eve"},
        "Welcher Wochentag ist Silvester?": {"day": "New Year's Eve"},
    },
    "set_timer": {
        "Stell einen Timer auf zehn Minuten.": {"seconds": 600},
        "Stelle bitte einen Timer auf 10 Minuten.": {"seconds": 600},
        "Timer auf anderthalb Stunden.": {"seconds": 5400},
        "Timer auf eineinhalb Stunden.": {"seconds": 5400},
        "Timer für eine halbe Stunde.": {"seconds": 1800},
        "Starte einen Timer für eine Viertelstunde.": {"seconds": 900},
        "Setz einen Timer auf eine Dreiviertelstunde.": {"seconds": 2700},
        "Stell einen 10-Minuten-Timer.": {"seconds": 600},
        "Kannst du mir einen Timer auf eine Stunde und dreißig Minuten stellen?": {"seconds": 5400},
        "Timer auf zweieinhalb Minuten.": {"seconds": 150},
        "Timer auf 2 Minuten 30.": {"seconds": 150},
        "Stell einen Timer auf fünfundvierzig Sekunden.": {"seconds": 45},
        "Stell einen Pizza-Timer auf zwölf Minuten.": {"seconds": 720, "label": "Pizza"},
        "Eiertimer auf fünf Minuten.": {"seconds": 300, "label": "Eier"},
        "Stell einen Timer für den Käse auf 20 Minuten.": {"seconds": 1200, "label": "Käse"},
        "Sag mir in fünf Minuten Bescheid.": {"seconds": 300},
        "Weck mich in zwanzig Minuten.": {"seconds": 1200, "label": "Wecker"},
    },
    "change_timer": {
        "Verlängere den Timer um fünf Minuten.": {"action": "extend", "seconds": 300},
        "Verlängere den Pizza-Timer um eine Minute.": {"action": "extend", "seconds": 60, "label": "Pizza"},
        "Verkürze den Timer um zwei Minuten.": {"action": "shorten", "seconds": 120},
        "Halte den Timer an.": {"action": "pause"},
        "Setz den Timer fort.": {"action": "resume"},
    },
    "list_timers": {
        "Wie lange noch?": {},
        "Wie lange läuft der Timer noch?": {},
        "Wie lange läuft der Pizza-Timer noch?": {"label": "Pizza"},
        "Wie viel Zeit ist noch übrig?": {},
        "Welche Timer laufen gerade?": {},
        "Auf wann ist mein Wecker gestellt?": {"kind": "alarm"},
        "Welche Erinnerungen habe ich?": {"kind": "reminder"},
    },
    "cancel_timer": {
        "Stopp den Timer.": {},
        "Lösche den Timer.": {},
        "Brich den Timer ab.": {},
        "Lösche den Pizza-Timer.": {"label": "Pizza"},
        "Lösch den 10-Minuten-Timer.": {"seconds": 600},
        "Lösche alle Timer.": {"everything": True},
        "Schalte den Wecker aus.": {"kind": "alarm"},
        "Lösche alle Wecker.": {"kind": "alarm", "everything": True},
        "Lösche alle Erinnerungen.": {"kind": "reminder", "everything": True},
    },
    "set_alarm": {
        "Stell einen Wecker auf halb sieben.": {"when": "6:30"},
        "Stell den Wecker auf 7 Uhr.": {"when": "7:00"},
        "Weck mich um fünf vor halb sieben.": {"when": "6:25"},
        "Weck mich morgen früh um Viertel nach sechs.": {"when": "tomorrow at 6:15 am"},
        "Kannst du mich bitte um Viertel vor acht wecken?": {"when": "7:45"},
        "Stelle einen Wecker für morgen um 6:45 Uhr.": {"when": "tomorrow at 6:45"},
        "Weck mich jeden Werktag um sechs Uhr dreißig.": {"when": "every weekday at 6:30"},
        "Ich muss morgen um sieben aufstehen.": {"when": "tomorrow at 7:00"},
        "Wecker auf 19 Uhr 30.": {"when": "19:30"},
    },
    "set_reminder": {
        "Erinnere mich um 17 Uhr daran, Mama anzurufen.": {"text": "Mama anrufen", "when": "17:00"},
        "Erinnere mich morgen um fünf daran, die Blumen zu gießen.": {
            "text": "die Blumen gießen",
            "when": "tomorrow at 5:00",
        },
        "Erinnere mich in zehn Minuten an die Pizza.": {"text": "die Pizza", "seconds": 600},
        "Erinnere mich am Freitag um 10 Uhr an den Zahnarzt.": {"text": "den Zahnarzt", "when": "friday at 10:00"},
        "Erinnere mich daran, heute Abend um acht den Müll rauszubringen.": {
            "text": "den Müll rausbringen",
            "when": "today at 8:00 pm",
        },
    },
    "add_to_list": {
        "Setz Milch auf die Einkaufsliste.": {"items": ["Milch"]},
        "Füge Milch, Brot und Käse zur Einkaufsliste hinzu.": {"items": ["Milch", "Brot", "Käse"]},
        "Schreib Sonnencreme auf meine Urlaubsliste.": {"items": ["Sonnencreme"], "name": "Urlaubs"},
    },
    "remove_from_list": {"Streich die Milch von der Einkaufsliste.": {"items": ["Milch"]}},
    "read_list": {
        "Was steht auf der Einkaufsliste?": {},
        "Lies mir die Einkaufsliste vor.": {},
        "Was muss ich einkaufen?": {},
        "Was muss ich heute tun?": {"name": "to-do"},
    },
    "clear_list": {"Leere die Einkaufsliste.": {}},
    "take_note": {
        "Mach eine Notiz: Der Schlüssel liegt unter dem Topf.": {"text": "Der Schlüssel liegt unter dem Topf"}
    },
    "read_notes": {"Lies mir meine Notizen vor.": {}},
    "delete_note": {"Lösche die letzte Notiz.": {"last": True}},
    "undo": {"Mach das rückgängig.": {}},
    "set_volume": {"Stell die Lautstärke auf 50 Prozent.": {"percent": 50}},
    "change_volume": {
        "Mach lauter.": {"direction": "up"},
        "Etwas leiser, bitte.": {"direction": "down"},
        "Mach die Musik leiser.": {"direction": "down"},
    },
    "set_mute": {"Schalte den Ton aus.": {"muted": True}, "Ton wieder an.": {"muted": False}},
    "calculate": {
        "Was ist fünf mal sieben?": {"expression": "5 * 7"},
        "Wie viel ist fünfzehn Prozent von achtzig?": {"expression": "15 % of 80"},
        "Was ist 3,5 plus 2?": {"expression": "3.5 + 2"},
        "Was ist hundert geteilt durch vier?": {"expression": "100 / 4"},
    },
    "repeat": {"Wie bitte?": {}, "Sag das noch mal.": {}},
    "stop": {"Stopp.": {}, "Hör auf!": {}, "Sei still.": {}, "Ruhe!": {}, "Vergiss es.": {}, "Jarvis, stopp!": {}},
}

LEFT_TO_THE_MODEL = """
Was ist die Hauptstadt von Frankreich?
Stell einen Timer.
Stell einen Timer auf zehn.
Stell einen Timer auf eine Weile.
Stell keinen Timer auf zehn Minuten.
Stell einen Timer auf zehn Minuten und mach das Licht an.
Stell einen Timer auf zehn Minuten, dann ruf Mama an.
Ich habe einen Timer auf zehn Minuten gestellt.
Warum hast du einen Timer auf zehn Minuten gestellt?
Wie stelle ich einen Timer auf zehn Minuten?
Weck mich, wenn der Sommer vorbei ist.
Weck mich um fünfundzwanzig Uhr.
Weck mich morgen.
Weck mich um viertel sieben.
Erinnere mich daran, Mama anzurufen.
Erinnere mich um fünf.
Erinnere mich an unsere schöne Zeit.
Erinnerst du dich an gestern um fünf?
Wie spät ist es auf dem Mond?
Wie spät war es gestern?
Wie lange dauert der Film noch?
Welcher Tag war gestern?
Setz dich auf die Liste.
Setz es auf die Einkaufsliste.
Mach das Licht an.
Mach die Tür zu.
Lösche alles.
Was ist zwei mal so schön?
Fünf mal am Tag.
Was ist 24/7?
Die Uhrzeit war falsch.
Und nun zum Wetter.
Um zwanzig Uhr fünfzehn läuft der Tatort.
Es ist fünf vor zwölf!
Sie haben noch zehn Minuten, um das Gebäude zu verlassen!
Halt dich fest, es geht los.
Lauter nette Leute.
Ein bisschen Ruhe würde dir guttun.
Wie bitte komme ich zum Bahnhof?
Set a timer for ten minutes.
Danach hörte er auf.
Den Timer.
Was steht an?
Ich rufe dich in zehn Minuten an.
""".strip().splitlines()
