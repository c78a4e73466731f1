"""Turns in other languages: what is configured, what is detected, and what rings later."""

from __future__ import annotations

from tests.scenario import Scenario, check
from voxspark.config import load_config
from voxspark.events import TimerRang

TIMER = "Stell einen Tee-Timer auf zehn Sekunden."
SET, DONE = "Tee-Timer auf 10 Sekunden gestellt.", "Dein Tee-Timer ist abgelaufen."


def test_a_timer_is_set_in_german_answered_in_german_and_rings_in_german() -> None:
    result = check(Scenario(language="de").user(0.5, 2.5, TIMER).user(22.0, 22.4, "Stopp.").run(40))
    assert result.heard_turns[0].heard == SET
    assert [action.tool for action in result.heard_turns[0].actions] == ["set_timer"]
    assert [event.label for event in result.of(TimerRang)] == ["Tee-Timer"]
    assert result.speaker.played.count(DONE) >= 2
    assert not result.timers.ringing
    assert result.chat.received == []


def test_typed_text_has_the_configured_language() -> None:
    result = Scenario(language="es").ask(1.0, "¿Qué hora es?", aloud=False).run(6)
    assert result.ended[0].heard == "Son las 10 y 5 de la mañana."


def test_what_is_detected_decides_for_its_turn_and_what_it_sets() -> None:
    scenario = Scenario(transcriber={"language": "auto"}).user(0.5, 2.5, TIMER).ask(6.0, "What time is it?")
    scenario.transcriber.language = "de"
    result = check(scenario.run(30))
    assert [ended.heard for ended in result.heard_turns[:2]] == [SET, "It's 10:05 AM."]
    assert DONE in result.speaker.played


def test_a_detected_language_that_is_not_spoken_here_is_answered_by_the_model() -> None:
    scenario = Scenario(transcriber={"language": "auto"}).user(0.5, 2.5, "Imposta un timer di dieci minuti.")
    scenario.transcriber.language = "it"
    result = check(scenario.model("Va bene.").run(8))
    assert result.heard_turns[0].heard == "Va bene."


def test_without_detection_nobody_asks_the_transcriber_for_the_language() -> None:
    scenario = Scenario(language="fr").user(0.5, 2.5, "Quelle heure est-il ?")
    scenario.transcriber.language = "en"
    assert scenario.run(8).heard_turns[0].heard == "Il est 10 heures 5."


def test_one_setting_is_enough() -> None:
    assert load_config(environ={}, overrides={"language": "de"}).transcriber.language == "de"
    assert load_config(environ={}).transcriber.language == "en"
    both = load_config(environ={}, overrides={"language": "de", "transcriber": {"language": "auto"}})
    assert (both.language, both.transcriber.language) == ("de", "auto")
