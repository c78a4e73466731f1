"""Transcripts as Whisper writes them, with what they ask for."""

from __future__ import annotations

Table = dict[str, dict[str, object]]
"""Transcript to the arguments of the tool."""

TIME: Table = {
    "What time is it?": {},
    "what's the time": {},
    "What’s the time, please?": {},
    "Time, please.": {},
    "Hey Jarvis, what time is it?": {},
    "Um, could you tell me the time?": {},
    "Do you know what time it is?": {},
    "WHAT TIME IS IT NOW": {},
    "And what time is it in Paris?": {"city": "Paris"},
    "What time is it in Tokyo right now?": {"city": "Tokyo"},
    "What's the time in New York City?": {"city": "New York City"},
    "Tell me the time in São Paulo.": {"city": "Sao Paulo"},
    "what is the current time in london": {"city": "London"},
    "Do you know what time it is in Sydney?": {"city": "Sydney"},
    "What time is it in Washington, D.C.?": {"city": "Washington DC"},
}
DATE: Table = {
    "What day is it?": {},
    "What day is it today?": {},
    "What's today's date?": {},
    "What is the date?": {},
    "Okay, what's the date today?": {},
    "What day of the week is it?": {},
    "Can you tell me the date, please?": {},
    "what year is it": {},
    "What day is it in Tokyo?": {"city": "Tokyo"},
}
WEEKDAY: Table = {
    "What day of the week is Christmas this year?": {"day": "Christmas"},
    "What day is New Year's Eve?": {"day": "New Year's Eve"},
    "which day of the week is halloween": {"day": "Halloween"},
    "What day does Valentine's Day fall on this year?": {"day": "Valentine's Day"},
    "What day of the week is the Fourth of July?": {"day": "Independence Day"},
    "What day is July 4th this year?": {"day": "Independence Day"},
    "What day of the week is St. Patrick's Day?": {"day": "Saint Patrick's Day"},
}
SET_TIMER: Table = {
    "Set a timer for ten minutes.": {"seconds": 600},
    "Set a timer for 10 minutes.": {"seconds": 600},
    "set timer for five minutes": {"seconds": 300},
    "Set a 10-minute timer.": {"seconds": 600},
    "Set a ten minute timer, please.": {"seconds": 600},
    "Start a timer for 90 seconds.": {"seconds": 90},
    "Create a timer for half an hour": {"seconds": 1800},
    "Make a timer for 45 mins.": {"seconds": 2700},
    "Timer for ten minutes.": {"seconds": 600},
    "Ten minute timer.": {"seconds": 600},
    "timer 5 minutes": {"seconds": 300},
    "timer for an hour and a half": {"seconds": 5400},
    "Set a timer for two and a half minutes.": {"seconds": 150},
    "Set a timer for 2 1/2 minutes.": {"seconds": 150},
    "Set a timer for 2½ minutes.": {"seconds": 150},
    "Set a timer for 1.5 hours.": {"seconds": 5400},
    "Set a timer for one and a half hours.": {"seconds": 5400},
    "Set a timer for a quarter of an hour.": {"seconds": 900},
    "Set a timer for three quarters of an hour.": {"seconds": 2700},
    "Set a timer for a minute and a half.": {"seconds": 90},
    "Set a timer for 1 hour, 30 minutes.": {"seconds": 5400},
    "Set a timer for one hour and twenty-five minutes.": {"seconds": 5100},
    "Set a timer for 1 hour, 2 minutes and 3 seconds": {"seconds": 3723},
    "Set a timer for 2 minutes 30": {"seconds": 150},
    "Set a timer for a couple of minutes.": {"seconds": 120},
    "Set a timer for a hundred and twenty seconds.": {"seconds": 120},
    "Set a timer for an hour.": {"seconds": 3600},
    "set a one minute timer": {"seconds": 60},
    "Set another timer for 20 minutes.": {"seconds": 1200},
    "Set a second timer for ten minutes.": {"seconds": 600},
    "Set me a timer for 3 minutes": {"seconds": 180},
    "Can you set a timer for 15 minutes for me?": {"seconds": 900},
    "Could you please start a 30 second timer?": {"seconds": 30},
    "Hey Jarvis, set a timer for twenty minutes, please.": {"seconds": 1200},
    "Alexa, timer, 5 minutes.": {"seconds": 300},
    "I need a timer for 12 minutes.": {"seconds": 720},
    "I'd like you to set a timer for 7 minutes.": {"seconds": 420},
    "Give me a five-minute timer": {"seconds": 300},
    "Set a timer for 100 hours.": {"seconds": 360_000},
    "Set a timer for 0 minutes.": {"seconds": 0},
    "Start a countdown from 30 seconds.": {"seconds": 30},
    "Remind me in ten minutes.": {"seconds": 600},
    "Wake me in half an hour.": {"seconds": 1800, "label": "wake-up"},
    "Wake me up in 20 minutes": {"seconds": 1200, "label": "wake-up"},
    "Set a pasta timer for an hour and a half.": {"seconds": 5400, "label": "pasta"},
    "Set an egg timer for 6 minutes.": {"seconds": 360, "label": "egg"},
    "Set a timer for ten minutes called tea.": {"seconds": 600, "label": "tea"},
    "Set a timer called tea for 4 minutes.": {"seconds": 240, "label": "tea"},
    "Set a 10 minute pizza timer.": {"seconds": 600, "label": "pizza"},
    "Start a ten-minute timer for the pizza.": {"seconds": 600, "label": "pizza"},
    "Set a timer for 8 minutes for the soft boiled eggs": {"seconds": 480, "label": "soft boiled eggs"},
    "Set a timer for the laundry for 45 minutes": {"seconds": 2700, "label": "laundry"},
    "Create a timer named mom's cake for one hour": {"seconds": 3600, "label": "mom's cake"},
}
LIST_TIMERS: Table = {
    "How long is left?": {},
    "How much time is left on the timer?": {},
    "How long is left on the pasta timer?": {"label": "pasta"},
    "How much time do I have left?": {},
    "How long does my tea timer have left?": {"label": "tea"},
    "How long until the timer goes off?": {},
    "When does the pasta timer go off?": {"label": "pasta"},
    "What timers do I have?": {},
    "Which timers are running?": {},
    "Do I have any timers running?": {},
    "How many timers do I have?": {},
    "Show me my timers.": {},
    "Check the timer, please.": {},
    "How's the pizza timer doing?": {"label": "pizza"},
    "Time left on my egg timer.": {"label": "egg"},
    "What alarms do I have?": {"kind": "alarm"},
    "When is my alarm?": {"kind": "alarm"},
    "What time is my gym alarm set for?": {"kind": "alarm", "label": "gym"},
    "Do I have any alarms set?": {"kind": "alarm"},
    "When does the alarm go off?": {"kind": "alarm"},
    "What reminders do I have?": {"kind": "reminder"},
    "Read me my reminders.": {"kind": "reminder"},
}
SET_ALARM: Table = {
    "Wake me at 715 am.": {"when": "7:15 am"},
    "Set an alarm for 7 a.m.": {"when": "7 am"},
    "Set an alarm for seven thirty.": {"when": "7 30"},
    "Set an alarm for 6:45 tomorrow morning.": {"when": "6:45 tomorrow morning"},
    "Set the alarm for quarter past six.": {"when": "quarter past 6"},
    "Set an alarm for half past five in the morning": {"when": "half past 5 in the morning"},
    "Set an alarm for ten to eight.": {"when": "10 to 8"},
    "Set an alarm for noon on Friday.": {"when": "noon on friday"},
    "Wake me up at 7:30.": {"when": "7:30"},
    "Wake me up tomorrow at 7 AM.": {"when": "tomorrow at 7 am"},
    "Wake me at six.": {"when": "6"},
    "Please wake me up every weekday at seven.": {"when": "every weekday at 7"},
    "Set an alarm every weekday at 7.": {"when": "every weekday at 7"},
    "Set a 6 a.m. alarm, please.": {"when": "6 am"},
    "Alarm for 8 o'clock tonight": {"when": "8 o'clock tonight"},
    "I need to wake up at five thirty tomorrow.": {"when": "5 30 tomorrow"},
    "Set a gym alarm for 6 p.m.": {"when": "6 pm", "label": "gym"},
    "Set an alarm called gym for every Monday and Thursday at 6 p.m.": {
        "when": "every monday and thursday at 6 pm",
        "label": "gym",
    },
    "Set an alarm for 7 a.m. called yoga": {"when": "7 am", "label": "yoga"},
}
SET_REMINDER: Table = {
    "Remind me to call my mother at 630.": {"text": "call my mother", "when": "6:30"},
    "Remind me to call Mum at five.": {"text": "call Mum", "when": "5"},
    "Remind me to call my mother at six thirty.": {"text": "call my mother", "when": "6 30"},
    "Remind me at 5 p.m. to take out the trash.": {"text": "take out the trash", "when": "5 pm"},
    "Remind me tomorrow at 9 to pay the rent.": {"text": "pay the rent", "when": "tomorrow at 9"},
    "Remind me to water the plants every Saturday at 10.": {
        "text": "water the plants",
        "when": "every saturday at 10",
    },
    "Remind me in ten minutes to call Mom.": {"text": "call Mom", "seconds": 600},
    "Remind me to check the oven in half an hour.": {"text": "check the oven", "seconds": 1800},
    "Set a reminder to stretch at quarter to four.": {"text": "stretch", "when": "quarter to 4"},
    "Set a reminder for 3 p.m. to pick up the kids": {"text": "pick up the kids", "when": "3 pm"},
    "Hey Jarvis, could you remind me to go to bed at 11 tonight?": {"text": "go to bed", "when": "11 tonight"},
    "Don't let me forget to feed the cat at 6 pm.": {"text": "feed the cat", "when": "6 pm"},
    "Remind me about the meeting on Thursday at 2.": {"text": "the meeting", "when": "on thursday at 2"},
}
CHANGE_TIMER: Table = {
    "Add five minutes to the timer.": {"action": "extend", "seconds": 300},
    "Add 5 minutes to the pasta timer.": {"action": "extend", "seconds": 300, "label": "pasta"},
    "Extend the timer by an hour and a half.": {"action": "extend", "seconds": 5400},
    "Make the tea timer one minute longer.": {"action": "extend", "seconds": 60, "label": "tea"},
    "Take two minutes off the timer.": {"action": "shorten", "seconds": 120},
    "Shorten the pizza timer by 30 seconds.": {"action": "shorten", "seconds": 30, "label": "pizza"},
    "Change the pasta timer to ten minutes.": {"action": "set", "seconds": 600, "label": "pasta"},
    "Pause the timer.": {"action": "pause"},
    "Please pause my tea timer.": {"action": "pause", "label": "tea"},
    "Resume the timer.": {"action": "resume"},
    "Continue the pasta timer": {"action": "resume", "label": "pasta"},
    "Unpause my timer.": {"action": "resume"},
}
ADD_TO_LIST: Table = {
    "Add milk to my shopping list.": {"items": ["milk"], "name": "shopping"},
    "Add milk, eggs and bread to my shopping list.": {"items": ["milk", "eggs", "bread"], "name": "shopping"},
    "Add milk, eggs, and bread to the grocery list, please.": {"items": ["milk", "eggs", "bread"], "name": "grocery"},
    "Put bananas on the list.": {"items": ["bananas"]},
    "Put Brie on the shopping list": {"items": ["Brie"], "name": "shopping"},
    "Put two bottles of water on the shopping list": {"items": ["2 bottles of water"], "name": "shopping"},
    "Add to my shopping list olive oil and salt.": {"items": ["olive oil", "salt"], "name": "shopping"},
    "Can you add toilet paper to the groceries?": {"items": ["toilet paper"]},
    "Add call the bank to my to-do list.": {"items": ["call the bank"], "name": "to do"},
    "Add a tent and sleeping bags to my camping list.": {"items": ["a tent", "sleeping bags"], "name": "camping"},
    "Write butter on our shopping list.": {"items": ["butter"], "name": "shopping"},
}
REMOVE_FROM_LIST: Table = {
    "Remove milk from my shopping list.": {"items": ["milk"], "name": "shopping"},
    "Take the eggs off the shopping list.": {"items": ["the eggs"], "name": "shopping"},
    "Cross bread off my shopping list": {"items": ["bread"], "name": "shopping"},
    "Delete milk and eggs from the grocery list.": {"items": ["milk", "eggs"], "name": "grocery"},
    "Remove the tent from my camping list.": {"items": ["the tent"], "name": "camping"},
    "Check off call the bank on my to do list": {"items": ["call the bank"], "name": "to do"},
    "Take olive oil off of the shopping list": {"items": ["olive oil"], "name": "shopping"},
    "Tick milk off the shopping list": {"items": ["milk"], "name": "shopping"},
}
READ_LIST: Table = {
    "What's on my list?": {},
    "Read me the list.": {},
    "What's on my shopping list?": {"name": "shopping"},
    "Read me my shopping list.": {"name": "shopping"},
    "What do I have on the grocery list?": {"name": "grocery"},
    "How many items are on my shopping list?": {"name": "shopping"},
    "Read out my camping list.": {"name": "camping"},
    "What's on my to-do list?": {"name": "to do"},
    "Is there anything on my to do list?": {"name": "to do"},
    "What do I need to buy?": {},
    "What do I have to do today?": {"name": "to-do"},
    "Show me the packing list": {"name": "packing"},
}
LIST_LISTS: Table = {
    "What lists do I have?": {},
    "Which lists are there?": {},
    "What are my lists?": {},
    "Show me all my lists.": {},
    "How many lists do I have?": {},
    "Tell me my lists": {},
    "Which lists have I got": {},
    "Show all of my lists.": {},
}
CLEAR_LIST: Table = {
    "Clear my shopping list.": {"name": "shopping"},
    "Empty the grocery list": {"name": "grocery"},
    "Clear out the packing list": {"name": "packing"},
    "Erase my to-do list.": {"name": "to do"},
    "Remove everything from my shopping list.": {"name": "shopping"},
    "Delete the camping list.": {"name": "camping"},
    "Wipe the shopping list, please": {"name": "shopping"},
    "Delete my shopping list": {"name": "shopping"},
}
TAKE_NOTE: Table = {
    "Take a note: buy stamps.": {"text": "buy stamps"},
    "Take a note that Anna's birthday is in May.": {"text": "Anna's birthday is in May"},
    "Make a note that the car is in row seven": {"text": "the car is in row 7"},
    "Write down the wifi password is swordfish.": {"text": "the wifi password is swordfish"},
    "Note that the plumber comes on Tuesday.": {"text": "the plumber comes on Tuesday"},
    "Note to self: ask Tom about the boat": {"text": "ask Tom about the boat"},
    "New note: lemon cake needs four eggs": {"text": "lemon cake needs 4 eggs"},
    "Jot down that the key is under the mat.": {"text": "the key is under the mat"},
    "Please make a quick note saying the boiler is broken": {"text": "the boiler is broken"},
}
READ_NOTES: Table = {
    "Read my notes.": {},
    "What notes do I have?": {},
    "Show me my last notes": {},
    "Do I have any notes?": {},
    "Search my notes for parking.": {"about": "parking"},
    "Find my notes about the boiler.": {"about": "the boiler"},
    "Do I have any notes about Anna?": {"about": "anna"},
    "What do my notes say about the wifi password?": {"about": "the wifi password"},
    "What did I write down?": {},
}
DELETE_NOTE: Table = {
    "Delete the note about the boiler.": {"about": "the boiler"},
    "Remove my note on parking": {"about": "parking"},
    "Delete the last note.": {"last": True},
    "Delete that note.": {"last": True},
    "Erase my latest note": {"last": True},
    "Discard that note, please.": {"last": True},
    "Throw away the note about Anna": {"about": "anna"},
    "Please delete my note about the wifi": {"about": "the wifi"},
}
UNDO: Table = {
    "Undo.": {},
    "Undo that.": {},
    "Please undo the last change.": {},
    "Put it back.": {},
    "Take that back.": {},
    "Bring it back": {},
    "I didn't mean that.": {},
    "Undo my last change": {},
}
CANCEL_TIMER: Table = {
    "Cancel the timer.": {},
    "Stop the timer!": {},
    "Okay, turn off the timer.": {},
    "Turn the timer off.": {},
    "Stop the alarm.": {"kind": "alarm"},
    "Turn off the alarm.": {"kind": "alarm"},
    "Cancel my gym alarm.": {"kind": "alarm", "label": "gym"},
    "Cancel the 7 a.m. alarm.": {"kind": "alarm", "when": "7 am"},
    "Cancel the alarm for quarter past six.": {"kind": "alarm", "when": "quarter past 6"},
    "Delete the alarm at 6:30 tomorrow.": {"kind": "alarm", "when": "6:30 tomorrow"},
    "Cancel all alarms.": {"kind": "alarm", "everything": True},
    "Turn off my alarms": {"kind": "alarm", "everything": True},
    "Cancel the reminder.": {"kind": "reminder"},
    "Delete the reminder about the laundry.": {"kind": "reminder", "label": "laundry"},
    "Cancel all my reminders": {"kind": "reminder", "everything": True},
    "Please cancel my timer": {},
    "Cancel the pasta timer.": {"label": "pasta"},
    "Delete the timer for the laundry.": {"label": "laundry"},
    "Cancel the timer called soft eggs": {"label": "soft eggs"},
    "Cancel the ten minute timer.": {"seconds": 600},
    "Cancel the timer for half an hour.": {"seconds": 1800},
    "Cancel all timers.": {"everything": True},
    "Cancel all of my timers": {"everything": True},
    "Stop both timers": {"everything": True},
    "Clear my timers": {"everything": True},
}
CALCULATE: dict[str, object] = {
    "What is two plus two?": "2 + 2",
    "What's 2 + 2?": "2 + 2",
    "What's 15% of 80?": "15 % of 80",
    "15% of 80": "15 % of 80",
    "what is fifteen percent of eighty": "15 % of 80",
    "Twelve times twelve.": "12 * 12",
    "144 divided by 12": "144 / 12",
    "What's one hundred and forty-four divided by twelve?": "144 / 12",
    "Square root of 81.": "sqrt(81)",
    "What is the square root of two hundred?": "sqrt(200)",
    "What's 1,250 minus 375?": "1250 - 375",
    "How much is 3.5 times four?": "3.5 * 4",
    "How much is three point five times four?": "3.5 * 4",
    "Calculate 5 x 7.": "5 * 7",
    "5 * 7 =": "5 * 7",
    "What does 7 plus 8 equal?": "7 + 8",
    "What is minus 5 plus 3?": "- 5 + 3",
    "What is -5 + 3?": "- 5 + 3",
    "Two to the power of ten": "2 ** 10",
    "What's 12 squared?": "12 ** 2",
    "Add 5 and 7.": "5 + 7",
    "Divide 100 by 8": "100 / 8",
    "Subtract 5 from 20.": "20 - 5",
    "What's half of 37?": "0.5 * 37",
    "What is a third of 90?": "1 / 3 * 90",
    "What's five divided by zero?": "5 / 0",
    "Hey Jarvis, what's 2 million times 3?": "2000000 * 3",
    "What is 2 plus 3 times 4?": "2 + 3 * 4",
}
CONVERT = {
    "How many grams are there in a pound?": (1.0, "pounds", "grams"),
    "how many grams in a pound": (1.0, "pounds", "grams"),
    "How many grams are in 2.5 pounds?": (2.5, "pounds", "grams"),
    "How many ounces are in a cup?": (1.0, "cups", "ounces"),
    "How many feet are in a mile?": (1.0, "miles", "feet"),
    "How many kilometers is ten miles?": (10.0, "miles", "kilometers"),
    "Convert 10 miles to kilometres.": (10.0, "miles", "kilometers"),
    "What's 68 degrees Fahrenheit in Celsius?": (68.0, "degrees Fahrenheit", "degrees Celsius"),
    "What is 20°C in Fahrenheit?": (20.0, "degrees Celsius", "degrees Fahrenheit"),
    "What's minus forty Celsius in Fahrenheit?": (-40.0, "degrees Celsius", "degrees Fahrenheit"),
    "What is 60 miles per hour in kilometers per hour?": (60.0, "miles per hour", "kilometers per hour"),
    "What's five feet in centimeters?": (5.0, "feet", "centimeters"),
    "5 kg in pounds": (5.0, "kilograms", "pounds"),
    "How many seconds are there in an hour?": (1.0, "hours", "seconds"),
    "How many minutes are in 90 seconds?": (90.0, "seconds", "minutes"),
    "How many hours are in a week?": (1.0, "weeks", "hours"),
}
REPEAT = [
    "Repeat that.",
    "Could you repeat that, please?",
    "Say that again.",
    "What did you say?",
    "What did you just say?",
    "I didn't catch that.",
    "One more time, please.",
    "Pardon?",
]
STOP = [
    "Stop.",
    "Never mind.",
    "Nevermind.",
    "Cancel that.",
    "Be quiet!",
    "Shut up.",
    "That's enough.",
    "Forget it.",
    "Okay, stop, please.",
    "Hey Jarvis, stop!",
    "What is the capital of France? Stop.",
    "Set a timer for ten minutes. Never mind.",
]

