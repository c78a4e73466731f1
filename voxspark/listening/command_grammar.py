"""What complete English commands and questions look like: word classes and a small valency table, as data.

Patterns match a sentence as `end_of_turn` normalises it: lower case, no punctuation, contractions written out, without
address ("hey jarvis") and courtesy ("could you please"). Matching is over whole words separated by one space.
"""

from __future__ import annotations

import re


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _phrases(text: str) -> frozenset[str]:
    return frozenset(text.split(" | "))


# ── around the sentence ─────────────────────────────────────────────────────────────────────────

NAMES = _words("jarvis nabu alexa mycroft computer voxspark assistant google siri")
LEAD_INS = NAMES | _words("hey hi hello ok okay alright so well and then oh yes yeah no sorry now actually but wait")
HESITATIONS = _words("um uh er erm hmm hm")
FILLERS = HESITATIONS | _words("like well so")
"""At the end of a sentence they hold the floor."""
DROPPED = HESITATIONS | _words("please just also kindly not")
"""Add nothing to whether a sentence is complete."""
ACKNOWLEDGEMENTS = _phrases("hi | hello | ok | okay | alright")
"""Complete, or the beginning of something."""
THANKS = _phrases("thanks | thank you | thank you very much | thanks a lot")

REPLIES = THANKS | _phrases(
    "yes | yeah | yep | yup | sure | no | nope | yes please | no thanks | no thank you | of course | exactly | "
    "correct | stop | stop it | stop talking | cancel | cancel that | pause | resume | continue | quiet | be quiet "
    "| shut up | enough | skip | next | mute | unmute | louder | quieter | slower | faster | speak up | volume up | "
    "volume down | next song | never mind | nevermind | forget it | not now | not yet | not really | go on | go "
    "ahead | keep going | start over | say that again | repeat that | that is all | that is it | that is enough | "
    "that is right | that is correct | do it | both | neither | i do not know | i do not think so | i think so | is "
    "that right | are you sure | are you there | bye | goodbye | good night | good morning | good evening | what is "
    "new | what is up | what happened | the first one | the second one | the third one | the fourth one | the last "
    "one | the other one | that one | this one"
)
"""Complete by themselves, as answers and as interjections."""

# ── word classes ────────────────────────────────────────────────────────────────────────────────

POSSESSIVES = _words("my your his our their its")
OPEN_ENDS = POSSESSIVES | _words(
    # articles and determiners, subject pronouns
    "a an the every some any i we they he she "
    # prepositions
    "of to for with without at in on from by about into onto under between during until till since against near "
    "than as per via towards toward behind beside below above across among plus minus "
    # conjunctions and question words
    "and or but because if when while whether although though unless nor which who whose where why what how "
    # auxiliaries
    "is are was were am be been being do does did have has had can could will would shall should may might must "
    "called named"
)
"""Something must follow them."""

MODIFIERS = _words(
    "this that these those her another other own same all many much few several more most less very too really so "
    "no still right going over around before after through first second third next last best worst tallest biggest "
    "largest longest highest fastest nearest closest smallest oldest latest cheapest short long new old big small "
    "good great different classical favorite favourite shopping grocery living dining front back full gas world square "
    "current both soft fourth mount mr mrs ms dr st saint lake south north east west san los las"
)
"""Something usually follows them."""

RELATIONAL = _words(
    "capital name population distance difference size height length number price cost meaning definition root sum "
    "president minister color colour speed age rest kind sort type lot couple pair end beginning "
    "middle top bottom history recipe way status value opposite plural synonym weight point score"
)
"""Nouns that ask for "of" or "for", unless somebody owns them ("your name")."""

TRANSITIVE = (
    "add answer ask bake book bring build buy call change check choose clean convert define do eat feed find fix "
    "get give have hear invent keep know learn like make mean need order paint pay pick play put read recommend "
    "remind remove say see send set show spell start suggest take teach tell think throw translate use visit want wash "
    "watch wear win write"
)
INTRANSITIVE = (
    "arrive burn come cost cry dance die exist fall fly go grow happen help last live matter rain run sing sleep snow "
    "speak swim travel wait walk weigh work"
)

# ── pieces of patterns ──────────────────────────────────────────────────────────────────────────


def _any(words: str) -> str:
    return f"(?:{'|'.join(words.split())})"


