"""What is mostly asked of a language model, and local intents understand: eight phrasings of each."""

from __future__ import annotations

from tests.intent_phrases import Table

TOOLS: dict[str, Table] = {
    "remember": {
        "Remember that my sister's birthday is in May.": {"fact": "my sister's birthday is in May"},
        "Please remember that I parked the car on level three.": {"fact": "I parked the car on level 3"},
        "Remember that my friend Anna likes tulips.": {"fact": "my friend Anna likes tulips"},
        "Can you remember that our bins go out on Tuesday?": {"fact": "our bins go out on Tuesday"},
        "Keep in mind that I'm allergic to peanuts.": {"fact": "I'm allergic to peanuts"},
        "Don't forget that my wife is called Ann.": {"fact": "my wife is called Ann"},
        "Hey Jarvis, remember that I keep the spare key in the shed.": {"fact": "I keep the spare key in the shed"},
        "Remember my name is Sam.": {"fact": "my name is Sam"},
        "Remember I like green tea": {"fact": "I like green tea"},
        "Remember we're out of salt.": {"fact": "we're out of salt"},
        "Remember for me that my shoe size is forty two.": {"fact": "my shoe size is 42"},
    },
    "recall": {
        "What do you remember?": {},
        "What do you know about me?": {},
        "What have I told you?": {},
        "What have you remembered?": {},
        "What did I tell you to remember?": {},
        "What do you remember about my sister?": {"about": "my sister"},
        "What did I tell you about the car?": {"about": "the car"},
        "What have I told you about Anna?": {"about": "anna"},
    },
    "forget": {
        "Forget that my sister's birthday is in May.": {"about": "my sister's birthday is in may"},
        "Forget what I told you about the car.": {"about": "the car"},
        "Forget everything I told you about Anna.": {"about": "anna"},
        "Forget what you know about my shoe size.": {"about": "my shoe size"},
        "Forget what I just told you.": {"last": True},
        "Forget what I just said.": {"last": True},
        "Forget the last thing I told you.": {"last": True},
        "Please forget what I told you.": {"last": True},
    },
    "get_volume": {
        "What's the volume?": {},
        "What is the volume at?": {},
        "What is the volume set to?": {},
        "How loud is the volume?": {},
        "How high is the volume?": {},
        "What's the volume level?": {},
        "Volume level, please.": {},
        "Hey Jarvis, what's the volume?": {},
    },
    "set_volume": {
        "Set the volume to 50 percent.": {"percent": 50},
        "Set the volume to fifty percent.": {"percent": 50},
        "Volume 30%.": {"percent": 30},
        "Turn the volume down to ten percent.": {"percent": 10},
        "Put the volume at 70 percent, please.": {"percent": 70},
        "Volume to 25 percent.": {"percent": 25},
        "Set the volume to 30.": {"percent": 30},
        "turn the volume down to twenty": {"percent": 20},
        "Turn the volume all the way up.": {"percent": 100},
        "Full volume!": {"percent": 100},
    },
    "change_volume": {
        "Turn the volume down a little.": {"direction": "down"},
        "Turn up the volume.": {"direction": "up"},
        "Volume up.": {"direction": "up"},
        "Louder.": {"direction": "up"},
        "Make it quieter.": {"direction": "down"},
        "Lower the volume, please.": {"direction": "down"},
        "Turn the music up a bit.": {"direction": "up"},
        "Turn the volume up by 20 percent.": {"direction": "up", "percent": 20},
    },
    "set_mute": {
        "Mute.": {"muted": True},
        "Mute the sound.": {"muted": True},
        "Mute the speakers, please.": {"muted": True},
        "Turn the sound off.": {"muted": True},
        "Unmute.": {"muted": False},
        "Unmute the sound.": {"muted": False},
        "Turn the sound back on.": {"muted": False},
        "Turn on the sound.": {"muted": False},
    },
    "control_media": {
        "Pause the music.": {"action": "pause"},
        "Pause.": {"action": "pause"},
        "Resume the music.": {"action": "play"},
        "Play the music.": {"action": "play"},
        "Next song, please.": {"action": "next"},
        "Skip this song.": {"action": "next"},
        "Go back one song.": {"action": "previous"},
        "Stop the music.": {"action": "stop"},
    },
    "get_playing": {
        "What's playing?": {},
        "What song is this?": {},
        "Which song is playing?": {},
        "What's this song called?": {},
        "Who sings this?": {},
        "What am I listening to?": {},
        "What is the name of this song?": {},
        "What are we listening to?": {},
    },
    "get_weather": {
        "What's the weather like?": {},
        "What's the weather in Oslo?": {"place": "Oslo"},
        "What's the weather like tomorrow?": {"day": "tomorrow"},
        "What's the weather like in New York on Friday?": {"place": "New York", "day": "friday"},
        "Will it rain tomorrow?": {"about": "rain", "day": "tomorrow"},
        "Do I need an umbrella today?": {"about": "rain", "day": "today"},
        "Is it going to rain in Paris on Saturday?": {"about": "rain", "place": "Paris", "day": "saturday"},
        "How cold is it outside?": {"about": "temperature"},
        "What's the temperature in Rome?": {"about": "temperature", "place": "Rome"},
        "Is it windy?": {"about": "wind"},
    },
    "open_application": {
        "Open the calculator.": {"name": "calculator"},
        "Open Firefox.": {"name": "firefox"},
        "Launch the terminal.": {"name": "terminal"},
        "Open the web browser, please.": {"name": "browser"},
        "Start Spotify.": {"name": "spotify"},
        "Open up the settings.": {"name": "settings"},
        "Could you open the file manager?": {"name": "file manager"},
        "Open my calendar.": {"name": "calendar"},
    },
    "get_system_status": {
        "How much battery is left?": {"about": "battery"},
        "What's the battery level?": {"about": "battery"},
        "How full is the disk?": {"about": "disk"},
        "How much disk space is left?": {"about": "disk"},
        "How hot is the CPU?": {"about": "processor"},
        "Are we online?": {"about": "network"},
        "How long has this computer been on?": {"about": "uptime"},
        "System status.": {},
    },
    "read_clipboard": {
        "What's on my clipboard?": {},
        "What's in the clipboard?": {},
        "Read the clipboard.": {},
        "Read me my clipboard, please.": {},
        "Read what I copied.": {},
        "What did I copy?": {},
        "What does the clipboard say?": {},
        "Show me what's in the clipboard.": {},
    },
    "get_news": {
        "What's the news?": {},
        "What are the headlines?": {},
        "Tell me the news.": {},
        "Give me the latest news.": {},
        "Read me the headlines, please.": {},
        "Today's news.": {},
        "What's happening in the world today?": {},
        "Is there any news?": {},
    },
    "search_wikipedia": {
        "Look up Marie Curie on Wikipedia.": {"topic": "Marie Curie"},
        "Search Wikipedia for black holes.": {"topic": "black holes"},
        "What does Wikipedia say about Oslo?": {"topic": "Oslo"},
        "Search for the Eiffel Tower on Wikipedia.": {"topic": "the Eiffel Tower"},
        "Look tulips up on Wikipedia.": {"topic": "tulips"},
        "Find Ada Lovelace on Wikipedia.": {"topic": "Ada Lovelace"},
        "Could you look up jazz in Wikipedia?": {"topic": "jazz"},
        "Hey Jarvis, search Wikipedia for Rome.": {"topic": "Rome"},
    },
    "web_search": {
        "Search the web for the best pizza in Rome.": {"query": "the best pizza in Rome"},
        "Google cheap flights to Oslo.": {"query": "cheap flights to Oslo"},
        "Search the internet for parking.": {"query": "parking"},
        "Look up train times online.": {"query": "train times"},
        "Search online for a plumber.": {"query": "a plumber"},
        "Search for tulip bulbs on the web.": {"query": "tulip bulbs"},
        "Do a web search for pasta recipes.": {"query": "pasta recipes"},
        "Look pancake recipes up online.": {"query": "pancake recipes"},
    },
    "read_calendar": {
        "What's on my calendar?": {},
        "What's on my calendar today?": {"when": "today"},
        "What's on my calendar tomorrow?": {"when": "tomorrow"},
        "Read me my agenda for Friday.": {"when": "friday"},
        "Do I have any meetings on Friday?": {"when": "friday"},
        "Do I have any appointments?": {},
        "What appointments do I have tomorrow?": {"when": "tomorrow"},
        "What are my plans for Saturday?": {"when": "saturday"},
    },
    "dictate": {
        "Type: hello world.": {"text": "hello world"},
        "Type hello world.": {"text": "hello world"},
        "Type in good morning everybody.": {"text": "good morning everybody"},
        "Type out see you tomorrow.": {"text": "see you tomorrow"},
        "Dictate: I will be there soon.": {"text": "I will be there soon"},
        "Dictate dear Anna.": {"text": "dear Anna"},
        "Please type kind regards.": {"text": "kind regards"},
        "Could you type best wishes from Oslo?": {"text": "best wishes from Oslo"},
    },
    "make_image": {
        "Make a picture of a red fox in the snow.": {"description": "a red fox in the snow"},
        "Draw me a picture of my old house by the sea.": {"description": "my old house by the sea"},
        "Could you paint a painting of a sunset over the sea?": {"description": "a sunset over the sea"},
        "Create an image of cats on a sofa, please.": {"description": "cats on a sofa"},
        "generate an image of a spaceship": {"description": "a spaceship"},
        "Hey Jarvis, make me a drawing of a dragon.": {"description": "a dragon"},
        "Paint another picture of a forest at night.": {"description": "a forest at night"},
        "Please make a new image of a lighthouse.": {"description": "a lighthouse"},
    },
    "translate": {
        "Translate good morning into French.": {"text": "good morning", "language": "french"},
        "Translate where is the station to German.": {"text": "where is the station", "language": "german"},
        "How do you say thank you very much in Japanese?": {"text": "thank you very much", "language": "japanese"},
        "How do I say good night in Spanish?": {"text": "good night", "language": "spanish"},
        "How would you say cheese cake in Italian?": {"text": "cheese cake", "language": "italian"},
        "How is happy birthday said in Greek?": {"text": "happy birthday", "language": "greek"},
        "Please translate see you soon into Dutch.": {"text": "see you soon", "language": "dutch"},
        "Can you translate I love tulips into Turkish?": {"text": "I love tulips", "language": "turkish"},
    },
    "list_jobs": {
        "How is the job coming along?": {},
        "Is the job done yet?": {},
        "What jobs are running?": {},
        "Which jobs are there?": {},
        "How far is the job?": {},
        "Show me the background jobs.": {},
        "What are you working on in the background?": {},
        "How are the jobs doing?": {},
    },
    "cancel_job": {
        "Cancel the job.": {},
        "Stop the job.": {},
        "Abort that job.": {},
        "Kill the background job.": {},
        "Cancel my job, please.": {},
        "Please stop that job.": {},
        "Stop the background job.": {},
        "Hey Jarvis, cancel the job.": {},
    },
}