LIST_SKILLS = [
    "What can you do?",
    "Hey Jarvis, what can you do for me?",
    "What can I ask you?",
    "What are your skills?",
    "How can you help me?",
    "Help!",
    "What else can you do?",
    "what should i say",
]
FORGET_CONVERSATION = [
    "Forget our conversation.",
    "Please delete this conversation.",
    "Forget everything we talked about.",
    "Forget everything we have discussed.",
    "Could you forget what we talked about?",
    "Erase our conversation.",
    "forget all that we said",
    "Forget what we just discussed, please.",
]

MATCHES: list[tuple[str, str, dict[str, object]]] = [
    *[(text, "get_time", arguments) for text, arguments in TIME.items()],
    *[(text, "get_date", arguments) for text, arguments in DATE.items()],
    *[(text, "get_weekday", arguments) for text, arguments in WEEKDAY.items()],
    *[(text, "set_timer", arguments) for text, arguments in SET_TIMER.items()],
    *[(text, "list_timers", arguments) for text, arguments in LIST_TIMERS.items()],
    *[(text, "cancel_timer", arguments) for text, arguments in CANCEL_TIMER.items()],
    *[(text, "set_alarm", arguments) for text, arguments in SET_ALARM.items()],
    *[(text, "set_reminder", arguments) for text, arguments in SET_REMINDER.items()],
    *[(text, "change_timer", arguments) for text, arguments in CHANGE_TIMER.items()],
    *[(text, "add_to_list", arguments) for text, arguments in ADD_TO_LIST.items()],
    *[(text, "remove_from_list", arguments) for text, arguments in REMOVE_FROM_LIST.items()],
    *[(text, "read_list", arguments) for text, arguments in READ_LIST.items()],
    *[(text, "list_lists", arguments) for text, arguments in LIST_LISTS.items()],
    *[(text, "clear_list", arguments) for text, arguments in CLEAR_LIST.items()],
    *[(text, "take_note", arguments) for text, arguments in TAKE_NOTE.items()],
    *[(text, "read_notes", arguments) for text, arguments in READ_NOTES.items()],
    *[(text, "delete_note", arguments) for text, arguments in DELETE_NOTE.items()],
    *[(text, "undo", arguments) for text, arguments in UNDO.items()],
    *[(text, "list_skills", {}) for text in LIST_SKILLS],
    *[(text, "forget_conversation", {}) for text in FORGET_CONVERSATION],
    *[(text, "calculate", {"expression": expression}) for text, expression in CALCULATE.items()],
    *[
        (text, "convert_units", {"amount": amount, "from_unit": source, "to_unit": target})
        for text, (amount, source, target) in CONVERT.items()
    ],
]