NUMBER = (
    r"(?:\d[\d.,:]*|zero|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen"
    r"|seventeen|eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|hundred|thousand|million)"
)
AMOUNT = rf"(?:minus )?{NUMBER}"
DIGIT = r"(?:\d+|zero|oh|one|two|three|four|five|six|seven|eight|nine)"
SPAN = (
    r"(?:(?:an?|one|1|half an) (?:second|minute|hour|day|week)"
    rf"|(?:{NUMBER} )+(?:and a half )?(?:seconds|minutes|hours|days|weeks|secs|mins))"
)
BE = _any("is are was were")
DO = _any("do does did can could should would will shall may might must")
PRONOUN = _any("i you he she it we they there this that")
DET = _any("a an the my your his her our their its this that these those some any")
SUBJECT = rf"(?:{PRONOUN}|{DET} \S+(?: \S+)*?|(?!{DET} )\S+(?: \S+)*?)"
TRANS = _any(TRANSITIVE)
INTRANS = _any(INTRANSITIVE)
AMBI = _any("open close start begin end finish leave stop win boil cook melt freeze")
"""Transitive or not: "when does the shop close", "should I close the shop"."""
VERB = rf"(?:{TRANS}|{INTRANS}|{AMBI})"
CLAUSE = rf"(?:{INTRANS}(?: .+)?|(?:{TRANS}|{AMBI}) .+)"
"""A verb with what it needs, and more."""
PREP = _any("in on at to until till per from between during with for")
ADJECTIVE = _any(
    "open closed ready done broken blue red green yellow white black dark bright hot cold warm cool wet dry big "
    "small tall safe dangerous important expensive cheap free salty good bad healthy true real possible right wrong "
    "round loud quiet heavy born made built"
)
PREDICATE = rf"(?:(?:{ADJECTIVE}|(?!{PREP} )\S\S+(?:ing|ed))(?: .+)?|{PREP} .+)"
DEVICE = _any(
    "light lights lamp lamps tv television radio fan heater heating heat conditioning oven music volume alarm "
    "thermostat screen monitor speaker speakers timer timers alarms bluetooth wifi microphone camera brightness "
    "sound kettle temperature blinds everything it them"
)
OPERATOR = r"(?:plus|minus|times|x|over|divided by|multiplied by|percent of|to the power of)"
PARTICLE = _any("on off up down")
LIST = _any("list lists calendar cart basket notes playlist queue agenda diary schedule it them")
LATER = (
    r"(?:(?:in|on|at|by|to|for|until|when|a|tomorrow|today|tonight|upstairs|downstairs|inside|outside|everywhere)\b.*)"
)
"""When, where or how much: what may follow a complete command."""
WHAT = r"(?:what(?: \S+){0,5}|which(?: \S+){1,5}|whose \S+|who|how many \S.*|how much(?: \S+)*)"
"""A question phrase that is the object of its verb."""
HOW = r"(?:how(?: (?!many\b|much\b)\S+)?|when|where|why|(?:at )?what time)"
"""A question phrase that is not."""
ASKED_TO = r"(?:(?:can|could|would|will) you)"
TELL_ME = r"(?:tell me|do you know|i want to know|i wonder)"
SIMPLE = _any(
    "call open close shut lock unlock start stop cancel pause resume skip clear mute unmute find "
    "read check describe explain repeat define spell summarize snooze restart launch finish"
)
"""Verbs that are content with an object."""

# ── the valency table ───────────────────────────────────────────────────────────────────────────


def _table(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns))


