"""French transcripts as Whisper writes them, with what they ask for."""

from __future__ import annotations

from tests.intent_phrases import Table

TOOLS: dict[str, Table] = {
    "get_time": {
        "Quelle heure est-il ?": {},
        "Il est quelle heure ?": {},
        "Dis Jarvis, quelle heure est-il, s'il te plaît ?": {},
        "Donne-moi l'heure.": {},
        "Peux-tu me dire quelle heure il est ?": {},
        "Quelle heure est-il à Tokyo ?": {"city": "Tokyo"},
        "Quelle heure est-il à Londres maintenant ?": {"city": "London"},
    },
    "get_date": {
        "Quel jour sommes-nous ?": {},
        "On est quel jour aujourd'hui ?": {},
        "Quelle est la date d'aujourd'hui ?": {},
        "On est le combien ?": {},
        "En quelle année sommes-nous ?": {},
    },
    "get_weekday": {
        "Quel jour tombe Noël cette année ?": {"day": "Christmas"},
        "Noël tombe quel jour ?": {"day": "Christmas"},
    },
    "set_timer": {
        "Mets un minuteur de dix minutes.": {"seconds": 600},
        "Mets un minuteur de 10 minutes, s'il te plaît.": {"seconds": 600},
        "Lance un minuteur d'une heure et demie.": {"seconds": 5400},
        "Minuteur d'une demi-heure.": {"seconds": 1800},
        "Mets un minuteur d'un quart d'heure.": {"seconds": 900},
        "Mets un minuteur de trois quarts d'heure.": {"seconds": 2700},
        "Mets un minuteur de deux minutes et demie.": {"seconds": 150},
        "Mets un minuteur d'une heure trente.": {"seconds": 5400},
        "Mets un minuteur de 1h30.": {"seconds": 5400},
        "Peux-tu me mettre un minuteur de soixante-dix secondes ?": {"seconds": 70},
        "Préviens-moi dans cinq minutes.": {"seconds": 300},
        "Mets un minuteur de douze minutes pour la pizza.": {"seconds": 720, "label": "pizza"},
        "Mets un minuteur pâtes de dix minutes.": {"seconds": 600, "label": "pâtes"},
        "Mets un minuteur pour les œufs de six minutes.": {"seconds": 360, "label": "œufs"},
        "Réveille-moi dans vingt minutes.": {"seconds": 1200, "label": "réveil"},
    },
    "change_timer": {
        "Ajoute cinq minutes au minuteur.": {"action": "extend", "seconds": 300},
        "Ajoute une minute au minuteur pizza.": {"action": "extend", "seconds": 60, "label": "pizza"},
        "Raccourcis le minuteur de deux minutes.": {"action": "shorten", "seconds": 120},
        "Mets le minuteur en pause.": {"action": "pause"},
        "Reprends le minuteur.": {"action": "resume"},
    },
    "list_timers": {
        "Combien de temps reste-t-il ?": {},
        "Il reste combien de temps ?": {},
        "Combien de temps reste-t-il au minuteur ?": {},
        "Combien de temps reste-t-il au minuteur pizza ?": {"label": "pizza"},
        "Quels minuteurs sont en cours ?": {},
        "À quelle heure est mon réveil ?": {"kind": "alarm"},
        "Quels rappels ai-je ?": {"kind": "reminder"},
    },
    "cancel_timer": {
        "Annule le minuteur.": {},
        "Arrête le minuteur.": {},
        "Annule le minuteur pizza.": {"label": "pizza"},
        "Annule le minuteur de dix minutes.": {"seconds": 600},
        "Annule tous les minuteurs.": {"everything": True},
        "Éteins le réveil.": {"kind": "alarm"},
        "Supprime l'alarme de 7 heures.": {"kind": "alarm", "when": "7:00"},
        "Supprime toutes les alarmes.": {"kind": "alarm", "everything": True},
        "Supprime tous les rappels.": {"kind": "reminder", "everything": True},
    },
    "set_alarm": {
        "Mets une alarme à six heures et quart.": {"when": "6:15"},
        "Mets un réveil à 7 heures.": {"when": "7:00"},
        "Réveille-moi à sept heures et demie.": {"when": "7:30"},
        "Réveille-moi demain à sept heures moins le quart.": {"when": "tomorrow at 6:45"},
        "Mets une alarme pour demain matin à huit heures.": {"when": "tomorrow at 8:00 am"},
        "Mets une alarme à 19h30.": {"when": "19:30"},
        "Réveille-moi à midi.": {"when": "12:00 pm"},
        "Réveille-moi tous les jours à 7h.": {"when": "every day at 7:00"},
        "Alarme à sept heures du soir.": {"when": "7:00 pm"},
        "Mets une alarme du lundi au vendredi à 6h20.": {"when": "every weekday at 6:20"},
    },
    "set_reminder": {
        "Rappelle-moi d'appeler maman à 17 heures.": {"text": "appeler maman", "when": "17:00"},
        "Rappelle-moi demain à cinq heures du soir d'appeler maman.": {
            "text": "appeler maman",
            "when": "tomorrow at 5:00 pm",
        },
        "Rappelle-moi dans dix minutes de sortir la pizza.": {"text": "sortir la pizza", "seconds": 600},
        "Rappelle-moi ce soir à 20h de sortir les poubelles.": {
            "text": "sortir les poubelles",
            "when": "today at 20:00",
        },
    },
    "add_to_list": {
        "Ajoute du lait à la liste de courses.": {"items": ["lait"]},
        "Ajoute lait, pain et pâté à la liste de courses.": {"items": ["lait", "pain", "pâté"]},
        "Mets crème solaire sur ma liste de voyage.": {"items": ["crème solaire"], "name": "voyage"},
    },
    "remove_from_list": {"Enlève le lait de la liste de courses.": {"items": ["lait"]}},
    "read_list": {
        "Qu'est-ce qu'il y a sur la liste de courses ?": {},
        "Lis-moi la liste de courses.": {},
        "Que dois-je acheter ?": {},
        "Que dois-je faire aujourd'hui ?": {"name": "to-do"},
    },
    "clear_list": {"Vide la liste de courses.": {}},
    "take_note": {"Prends note : la clé est sous le pot.": {"text": "la clé est sous le pot"}},
    "read_notes": {"Lis-moi mes notes.": {}},
    "delete_note": {"Supprime la dernière note.": {"last": True}},
    "undo": {"Annule la dernière action.": {}},
    "set_volume": {"Mets le volume à 50 %.": {"percent": 50}},
    "change_volume": {"Monte le son.": {"direction": "up"}, "Baisse un peu la musique.": {"direction": "down"}},
    "set_mute": {"Coupe le son.": {"muted": True}, "Remets le son.": {"muted": False}},
    "calculate": {
        "Combien font cinq fois sept ?": {"expression": "5 * 7"},
        "Combien font quinze pour cent de quatre-vingts ?": {"expression": "15 % of 80"},
        "Combien font 3,5 plus 2 ?": {"expression": "3.5 + 2"},
        "Combien fait cent divisé par quatre ?": {"expression": "100 / 4"},
    },
    "repeat": {"Répète.": {}, "Qu'est-ce que tu as dit ?": {}},
    "stop": {"Arrête.": {}, "Stop !": {}, "Tais-toi.": {}, "Ça suffit.": {}, "Jarvis, arrête !": {}, "Annule.": {}},
}

