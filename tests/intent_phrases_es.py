"""Spanish transcripts as Whisper writes them, with what they ask for."""

from __future__ import annotations

from tests.intent_phrases import Table

TOOLS: dict[str, Table] = {
    "get_time": {
        "¿Qué hora es?": {},
        "¿Qué hora es, por favor?": {},
        "Oye Jarvis, ¿qué hora es?": {},
        "Dime la hora.": {},
        "¿Puedes decirme qué hora es?": {},
        "¿Qué hora es en Tokio?": {"city": "Tokyo"},
        "¿Qué hora es en Nueva York ahora?": {"city": "New York"},
    },
    "get_date": {
        "¿Qué día es hoy?": {},
        "¿A cuánto estamos?": {},
        "¿Qué fecha es hoy?": {},
        "¿Cuál es la fecha de hoy?": {},
        "¿En qué año estamos?": {},
    },
    "get_weekday": {
        "¿En qué día cae Nochebuena este año?": {"day": "Christmas Eve"},
        "¿Qué día de la semana es Año Nuevo?": {"day": "New Year's Day"},
    },
    "set_timer": {
        "Pon un temporizador de diez minutos.": {"seconds": 600},
        "Pon un temporizador de 10 minutos, por favor.": {"seconds": 600},
        "Ponme un temporizador de hora y media.": {"seconds": 5400},
        "Temporizador de una hora y media.": {"seconds": 5400},
        "Pon un temporizador de media hora.": {"seconds": 1800},
        "Pon un temporizador de un cuarto de hora.": {"seconds": 900},
        "Crea un temporizador de tres cuartos de hora.": {"seconds": 2700},
        "Pon un temporizador de dos minutos y medio.": {"seconds": 150},
        "Temporizador de 1 hora y 30 minutos.": {"seconds": 5400},
        "¿Puedes poner un temporizador de treinta y cinco segundos?": {"seconds": 35},
        "Avísame en cinco minutos.": {"seconds": 300},
        "Pon un temporizador de doce minutos para la pizza.": {"seconds": 720, "label": "pizza"},
        "Pon un temporizador de pasta de diez minutos.": {"seconds": 600, "label": "pasta"},
        "Pon un temporizador de 8 minutos para el jamón.": {"seconds": 480, "label": "jamón"},
        "Despiértame en veinte minutos.": {"seconds": 1200, "label": "despertador"},
    },
    "change_timer": {
        "Añade cinco minutos al temporizador.": {"action": "extend", "seconds": 300},
        "Añade un minuto más al temporizador de la pizza.": {"action": "extend", "seconds": 60, "label": "pizza"},
        "Quita dos minutos al temporizador.": {"action": "shorten", "seconds": 120},
        "Pausa el temporizador.": {"action": "pause"},
        "Reanuda el temporizador.": {"action": "resume"},
    },
    "list_timers": {
        "¿Cuánto queda?": {},
        "¿Cuánto tiempo queda?": {},
        "¿Cuánto le queda al temporizador?": {},
        "¿Cuánto le queda al temporizador de la pizza?": {"label": "pizza"},
        "¿Qué temporizadores tengo?": {},
        "¿Qué alarmas tengo puestas?": {"kind": "alarm"},
        "¿Qué recordatorios tengo?": {"kind": "reminder"},
    },
    "cancel_timer": {
        "Cancela el temporizador.": {},
        "Para el temporizador.": {},
        "Cancela el temporizador de la pizza.": {"label": "pizza"},
        "Cancela el temporizador de diez minutos.": {"seconds": 600},
        "Cancela todos los temporizadores.": {"everything": True},
        "Apaga la alarma.": {"kind": "alarm"},
        "Quita la alarma de las siete.": {"kind": "alarm", "when": "7:00"},
        "Borra todas las alarmas.": {"kind": "alarm", "everything": True},
        "Borra todos los recordatorios.": {"kind": "reminder", "everything": True},
    },
    "set_alarm": {
        "Pon una alarma a las siete.": {"when": "7:00"},
        "Pon una alarma a las seis y cuarto.": {"when": "6:15"},
        "Despiértame a las siete y media.": {"when": "7:30"},
        "Despiértame mañana a las siete menos cuarto.": {"when": "tomorrow at 6:45"},
        "Pon una alarma para mañana por la mañana a las ocho.": {"when": "tomorrow at 8:00 am"},
        "Pon una alarma a las 19:30.": {"when": "19:30"},
        "Pon una alarma a la una.": {"when": "1:00"},
        "Despiértame todos los días a las siete.": {"when": "every day at 7:00"},
        "Alarma a las siete de la tarde.": {"when": "7:00 pm"},
        "Pon una alarma a las doce de la noche.": {"when": "12:00 am"},
        "Pon una alarma de lunes a viernes a las seis y veinte.": {"when": "every weekday at 6:20"},
    },
    "set_reminder": {
        "Recuérdame llamar a mamá a las cinco.": {"text": "llamar a mamá", "when": "5:00"},
        "Recuérdame mañana a las cinco de la tarde llamar a mamá.": {
            "text": "llamar a mamá",
            "when": "tomorrow at 5:00 pm",
        },
        "Recuérdame en diez minutos que saque la pizza.": {"text": "saque la pizza", "seconds": 600},
        "Recuérdame a las cinco que llame al médico.": {"text": "llame al médico", "when": "5:00"},
    },
    "add_to_list": {
        "Añade leche a la lista de la compra.": {"items": ["leche"]},
        "Añade leche, pan y jamón a la lista de la compra.": {"items": ["leche", "pan", "jamón"]},
        "Pon crema en mi lista de viaje.": {"items": ["crema"], "name": "viaje"},
    },
    "remove_from_list": {"Quita la leche de la lista de la compra.": {"items": ["leche"]}},
    "read_list": {
        "¿Qué hay en la lista de la compra?": {},
        "Léeme la lista de la compra.": {},
        "¿Qué tengo que comprar?": {},
        "¿Qué tengo que hacer hoy?": {"name": "to-do"},
    },
    "clear_list": {"Vacía la lista de la compra.": {}},
    "take_note": {"Toma nota: la llave está debajo de la maceta.": {"text": "la llave está debajo de la maceta"}},
    "read_notes": {"Léeme mis notas.": {}},
    "delete_note": {"Borra la última nota.": {"last": True}},
    "undo": {"Deshaz eso.": {}},
    "set_volume": {"Pon el volumen al 50 por ciento.": {"percent": 50}},
    "change_volume": {"Sube el volumen.": {"direction": "up"}, "Baja un poco la música.": {"direction": "down"}},
    "set_mute": {"Silencia el sonido.": {"muted": True}, "Activa el sonido.": {"muted": False}},
    "calculate": {
        "¿Cuánto es cinco por siete?": {"expression": "5 * 7"},
        "¿Cuánto es el quince por ciento de ochenta?": {"expression": "15 % of 80"},
        "¿Cuánto son 3,5 más 2?": {"expression": "3.5 + 2"},
        "¿Cuánto es cien dividido entre cuatro?": {"expression": "100 / 4"},
    },
    "repeat": {"Repite eso.": {}, "¿Qué has dicho?": {}},
    "stop": {"Para.": {}, "¡Cállate!": {}, "Basta ya.": {}, "Silencio.": {}, "Jarvis, para.": {}, "Cancelar.": {}},
}