COMPLETE = _table(
    # commands: turn, set, wake, add, remind, play, tell, and those that only want an object
    rf"(?:turn|switch) {PARTICLE} (?:.+ )?{DEVICE}(?: {LATER})?",
    rf"(?:turn|switch) (?!{PARTICLE} ).+ {PARTICLE} {LATER}",
    rf"(?:dim|brighten|lower|raise|increase|decrease|reduce) (?:.+ )?{DEVICE}(?: {LATER})?",
    rf"(?:(?:set|start|create|make|give me|i need) .*)?timer (?:.+ )?{SPAN}(?: .+)?",
    rf"(?:(?:set|start|create|make|give me|i need) .*)?{NUMBER} (?:second|minute|hour)(?: \S+)? timer(?: .+)?",
    rf"set .*alarm (?:for|at) (?:.+ )?(?:{NUMBER}|noon|midnight)(?: .+)?",
    r"set (?!.*\b(?:timer|alarm|reminder)\b).+ to .+",
    r"set .*reminder to \S+ .+",
    rf"wake me(?: up)? .*(?:{NUMBER}|noon|midnight|{SPAN})(?: .+)?",
    rf"(?:add|put) .+ (?:to|on|in|into|onto) (?:.+ )?{LIST}(?: {LATER})?",
    r"(?:remove|delete|take) .+ (?:from|off) .+",
    rf"(?:remove|delete) .*(?:timer|alarm|reminder|list|event|it|that)s?(?: {LATER})?",
    r"put on (?:some|the|my|a) .+",
    r"remind me (?:.+ )?to \S+ .+",
    r"remind me about .+|remind me that \S+ \S+ .+",
    rf"play (?!{BE} )(?:\S+ .+|music|jazz|rock|pop|blues|something|it|that)",
    r"tell me (?:about|a|an|the|some|something|more about|another|your|my) .+",
    r"(?:tell me |show me |explain )?how to \S+ .+",
    r"(?:give|show|read|find|get) (?:me|us) .+",
    r"(?:translate|convert) .+ (?:to|into|in) .+",
    rf"(?:{SIMPLE}|search for|look up) (?!an? (?:timer|alarm|countdown)$).+",
    # questions about a thing
    rf"what (?!{PRONOUN} |is {AMOUNT} )(?:\S+ ){{0,5}}?{BE} .+|what is {AMOUNT} .+ (?:in|to) .+",
    r"what \S+ (?:has|have|had) .+|(?:what|how) about .+",
    rf"which (?:\S+ ){{1,4}}?(?:{BE}|has|have|had) .+|whose \S+ {BE} .+",
    rf"who {BE} (?:{DET} .+|(?!{DET} )\S+ .+)",
    rf"who (?!(?:{BE}|{DO}|{PRONOUN}|has|have|had)\b)\S+ .+",
    rf"where {BE} .+|when (?:is|are) .+|how much {BE} .+|how (?!many |much ){BE} .+",
    rf"how (?!many |much |{DO} )\S+ {BE} .+",
    r"how many \S+ is .+",
    r"how (?:many|much) .+ (?:in|on|at|to|until|till|per|from|between) .+",
    rf"{WHAT} {DO} {SUBJECT} {VERB} .+",
    # questions about a fact
    rf"{HOW} {DO} {SUBJECT} {CLAUSE}",
    rf"(?:why|when|how) {BE} {SUBJECT} {PREDICATE}|why {BE} {PRONOUN} .+",
    rf"{BE} {PRONOUN} .+|{BE} {SUBJECT} {PREDICATE}",
    rf"(?!{ASKED_TO}|{TELL_ME}){DO} {SUBJECT} {CLAUSE}|{ASKED_TO} {INTRANS}(?: .+)?",
)
"""Complete when the last word can be the last."""

COMPLETE_AS_IT_IS = _table(
    rf"(?:turn|switch) (?!{PARTICLE} ).+ {PARTICLE}",
    rf"(?:what|who) {BE} (?:it|this|that)|where {BE} {PRONOUN}|who are you|how are you",
    rf"(?:what|which|whose) (?!{PRONOUN} )(?:\S+ ){{1,4}}?{BE} (?:it|this|that)|how \S+ {BE} {PRONOUN}",
    rf"(?:what|how) .+ like|where {BE} {PRONOUN} from|where {DO} {PRONOUN} come from",
    rf"what {BE} (?:it|this|that) (?:for|about|made of|called)|what {BE} going on",
    rf"{WHAT} {DO} {SUBJECT} {VERB}",
    rf"how many .+ {BE} left|(?:(?!{DET} )\S+ )?lights? (?:on|off)",
    rf"{TELL_ME} (?:what|where|who|which|how \S+)(?: \S+)* (?:it|this|that|he|she|they|{DET} \S+) {BE}",
    rf"(?:{BE}|{DO}) .*{DEVICE} (?:.+ )?(?:on|off)",
    rf"(?:when|why|where|(?:at )?what time) {DO} {SUBJECT} {AMBI}",
    rf"(?:(?:what is|how much is|calculate) )?{NUMBER}(?: \S+)*? {OPERATOR}"
    rf"(?: (?:{NUMBER}|and|point))*? {NUMBER}|what does .+ (?:equal|make)",
    rf"(?:what is )?(?:the )?square root of {NUMBER}(?: {NUMBER})*",
    r"tell me something|tell me more|help me",
)
"""Complete although the last word, elsewhere, would ask for more."""