LEFT_TO_THE_MODEL = """
Quelle est la capitale de la France ?
Mets un minuteur.
Mets un minuteur de dix.
Mets un minuteur pour un moment.
Ne mets pas de minuteur de dix minutes.
Mets un minuteur de dix minutes et allume la lumière.
Mets un minuteur de dix minutes, puis appelle maman.
J'ai mis un minuteur de dix minutes.
Pourquoi as-tu mis un minuteur de dix minutes ?
Comment mettre un minuteur de dix minutes ?
Réveille-moi quand septembre sera fini.
Réveille-moi à vingt-cinq heures.
Réveille-moi demain.
Réveille-moi à dix minutes.
Rappelle-moi d'appeler maman.
Rappelle-moi à cinq heures.
Rappelle-moi ton nom.
Quelle heure est-il sur la Lune ?
Quelle heure était-il hier ?
Quel jour étions-nous hier ?
Ajoute ça à la liste de courses.
Ajoute du lait à la liste de courses et appelle maman.
Allume la lumière.
Ferme la porte.
Efface tout.
Arrête le bus ici.
Arrête de me parler comme ça, Marie.
Deux fois par jour.
Combien font 24/7 ?
C'est l'heure de la vérité.
Et maintenant, la météo.
À vingt heures, le journal.
Vous avez dix minutes pour quitter le bâtiment !
Baisse les armes !
Monte dans la voiture.
Set a timer for ten minutes.
Je t'appelle dans dix minutes.
Plus fort que la mort.
Il reste beaucoup à faire.
""".strip().splitlines()