LEFT_TO_THE_MODEL = """
What is the capital of France?
What's the weather like in Paris today?
Turn on the kitchen lights, please.
Who wrote Romeo and Juliet?
Play some jazz in the living room.
Tell me a short joke about cats.
Why is the sky blue during the day and red in the evening?
How tall is Mount Everest?
Turn the volume down a little.
It was the best of times, it was the worst of times.
Ever tried. Ever failed. No matter. Try again. Fail again. Fail better.
Set a timer for 5 minutes and turn on the lights.
Set a timer for 5 minutes, turn on the lights.
Set a timer for five minutes and another one for ten minutes.
Set a timer for five minutes called tea and play some music.
Set a timer for five minutes called tea, lights off.
Set a timer for ten minutes. What time is it?
Set a timer for 10 minutes called it's late
Set a timer for 10 minutes called when I get home
Set a timer for 10 minutes called pasta with tomato sauce
Set a timer for ten minutes for tomorrow.
Set a 10 minute timer for when I get home.
Set a timer.
Set a timer for ten.
Set a timer for a while.
Set a timer for 5 to 10 minutes.
Set a timer for half a second.
Set a timer for three days.
Don't set a timer for ten minutes.
Did you set a timer for ten minutes?
I set a timer for ten minutes.
Why did you set a timer for ten minutes?
How do I set a timer for ten minutes?
Set a sleep timer for 30 minutes.
Wake me up in the morning.
Remind me every ten minutes.
Set an alarm for 7 and turn on the lights.
Set an alarm for seven and another one for eight.
Set an alarm for tomorrow.
Set an alarm for the morning.
Set an alarm for 25 o'clock.
Set an alarm for when I get home.
Set an alarm.
Wake me up when September ends.
Wake me up before you go go.
Did my alarm go off at seven?
I set an alarm for 7 a.m.
Why did the alarm go off at 7?
Remind me to call mum.
Remind me to call mum tomorrow.
Remind me to call mum when I get home.
Remind me at five.
Remind me at five to call mum and turn on the lights.
Remind me to call mum at five and turn on the lights.
Remind me to call mum at five, then turn on the lights.
Remind me to call mum at five and dad at six.
Remind me what we said about the meeting at five.
Remind me of the good old days.
Remind me how to cook rice in 20 minutes.
You remind me of my brother.
He reminded me to call at five.
Pause the music.
Resume the movie.
Pause the timer and play some music.
Add five minutes.
Add five minutes to the meeting.
Make it longer.
Add milk.
Add milk to my coffee.
Add milk to the shopping list and turn on the lights.
Add milk and turn on the lights to my shopping list.
Add milk to my shopping list and read me my shopping list.
Add everything we talked about yesterday evening to my shopping list.
Add him to my list of friends.
Add it to my shopping list.
Remind me at five to call mum, turn on the lights.
Take a note, call mum, turn on the lights.
Put the book on the table.
Put it on the list.
Take the cake out of the oven.
Take the second exit.
Remove the stain from the carpet.
Check off.
What's on TV tonight?
What's on the menu?
What is on your mind?
What's on the A list?
Read me a story.
Read the shopping list and clear it.
Clear the table.
Clear the list of suspects.
Delete my account.
Delete everything.
Take a note.
Take note of the time.
Make a note and send it to Tom.
Take a note that the boiler is broken and call the plumber.
Take a note, buy stamps, then call Tom.
Note that down.
Write down everything he says and send it to me.
She wrote down the number.
Find my phone.
Search the web for parking.
Search my notes for parking and delete them.
Delete all notes.
Delete my notes about the boiler and the car.
Undo the top button.
Bring back my umbrella.
I didn't mean to hurt you.
Cancel the pasta timer and the egg timer.
Cancel the timer and tell me a joke.
Cancel my subscription.
Cancel my appointment for tomorrow.
Cancel all meetings.
Don't cancel the timer.
What's a timer?
What's the time in a black hole when you fall into it?
What time is it in Middle-earth?
What time is it in Paris, Texas?
What time is it in London when it's noon in New York?
What time is it in Tokyo and London?
What time is the game?
What time was it in Tokyo?
What time does the train to Paris leave?
What time is it there?
What time zone is Tokyo in?
Do you know what time
Tell me what day
How long does it take to get to Tokyo?
The time in Tokyo was wonderful.
Remember when we went to Paris?
Remember our trip to Paris.
Remember my birthday.
Remember I love you.
Remember, I am your father.
Set the volume to 5.
What date is Easter this year?
What day of the week is Christmas next year?
What day of the week was I born?
What day is it tomorrow?
What day is the concert?
How many days until Christmas?
What is Christmas?
What is 24/7?
What is 9/11?
What's 7-Eleven?
What is 1984?
What is a hundred?
What is 2 + 2 = 5?
What is two plus two and what is the weather?
Is two plus two five?
Two times a day.
What is five over par?
What is 50 percent?
What's 50 plus 10 percent?
What's the square root of all evil?
Call 555-1234.
Twenty twenty vision.
What's ten times ten minutes?
How many grams of sugar are in a pound cake?
How many pounds are in ten dollars?
How many miles to Paris?
How many grams are in a mile?
How many feet does a spider have?
How many cups of coffee should I drink?
What's 10 pounds in euros?
How many people are in a pound?
How far is it from Paris to London in miles?
Repeat after me.
Repeat that in French.
What did you say about the timer?
Say that you love me.
Don't stop.
Where is the bus stop?
How do I stop smoking?
Stop the music.
I told him to be quiet.
Never mind the gap.
Forget it, Jake, it's Chinatown.
Okay.
Hey Jarvis.
Um.
...
(coughs)
[BLANK_AUDIO]
設定一個十分鐘的計時器
Mets un minuteur de dix minutes.
""".strip().splitlines()
"""Other requests, and traps: one word more or less than a template, two commands, wildcards that swallow the rest."""