LEFT_TO_THE_MODEL = """
¿Cuál es la capital de Francia?
Pon un temporizador.
Pon un temporizador de diez.
Pon un temporizador de un rato.
No pongas un temporizador de diez minutos.
Pon un temporizador de diez minutos y enciende la luz.
Pon un temporizador de diez minutos, luego llama a mamá.
He puesto un temporizador de diez minutos.
¿Por qué has puesto un temporizador de diez minutos?
¿Cómo pongo un temporizador de diez minutos?
Despiértame cuando acabe septiembre.
Despiértame a las veinticinco.
Despiértame mañana.
Despiértame a las siete y media y cuarto.
Recuérdame llamar a mamá.
Recuérdame a las cinco.
Recuérdame aquella noche.
¿Qué hora es en la luna?
¿Qué hora era ayer?
¿Qué día fue ayer?
Añade eso a la lista de la compra.
Añade leche a la lista de la compra y llama a mamá.
Enciende la luz.
Cierra la puerta.
Borra todo.
Para mí, un café.
Para el coche ahí mismo.
Dos por persona.
¿Cuánto es 24/7?
La hora de la verdad.
Y ahora, el tiempo.
A las nueve empieza la película.
Tienen diez minutos para abandonar el edificio.
Baja de ahí ahora mismo.
Sube al coche.
Set a timer for ten minutes.
Te llamo en diez minutos.
Más alto que la torre.
Queda mucho por hacer.
El temporizador.
Alarga el temporizador.
""".strip().splitlines()