CLAUSE_START = re.compile(
    r" (?:and|then|and then) (?=(?:turn|switch|set|add|put|play|remind|tell|call|open|close|stop|start|cancel)\b)"
)
"""Where a second command begins; the last one decides."""
COURTESY_BEFORE = re.compile(
    rf"{ASKED_TO} |i (?:want|need|would like) you to |i would like to |{TELL_ME} (?=(?:what|who|where|how)\b)"
)
COURTESY_BEHIND = re.compile(rf"(?: (?:thanks|thank you|for me|right now|now|{'|'.join(sorted(NAMES))}))+$")

LACKS_COMPLEMENT = re.compile(
    r"(?:"
    r"^(?:set|start|make|create|add|put|call|find|open|close|buy|send|order|book|schedule|increase|decrease|lower|raise|turn"
    r"|switch|search|look|check|read|translate|convert|calculate|define|spell|write|text|email|remind|tell|give|show|ask"
    r"|wake|dim|say)"
    r"|\b(?:remind|tell|give|show|ask|wake|send|bring|read|find|get|let) (?:me|us|him|them)"
    r"|(?:^|\bto |\byou |\band )(?:turn|switch|look|pick|hand|drop|bring|throw|fill|take|put|clean)"
    r" (?:on|off|up|down|out|away)"
    rf"|\b(?:{BE}|{DO}|have|has|had) (?:i|you|he|she|it|we|they|there)"
    r"|^(?:i|we) (?:want|need|would like|think|know|believe|wonder|am wondering|hope|guess|mean)"
    rf"|(?:^|^i |\bto |\band |\b{DO} (?:i|you|he|she|it|we|they) ){TRANS}|\bto {AMBI}|^what is .*percent"
    r"|\b(?:is|are|am|was|were) (?:\S+ )?(?:going|supposed|trying|able)"
    r"|^(?:how|what|which|whose) \S+|^how (?:many|much) \S+"
    rf"|\btimer for {NUMBER}|\b(?:remind|wake) me (?:up )?in {NUMBER}"
    rf"|\b(?!one |1 ){NUMBER} (?:second|minute|hour|day|week|month|year)"
    rf"|\b{NUMBER} (?:times|divided|multiplied)"
    r")$"
)
"""Endings that ask for more although their last word does not."""

NUMBERS = re.compile(NUMBER)
ENDS_IN_LIKE = re.compile(r"^(?:what|how) .+ like$")
ENDS_IN_TIME = re.compile(
    r"\b(?:at|for|by|until|till|from|to|past|around|before|after) "
    r"(?:\d{3,4}|\d{1,2}[:.]\d\d|(?:\d{1,2}|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve) "
    r"(?:\d\d|fifteen|thirty|forty five)|(?:half|quarter) past \S+)$|\b(?:in|since) \d{4}$"
)
DICTATION = re.compile(
    rf"(?:.*\b(?:(?P<short>code|pin|zip|password|extension)|number|phone|card|account)(?: number| code)? is )"
    rf"(?P<digits>{DIGIT}(?: {DIGIT})*)|(?P<bare>{DIGIT}(?: {DIGIT})+)"
)

# ── spelling ────────────────────────────────────────────────────────────────────────────────────

SPELLINGS = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        ("[’`´]", "'"),
        (rf"\b({NUMBER}) ?[ap]\.?m\b\.?", r"\1 o'clock"),
        (r"\b(mr|mrs|ms|dr|st)\.", r"\1"),
        ("%", " percent"),
        ("&", " and "),
        (r"\+", " plus "),
        (r"° ?(?:[cf]\b)?", " degrees"),
        (r"(?<=\w)[-‐‑](?=\w)", " "),
        (r"\bcan't\b", "can not"),
        (r"\bwon't\b", "will not"),
        (r"n't\b", " not"),
        (r"\blet's\b", "let us"),
        (r"\b(what|who|where|when|how|why|that|it|there|here|he|she)'s\b", r"\1 is"),
        (r"'d\b", " would"),
        (r"'re\b", " are"),
        (r"'m\b", " am"),
        (r"'ve\b", " have"),
        (r"'ll\b", " will"),
        (r"\bgonna\b", "going to"),
        (r"\bwanna\b", "want to"),
    )
)
WORD = re.compile(r"[^\W_]+(?:[':.,][^\W_]+)*")
SENTENCE_END = re.compile(r"[.?!]+(?:\s+|$)")
TRAILING_OFF = re.compile(r"(?:\.\.+|…|[-–—,:;])[\s\"'”’]*$")