NEAR_MISSES = """
Remember when we went to Paris?
Remember that time?
Remember that song.
Remember that you are mortal.
Remember that I love you.
Remember that money is not everything.
Remember that the early bird catches the worm.
Google is a company.
Hold!
Resume.
Last song!
Next one, please.
Any news?
Is it hot?
Is it nice?
What are you working on?
Remember, remember, the fifth of November.
Do you remember that my wife is called Ann?
What do you remember about the war and the peace?
Forget that we ever met.
Forget everything.
Forget about Anna.
What do you know about Rome?
Turn it up.
Turn it down.
Set the volume to five.
Set the volume to 150 percent.
Turn up at the party.
The volume is too low.
Mute the patient.
Quieter than a mouse.
Next!
Play!
Play chess with me.
Play some jazz in the living room.
Skip the line.
Stop the car.
Stop the steal.
Pause for effect.
What's playing at the cinema?
Who sings?
And now, the weather with Susan.
Whether it rains or not.
Will it rain on my parade?
What's the weather like on Mars?
What's the weather in Oslo and in Rome?
How hot is the soup?
How cold are you?
The weather in the mountains was wonderful.
Open the door.
Open the window.
Open your mouth.
Open the pod bay doors.
Open Firefox and go to my bank.
Start the car.
How much time is left in the game?
How full is the glass?
How hot is the sun?
Are you online?
What's on the table?
Read it.
No news is good news.
The news was bad.
Breaking news from London.
Search the house for clues.
Look it up online.
Google it.
Search the web.
Search the web for cats and delete my files.
What does Wikipedia say about it?
What's on my mind today?
Do I have any friends?
What are my options for Friday?
Type two diabetes.
Type faster!
Type O negative.
Type hello world and press enter.
Translate this into French.
Translate good morning.
Translate good morning into French and send it to Anna.
How do you say that in Japanese?
Good job!
Cancel the job interview.
He quit the job.
Is the job well paid?
Stop the bleeding.
""".strip().splitlines()
"""TV speech, and requests that are not quite these."""
